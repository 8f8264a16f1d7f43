// Plans made without the command line, and what the extents of a plan decode to, byte by byte.

import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { DumpFile } from "../../../src/dumps/dump-file.js";
import { CODE } from "../../../src/dumps/extents.js";
import type { DumpFormat, DumpPlan } from "../../../src/dumps/formats/format.js";
import { EXIT, PagekinError } from "../../../src/errors.js";
import { inFolder } from "../folder.js";
import { randomNumbers } from "../random.js";
import { crc32c, decoded, masked } from "./snappy.js";

/** Plans a file of such bytes. */
export function planOf(format: DumpFormat, bytes: Uint8Array, allowTruncated = false): Promise<DumpPlan> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "dump");
    writeFileSync(file, bytes);
    const fd = openSync(file, "r");
    try {
      return await format.plan(new DumpFile({ at: fd, start: 0, bytes: bytes.length, shownAs: "dump" }), {
        allowTruncated,
      });
    } finally {
      closeSync(fd);
    }
  });
}

/** The line of the error that a plan must end with. */
export async function refusalOf(format: DumpFormat, bytes: Uint8Array, allowTruncated = false): Promise<string> {
  const result = await planOf(format, bytes, allowTruncated).catch((error: unknown) => error);
  if (!(result instanceof PagekinError)) throw new Error(`no refusal: ${result}`);
  expect(result.exitCode).toBe(EXIT.input);
  return result.line;
}

/** Plans files that may be refused and may do nothing else; gives how many were not. Extents must keep to the file. */
export async function planDamaged(format: DumpFormat, files: Iterable<Buffer>): Promise<number> {
  let planned = 0;
  for (const bytes of files) {
    const result = await planOf(format, bytes, planned % 2 === 0).catch((error: unknown) => error);
    if (result instanceof PagekinError && result.exitCode === EXIT.input) continue;
    if (result instanceof Error) throw result;
    planned++;
    const { extents } = result as DumpPlan;
    for (let i = 0; i < extents.count; i++) {
      expect(extents.arrays().offsets[i] + extents.arrays().sizes[i]).toBeLessThanOrEqual(bytes.length);
      expect(Number.isSafeInteger(extents.end(i))).toBe(true);
    }
  }
  return planned;
}

/** A stretch of memory: where, and its bytes, or how many zeros the format leaves out. */
export type Stretch = [address: number, content: Buffer | number];

/** What the extents of a plan hold, in their order; what goes on where the one before ends is one stretch with it. */
export function memoryOf({ extents }: DumpPlan, file: Buffer): Stretch[] {
  const stretches: Stretch[] = [];
  for (let i = 0; i < extents.count; i++) {
    const content = contentOf(
      extents.arrays().codes[i],
      extents.bytes(i),
      file.subarray(extents.arrays().offsets[i], extents.arrays().offsets[i] + extents.arrays().sizes[i]),
    );
    const before = stretches.at(-1);
    if (
      before &&
      Buffer.isBuffer(before[1]) &&
      Buffer.isBuffer(content) &&
      before[0] + before[1].length === extents.address(i)
    )
      before[1] = Buffer.concat([before[1], content]);
    else stretches.push([extents.address(i), content]);
  }
  return stretches;
}

function contentOf(code: number, bytes: number, data: Buffer): Buffer | number {
  if (code === CODE.zero) return bytes;
  if (code === CODE.stored) return data;
  const plain = code === CODE.snappyChunk ? decoded(data.subarray(4)) : data.subarray(4);
  if (plain?.length !== bytes || data.readUInt32LE(0) !== masked(crc32c(plain))) throw new Error("a damaged chunk");
  return plain;
}

/** Damaged forms of a file, the same ones each time: bytes changed, cut out, doubled, or all behind a place gone. */
export function* damagedForms(file: Buffer, count: number, seed: number): Generator<Buffer> {
  const below = randomNumbers(seed);
  const values = [0, 1, 0x7f, 0x80, 0xff];
  for (let form = 0; form < count; form++) {
    let bytes: Buffer = Buffer.from(file);
    for (let times = 1 + below(3); times > 0; times--) {
      const at = below(bytes.length - 1);
      const to = at + 1 + below(Math.min(40, bytes.length - at - 1));
      const how = below(10);
      if (how === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
      else if (how === 1) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
      else if (how === 2) bytes = bytes.subarray(0, to);
      else if (how < 5) bytes.fill(values[below(values.length)], at, Math.min(to, at + 8));
      else bytes[at] = how < 8 ? values[below(values.length)] : below(256);
    }
    yield bytes;
  }
}
