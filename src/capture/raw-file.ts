// All of a VM's RAM as one raw file. What stands behind the hole below 4 GiB follows the low RAM, as in VMware's .vmem:
// QEMU writes a file for each stretch, which are put together when the VM goes on.

import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import type { Range } from "../dumps/formats/format.js";
import { eachCovered, ofRanges } from "../dumps/sweep.js";
import { breathe } from "../system/pace.js";
import { writeFully } from "../system/transfer.js";
import type { RamPiece } from "./guest-ram.js";
import type { Qmp } from "./qmp.js";

const FOUR_GIB = 2 ** 32;
/** Gaps of whole pages of every size change no table. */
const GAP_UNIT = 2 * 2 ** 20;
const COPY_BYTES = 2 ** 20;

/** The stretches of RAM, each a file of QEMU's. Below 4 GiB devices are read with it, as pmemsave does. */
export function stretchesOf(qmp: Qmp, pieces: readonly RamPiece[]): Range[] {
  const lowEnd = Math.max(0, ...pieces.filter(({ address }) => address < FOUR_GIB).map(endOf));
  const stretches: Range[] = [];
  let end = 0;
  eachCovered(ofRanges([{ address: 0, bytes: lowEnd }, ...pieces]), (address, to) => {
    if ((address - end) % GAP_UNIT !== 0)
      throw qmp.fault("its RAM has gaps of no whole pages of 2 MiB", "take --method core or resident");
    stretches.push({ address, bytes: to - address });
    end = to;
  });
  return stretches;
}

/** Where in the file what stands higher begins. */
export function notesOf([first, ...others]: readonly Range[]): string[] {
  let at = first?.bytes ?? 0;
  return others.map(({ address, bytes }) => {
    const note = `RAM from 0x${address.toString(16)} on stands at 0x${at.toString(16)} of the file`;
    at += bytes;
    return note;
  });
}

const endOf = ({ address, bytes }: Range) => address + bytes;

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
