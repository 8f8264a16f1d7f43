// Three members of some MiB that share in every way, for tests that read the same world in many forms.

import { dumpOf, TINY } from "./pieces.js";
import { randomNumbers } from "./random.js";
import { FIVE_SIZES } from "./reference.js";
import { type Member, twinTables } from "./twin.js";

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

/** What `pagekin analyze` must write for them, at the five sizes; without ledger.csv and manifest.json. */
export const THREE_TABLES = twinTables([{ timeS: 0, members: THREE }], FIVE_SIZES);
