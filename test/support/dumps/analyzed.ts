import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { pagekin } from "../pagekin.js";
import { dumpOf, TINY } from "../pieces.js";
import { type Row, rowsOf } from "../table.js";
import { isRead } from "./damaged.js";

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

/** Analyzes damaged dumps: each must be done or refused in one line, soon. Gives how many of each there were. */
export async function analyzeDamaged(
  folder: string,
  dumps: Iterable<Uint8Array>,
): Promise<{ done: number; refused: number }> {
  const counts = { done: 0, refused: 0 };
  for (const [i, dump] of [...dumps].entries()) {
    const name = `damaged-${i}`;
    writeFileSync(path.join(folder, name), dump);
    const isDone = await isRead(path.join(folder, name), { allowTruncated: i % 2 === 1 });
    counts[isDone ? "done" : "refused"]++;
  }
  return counts;
}
