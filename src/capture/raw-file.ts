// All of a VM's RAM as one raw file, without the gaps in its addresses: RAM above 4 GiB follows the low RAM, as in VMware's
// .vmem. QEMU writes a file for each stretch; they are joined when the VM runs again.

import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import type { Range } from "../dumps/formats/format.js";
import { eachCovered, ofRanges } from "../dumps/sweep.js";
import { breathe } from "../system/pace.js";
import { writeFully } from "../system/transfer.js";
import type { RamPiece } from "./guest-ram.js";
import type { Monitor } from "./monitor.js";

/** Gaps of whole pages of every size change no table. */
const GAP_UNIT = 2 * 2 ** 20;
/** Of other gaps, such as that of VGA, what the machine has there is read with the RAM. None of them is larger. */
const MOST_READ_GAP = 64 * 2 ** 20;
const COPY_BYTES = 2 ** 20;

/** The stretches of RAM, each a file of QEMU's. The first one begins where pages of every size begin. */
export function stretchesOf(qmp: Monitor, pieces: readonly RamPiece[]): Range[] {
  const stretches: Range[] = [];
  eachCovered(ofRanges(pieces), (from, to) => {
    const last = stretches.at(-1);
    const end = last ? last.address + last.bytes : 0;
    const odd = (from - end) % GAP_UNIT;
    if (!last) {
      stretches.push({ address: from - odd, bytes: to - from + odd });
    } else if (odd === 0) {
      stretches.push({ address: from, bytes: to - from });
    } else if (from - end <= MOST_READ_GAP) {
      last.bytes = to - last.address;
    } else {
      throw qmp.fault("gaps in its RAM are no multiples of 2 MiB", "use --method core or resident");
    }
  });
  return stretches;
}

/** Which addresses are where in the file, unless byte n is address n. */
export function placeNotes(stretches: readonly Range[]): string[] {
  let at = 0;
  return stretches.flatMap(({ address, bytes }) => {
    const note = `RAM from 0x${address.toString(16)} on is at 0x${at.toString(16)} of the file`;
    const isInPlace = address === at;
    at += bytes;
    return isInPlace ? [] : [note];
  });
}

/** Puts files behind the first one, and removes them. */
export async function joinFiles([first, ...others]: readonly string[]): Promise<void> {
  if (others.length === 0) return;
  const target = openSync(first, "r+");
  try {
    let end = fstatSync(target).size;
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    for (const file of others) {
      end = await append(target, end, file, buffer);
      rmSync(file);
    }
  } finally {
    closeSync(target);
  }
}

async function append(target: number, end: number, file: string, buffer: Buffer): Promise<number> {
  const source = openSync(file, "r");
  try {
    for (let at = 0; ; ) {
      const bytes = readSync(source, buffer, 0, buffer.length, at);
      if (bytes === 0) return end + at;
      writeFully(target, buffer.subarray(0, bytes), end + at);
      at += bytes;
      await breathe();
    }
  } finally {
    closeSync(source);
  }
}
