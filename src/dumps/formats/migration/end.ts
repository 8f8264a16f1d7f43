// Where a stream ends. The devices' sections behind RAM need not be walked: what stands behind them can be found.

import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import { endOfDescription } from "./description.js";
import { FOOTER_BYTES, SECTION } from "./sections.js";
import { CutShort } from "./stream.js";

/** The byte that ends the stream, and a description's type and the highest byte of its length. */
const DESCRIPTION_BEGINS = Buffer.from([SECTION.streamEnd, 0x06, 0x00]);
const WINDOW_BYTES = 1024 * 1024;

export interface StreamEnd {
  /** What the file lacks, if it was cut behind the RAM section. */
  cut?: CutShort;
  /** Where the description of the devices is. */
  description?: { from: number; to: number };
  /** What stands behind the stream, in a volume that is larger than it. */
  rest?: { from: number; bytes: number; isZero: boolean };
}

/** Looks for the end of a stream whose RAM is over at an offset. footers: whether its sections have footers. */
export async function findEnd(file: DumpFile, ramEnd: number, footers: boolean): Promise<StreamEnd> {
  // Old machines' streams just stop, and a stream that ends with its RAM lacks nothing that is asked for.
  if (!footers || ramEnd === file.bytes) return {};
  const first = ramEnd - FOOTER_BYTES;
  let last = first;
  let cut = false;
  for (let from = first; from < file.bytes; from += WINDOW_BYTES) {
    const window = file.read(
      from,
      Math.min(WINDOW_BYTES + DESCRIPTION_BEGINS.length - 1, file.bytes - from),
      "the end",
    );
    for (let i = window.indexOf(DESCRIPTION_BEGINS); i >= 0; i = window.indexOf(DESCRIPTION_BEGINS, i + 1)) {
      const at = from + i;
      if (at < ramEnd || file.read(at - FOOTER_BYTES, 1, "the end")[0] !== SECTION.footer) continue;
      const end = endOfDescription(file, at + 1);
      if (end !== undefined && end <= file.bytes)
        return { description: { from: at + 1, to: end }, ...(await restOf(file, end)) };
      cut ||= end !== undefined;
    }
    const nonzero = lastNonzero(window);
    if (nonzero >= 0) last = from + nonzero;
    await breathe();
  }
  const end = cut ? undefined : endByFooter(file, first, last);
  if (end !== undefined) return restOf(file, end);
  return { cut: new CutShort(file.bytes, "the end of the stream, behind its RAM") };
}

/** The index of the last byte that is not zero, or -1. */
function lastNonzero(bytes: Buffer): number {
  let last = bytes.length - 1;
  while (last >= 0 && bytes[last] === 0) last--;
  return last;
}

/** Where a stream without a description ends: with a footer and the byte 00, and nothing but zeros behind them. */
function endByFooter(file: DumpFile, first: number, last: number): number | undefined {
  const from = Math.max(first, last - FOOTER_BYTES + 1);
  const footer = file.read(from, last + 1 - from, "the end").lastIndexOf(SECTION.footer);
  const end = from + footer + FOOTER_BYTES + 1;
  return footer >= 0 && end <= file.bytes ? end : undefined;
}

async function restOf(file: DumpFile, from: number): Promise<Pick<StreamEnd, "rest">> {
  const bytes = file.bytes - from;
  if (bytes === 0) return {};
  for (let at = from; at < file.bytes; at += WINDOW_BYTES) {
    const window = file.read(at, Math.min(WINDOW_BYTES, file.bytes - at), "the rest");
    if (lastNonzero(window) >= 0) return { rest: { from, bytes, isZero: false } };
    await breathe();
  }
  return { rest: { from, bytes, isZero: true } };
}
