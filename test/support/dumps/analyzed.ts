import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { pagekin } from "../pagekin.js";
import { dumpOf, TINY } from "../pieces.js";
import { type Row, rowsOf } from "../table.js";

/** Pages of 4 KiB: page 0 is zero, equal numbers are equal pages. */
export function pages(...numbers: number[]): Buffer {
  return dumpOf(numbers.flatMap((number) => new Array<number>(4).fill(number === 0 ? 0 : TINY + number)));
}

export interface Analyzed {
  /** The dump's row of ledger.csv. */
  ledger: Row;
  /** Its rows of self.csv, a row for each page size. */
  self: Row[];
  stderr: string;
}

/** Analyzes a dump of such bytes, which must be done. */
export async function analyzed(folder: string, dump: Uint8Array, ...options: string[]): Promise<Analyzed> {
  writeFileSync(path.join(folder, "dump"), dump);
  const args = ["analyze", "vm=dump", "--out", "out", "--force", "--quiet", ...options];
  const { code, stderr } = await pagekin(args, { cwd: folder });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const out = path.join(folder, "out");
  const [ledger] = rowsOf(out, "ledger.csv");
  return { ledger, self: rowsOf(out, "self.csv"), stderr };
}

/** Longer than a damaged file may take on an idle machine: others may be at work. */
const MOST_MS = 10_000;
/** Child processes at a time. */
const AT_ONCE = 4;

/** Analyzes damaged dumps: each must be done or refused in one line, soon. Gives how many of each there were. */
export async function analyzeDamaged(
  folder: string,
  dumps: Iterable<Uint8Array>,
): Promise<{ done: number; refused: number }> {
  const counts = { done: 0, refused: 0 };
  const rest = [...dumps].entries();
  const work = async () => {
    for (const [i, dump] of rest) {
      const name = `damaged-${i}`;
      writeFileSync(path.join(folder, name), dump);
      const start = Date.now();
      const args = ["analyze", name, "--page-size", "4k", "--out", `out-${i}`, "--quiet", "--no-progress"];
      const { code, stderr } = await pagekin(i % 2 === 0 ? args : [...args, "--allow-truncated"], { cwd: folder });
      const took = Date.now() - start;
      expect([0, 2], `${name}: ${stderr}`).toContain(code);
      if (code === 2) expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
      expect(took, name).toBeLessThan(MOST_MS);
      counts[code === 0 ? "done" : "refused"]++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return counts;
}
