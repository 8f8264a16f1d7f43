// Three members of some MiB that share in every way, for tests that read the same world in many forms.

import { expect } from "vitest";
import { tablesIn } from "./folder.js";
import { dumpOf, TINY } from "./pieces.js";
import { randomNumbers } from "./random.js";
import { FIVE_SIZES } from "./reference.js";
import { sameSpectrum } from "./spectrum.js";
import { type Member, type TwinWorld, twinTables } from "./twin.js";

/** Runs of 4 KiB pages: zero, of the few that are common to all, of the member's own. */
function pieces(member: number): number[] {
  const random = randomNumbers(member);
  const page = (number: number) => [0, 1, 2, 3].map((i) => TINY + 4 * number + i);
  return Array.from({ length: 600 }, () => {
    const kind = random(10);
    if (kind < 3) return [0, 0, 0, 0];
    if (kind < 5) return page(random(100));
    if (kind < 6) return [0, 1 + random(TINY - 1), 0, 0];
    return page(1000 * member + random(900));
  }).flat();
}

export const THREE: Member[] = [100, 0, 1023].map((tailBytes, i) => ({
  name: `m${i + 1}`,
  dump: dumpOf(pieces(i + 1).slice(i), tailBytes),
}));

const WORLDS: TwinWorld[] = [{ timeS: 0, members: THREE }];
const TABLES = twinTables(WORLDS, FIVE_SIZES);
const expectSameSpectrum = sameSpectrum(WORLDS, FIVE_SIZES);

/** What `pagekin analyze` must write for them at the five sizes, apart from ledger.csv and manifest.json. */
export async function expectThree(out: string): Promise<void> {
  expect(tablesIn(out)).toEqual(TABLES);
  await expectSameSpectrum(out);
}
