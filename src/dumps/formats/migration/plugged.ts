// What a virtio-mem device has plugged in of its block: a bitmap in a section of its own, "virtio-mem-device-early" (QEMU 8.0
// and later, hw/virtio/virtio-mem.c). In a stream with mapped-ram nothing else tells memory that is not there from zeros.

import type { DumpFile } from "../../dump-file.js";
import type { MappedRun } from "./mapped.js";

/** Where in the file the section's own bytes are, without its footer. */
export interface PluggedSection {
  from: number;
  to: number;
}

/** Which blocks of equal size are plugged in. */
export interface Plugged {
  blockBytes: number;
  isPlugged(block: number): boolean;
}

const SECTION_NAME = /^(.+)\/virtio-mem-device-early$/;
/** addr u64, region_size u64, block_size u64, node u32, size u64; then words of 64 bits, in which the lowest bit is the first. */
const FIELD = { regionBytes: 8, blockBytes: 16, bitmap: 36 } as const;
const WORD_BITS = 64;

/** The path of a virtio-mem device whose section has this name. */
export const pathOfPlugged = (name: string): string | undefined => SECTION_NAME.exec(name)?.[1];

/** What is plugged in of so many bytes; undefined: the section does not fit them. */
export function pluggedIn(file: DumpFile, { from, to }: PluggedSection, bytes: number): Plugged | undefined {
  if (to - from < FIELD.bitmap) return undefined;
  const head = file.read(from, FIELD.bitmap, "the state of a virtio-mem device");
  const regionBytes = Number(head.readBigUInt64BE(FIELD.regionBytes));
  const blockBytes = Number(head.readBigUInt64BE(FIELD.blockBytes));
  const count = bytes / blockBytes;
  const words = Math.ceil(count / WORD_BITS);
  if (regionBytes !== bytes || !Number.isInteger(count) || to - from !== FIELD.bitmap + 8 * words) return undefined;
  const bitmap = file.read(from + FIELD.bitmap, 8 * words, "the bitmap of a virtio-mem device");
  // Words are big-endian: byte 7 has bits 0 to 7.
  return { blockBytes, isPlugged: (block) => ((bitmap[(block >> 3) ^ 7] >> (block & 7)) & 1) === 1 };
}

/** Gives on what of a run is plugged in. */
export function addPlugged(
  { blockBytes, isPlugged }: Plugged,
  { from, bytes, offset }: MappedRun,
  add: (run: MappedRun) => void,
): void {
  const end = from + bytes;
  for (let at = from; at < end; ) {
    const first = Math.floor(at / blockBytes);
    let next = first + 1;
    while (next * blockBytes < end && isPlugged(next) === isPlugged(first)) next++;
    const until = Math.min(end, next * blockBytes);
    if (isPlugged(first)) add({ from: at, bytes: until - at, offset: offset && offset + at - from });
    at = until;
  }
}
