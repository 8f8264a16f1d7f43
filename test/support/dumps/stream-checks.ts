// What tests of streams ask of pagekin: the same tables as of a raw dump, the ledger, the addresses, or a refusal.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { query, quote } from "../duckdb.js";
import { inFolder } from "../folder.js";
import { pagekin } from "../pagekin.js";
import { randomBytes, randomNumbers } from "../random.js";
import { expectSourcesRefused } from "../refused.js";
import { type Row, rowsOf } from "../table.js";
import { isRead } from "./damaged.js";

export const PAGE = 4096;

/** Random pages of 4 KiB; equal seeds are equal pages. */
export const pageOf = (seed: number, bytes = PAGE) => randomBytes(bytes, seed);
export const ZEROS = Buffer.alloc(PAGE);

async function run(folder: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await pagekin([...args, "--out", "out", "--quiet"], { cwd: folder });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
}

/** The ledger's row of a dump, its columns of bytes as numbers in pages of 4 KiB. */
export async function ledgerOf(folder: string, bytes: Uint8Array, ...args: string[]): Promise<Record<string, unknown>> {
  writeFileSync(path.join(folder, "vm"), bytes);
  await run(folder, ["analyze", "vm", "--page-size", "4k", ...args]);
  const [row] = rowsOf(path.join(folder, "out"), "ledger.csv");
  return Object.fromEntries(
    Object.entries(row).map(([column, text]) =>
      column.endsWith("_bytes") ? [column.slice(0, -"_bytes".length), Number(text) / PAGE] : [column, text],
    ),
  );
}

/** A dump and a raw dump have the same pages at every size, and a raw dump's neighbours are its neighbours. */
export async function expectSameAsRaw(folder: string, bytes: Uint8Array, raw: readonly Uint8Array[]): Promise<void> {
  writeFileSync(path.join(folder, "vm"), bytes);
  writeFileSync(path.join(folder, "twin.raw"), Buffer.concat(raw));
  await run(folder, ["analyze", "a=vm", "b=twin.raw", "--page-size", "1k,4k,8k"]);
  const out = path.join(folder, "out");
  const [a, b] = ["a", "b"].map((name) => rowsOf(out, "self.csv").filter(({ member }) => member === name));
  const withoutName = (rows: Row[]) => rows.map(({ member: _, ...rest }) => rest);
  expect(withoutName(a)).toEqual(withoutName(b));
  expect(rowsOf(out, "pairs.csv").map((row) => row.shared_contents)).toEqual(a.map(({ contents }) => contents));
}

/** The page numbers that a dump's trace has, and which of them are zero. */
export async function pagesOf(folder: string, bytes: Uint8Array): Promise<[page: string, zero: boolean][]> {
  writeFileSync(path.join(folder, "vm"), bytes);
  await run(folder, ["fingerprint", "vm", "--page-size", "4k"]);
  const trace = quote(path.join(folder, "out", "vm.parquet"));
  const rows = await query(`select page, zero from ${trace} order by page`);
  return rows.map(({ page, zero }) => [String(page), zero as boolean]);
}

/** A dump is refused in one line that has an offset and says something. */
export async function expectStreamRefused(folder: string, bytes: Uint8Array, ...says: (string | RegExp)[]) {
  writeFileSync(path.join(folder, "vm"), bytes);
  await expectSourcesRefused(folder, ["vm"], ["vm: at 0x", ...says]);
}

/** The places at which a file can be cut without an error. */
export async function harmlessCuts(bytes: Uint8Array, pageSize = PAGE): Promise<number[]> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "cut");
    const harmless: number[] = [];
    for (let length = 4; length < bytes.length; length++) {
      writeFileSync(file, bytes.subarray(0, length));
      if (await isRead(file, { pageSizes: [pageSize] })) harmless.push(length);
    }
    return harmless;
  });
}

/** Reads damaged forms of a file; how many of them could be read. */
export async function readDamaged(bytes: Buffer, seeds: readonly number[], pageSize = PAGE): Promise<number> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "damaged");
    let read = 0;
    for (const seed of seeds) {
      writeFileSync(file, damaged(bytes, seed));
      if (await isRead(file, { pageSizes: [pageSize] })) read++;
    }
    return read;
  });
}

/** Behind the signature: a byte changed, or a number of 32 bits, or bytes taken out, or a stretch written twice. */
function damaged(bytes: Buffer, seed: number): Buffer {
  const next = randomNumbers(seed);
  const form = Buffer.from(bytes);
  const [first, room] = [16, bytes.length - 24];
  for (let changes = 1 + next(3); changes > 0; changes--) {
    const at = first + next(room);
    if (next(2) === 0) form[at] = next(256);
    else form.writeUInt32BE([0, 1, 0x10, 0x7fffffff, 0xffffffff, next(2 ** 31)][next(6)], at);
  }
  const cut = first + next(room);
  const kind = next(4);
  if (kind === 0) return Buffer.concat([form.subarray(0, cut), form.subarray(cut + 1 + next(16))]);
  if (kind === 1) return Buffer.concat([form.subarray(0, cut), form.subarray(cut - next(16))]);
  return form;
}
