// Where the holes of a sparse file are. Node cannot ask (lseek's SEEK_HOLE): it knows how many bytes are allocated, and that
// holes read as zeros. So holes are stretches of zeros, the longest first, until they have as many bytes as are not allocated.
// What is zero beyond that is stored: how many pages of 4 KiB are holes comes out exactly where the file system counts exactly.

import { breathe } from "../../system/pace.js";
import type { DumpFile } from "../dump-file.js";

/** The smallest block of usual file systems, and the page in which dumps are written. */
export const HOLE_UNIT = 4096;
const READ_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(HOLE_UNIT);

/** Stretches of a file, ascending; in bytes. */
export interface Stretches {
  starts: number[];
  lengths: number[];
}

export interface Holes extends Stretches {
  holeBytes: number;
  /** Of whole units that are zero, holes or stored. */
  zeroBytes: number;
}

/** unallocated: bytes of the file that have no place on the disk. */
export async function findHoles(file: DumpFile, unallocated: number): Promise<Holes> {
  const zeros = await findZeros(file);
  const zeroBytes = zeros.lengths.reduce((sum, length) => sum + length, 0);
  const holeBytes = Math.min(zeroBytes, unallocated - (unallocated % HOLE_UNIT));
  return { ...longest(zeros, holeBytes), holeBytes, zeroBytes };
}

/** Stretches of whole units that are zero. */
async function findZeros(file: DumpFile): Promise<Stretches> {
  const zeros: Stretches = { starts: [], lengths: [] };
  const chunk = Buffer.allocUnsafe(READ_BYTES);
  let end = -1;
  for (let offset = 0; offset < file.bytes; offset += READ_BYTES) {
    const part = chunk.subarray(0, Math.min(READ_BYTES, file.bytes - offset));
    file.readInto(part, offset);
    for (let at = 0; at + HOLE_UNIT <= part.length; at += HOLE_UNIT) {
      if (!part.subarray(at, at + HOLE_UNIT).equals(ZEROS)) continue;
      if (end !== offset + at) {
        zeros.starts.push(offset + at);
        zeros.lengths.push(0);
      }
      zeros.lengths[zeros.lengths.length - 1] += HOLE_UNIT;
      end = offset + at + HOLE_UNIT;
    }
    const turn = breathe();
    if (turn) await turn;
  }
  return zeros;
}

/** The longest stretches, earlier ones before later ones, of so many bytes together; the last one may be cut. */
function longest({ starts, lengths }: Stretches, bytes: number): Stretches {
  const byLength = new Map<number, number>();
  for (const length of lengths) byLength.set(length, (byLength.get(length) ?? 0) + length);
  let left = bytes;
  let least = Number.POSITIVE_INFINITY;
  const descending = [...byLength].sort(([a], [b]) => b - a);
  for (const [length, together] of descending) {
    if (together > left) break;
    left -= together;
    least = length;
  }
  const cutLength = descending.find(([length]) => length < least)?.[0];
  const chosen: Stretches = { starts: [], lengths: [] };
  for (const [i, length] of lengths.entries()) {
    const taken = length >= least ? length : length === cutLength ? Math.min(length, left) : 0;
    if (length < least) left -= taken;
    if (taken === 0) continue;
    chosen.starts.push(starts[i]);
    chosen.lengths.push(taken);
  }
  return chosen;
}
