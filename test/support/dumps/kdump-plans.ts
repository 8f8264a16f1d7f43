// Plans of one file at many lengths, and the bytes that a plan points at, coded as they are.

import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DumpFile } from "../../../src/dumps/dump-file.js";
import type { DumpFormat, DumpPlan } from "../../../src/dumps/formats/format.js";
import { inFolder } from "../folder.js";

/** Plans as if the file had so many bytes. */
type Plan = (bytes?: number, settings?: { allowTruncated: boolean }) => Promise<DumpPlan>;

/** Lends a function that plans these bytes. */
export function planning<T>(format: DumpFormat, bytes: Uint8Array, use: (plan: Plan) => Promise<T>): Promise<T> {
  return inFolder(async (folder) => {
    const file = path.join(folder, "dump");
    writeFileSync(file, bytes);
    const fd = openSync(file, "r");
    try {
      return await use((length = bytes.length, settings = { allowTruncated: false }) =>
        format.plan(new DumpFile({ at: fd, start: 0, bytes: length, shownAs: "dump" }), settings),
      );
    } finally {
      closeSync(fd);
    }
  });
}

/** What lies at each address of a plan: its code, and its bytes as the dump or what was gathered has them. */
export function dataOf(dump: Uint8Array, { extents, extra }: DumpPlan): Record<number, { code: number; data: Buffer }> {
  const all = extra ? Buffer.concat([dump, extra]) : dump;
  const { addresses, offsets, sizes, codes } = extents.arrays();
  const dataAt = (i: number) => Buffer.from(all.subarray(offsets[i], offsets[i] + sizes[i]));
  return Object.fromEntries(Array.from(addresses, (address, i) => [address, { code: codes[i], data: dataAt(i) }]));
}
