// Dumps that are cut or changed: each must be read or refused, in time.

import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { DumpFile } from "../../../src/dumps/dump-file.js";
import type { DumpFormat, DumpPlan, Range } from "../../../src/dumps/formats/format.js";
import { PagekinError } from "../../../src/errors.js";
import { soon } from "../limits.js";
import { randomNumbers } from "../random.js";
import { isRead } from "./damaged.js";

/** Cuts a dump at so many places: refused, and where that is allowed refused or read. */
export async function analyzeCuts(folder: string, file: string, bytes: Buffer, cuts: number): Promise<void> {
  for (let i = 0; i < cuts; i++) {
    const length = Math.max(4, Math.floor(((bytes.length - 1) * i) / (cuts - 1)));
    const name = `${length}-${file}`;
    writeFileSync(path.join(folder, name), bytes.subarray(0, length));
    expect(await isRead(path.join(folder, name)), `cut to ${length} of ${bytes.length} bytes`).toBe(false);
    await isRead(path.join(folder, name), { allowTruncated: true });
  }
}

/** Changes a few bytes of a dump, most of them of its headers, in as many ways as are asked for. */
export async function analyzeMutations(folder: string, file: string, bytes: Buffer, cases: number): Promise<void> {
  for (let seed = 1; seed <= cases; seed++) {
    const name = `${seed}-${file}`;
    writeFileSync(path.join(folder, name), mutate(bytes, seed));
    await isRead(path.join(folder, name), { allowTruncated: seed % 2 === 0 });
  }
}

/** Plans a dump cut at every byte of its first and last kilobyte and some between: refused, or planned where that is allowed. */
export async function planCuts(format: DumpFormat, folder: string, bytes: Buffer): Promise<void> {
  for (let length = 4; length < bytes.length; length += length < 1024 || length > bytes.length - 1024 ? 1 : 61) {
    const refusal = await refusalOf(format, folder, bytes, false, length);
    expect(refusal, `cut to ${length} bytes`).toBeInstanceOf(PagekinError);
    await refusalOf(format, folder, bytes, true, length);
  }
}

/** Plans a dump that is changed in as many ways as are asked for. */
export async function planMutations(format: DumpFormat, folder: string, bytes: Buffer, cases: number): Promise<void> {
  for (let seed = 1; seed <= cases; seed++) await refusalOf(format, folder, mutate(bytes, seed), seed % 2 === 0);
}

/** Why a dump is refused, with its place; undefined where there is a plan, which must keep to the file and to numbers. */
async function refusalOf(
  format: DumpFormat,
  folder: string,
  bytes: Buffer,
  allowTruncated: boolean,
  length = bytes.length,
): Promise<PagekinError | undefined> {
  try {
    const plan = await soon(() => planOf(format, folder, bytes, allowTruncated, length));
    const fault = faultOf(plan, length);
    if (fault !== undefined) throw new Error(`${fault} (${length} of ${bytes.length} bytes)`);
  } catch (error) {
    if (!(error instanceof PagekinError) || error.place.offset === undefined) throw error;
    return error;
  }
  return undefined;
}

/** What in a plan cannot be. */
function faultOf({ extents, span = [], outside = [], extra }: DumpPlan, fileBytes: number): string | undefined {
  const { offsets, sizes } = extents.arrays();
  for (let i = 0; i < extents.count; i++) {
    if (extents.address(i) < 0 || !Number.isSafeInteger(extents.end(i))) return `extent ${i} has no address`;
    if (offsets[i] < 0 || offsets[i] + sizes[i] > fileBytes + (extra?.length ?? 0)) return `extent ${i} is not there`;
  }
  const isRange = ({ address, bytes }: Range) => address >= 0 && bytes > 0 && Number.isSafeInteger(address + bytes);
  return [...span, ...outside].every(isRange) ? undefined : "a range is none";
}

const written = new Map<string, Buffer>();

/** The plan of a dump of these bytes, or of so many of them. */
export async function planOf(
  format: DumpFormat,
  folder: string,
  bytes: Buffer,
  allowTruncated = false,
  length = bytes.length,
): Promise<DumpPlan> {
  const file = path.join(folder, "planned");
  if (written.get(folder) !== bytes) writeFileSync(file, bytes);
  written.set(folder, bytes);
  const fd = openSync(file, "r");
  try {
    return await format.plan(new DumpFile({ at: fd, start: 0, bytes: length, shownAs: file }), { allowTruncated });
  } finally {
    closeSync(fd);
  }
}

const LOUD = [0, 1, 0x7f, 0x80, 0xff];

/** Bytes with one to four places changed; the signature stays. */
function mutate(bytes: Buffer, seed: number): Buffer {
  const random = randomNumbers(seed);
  const changed = Buffer.from(bytes);
  for (let i = random(4); i >= 0; i--) {
    const at = 4 + random((random(4) === 0 ? bytes.length : Math.min(bytes.length, 512)) - 4);
    const value = random(2) === 0 ? LOUD[random(LOUD.length)] : random(256);
    const end = Math.min(bytes.length, at + (random(3) === 0 ? 8 : 1));
    changed.fill(value, at, end);
  }
  return changed;
}
