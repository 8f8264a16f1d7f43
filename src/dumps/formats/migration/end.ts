// Whether a stream has its end. The devices' sections cannot be walked, but what stands behind them can be found.

import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import { CutShort } from "./stream.js";

const FOOTER = 0x7e;
const FOOTER_BYTES = 5;
const DESCRIPTION = 0x06;
const BRACE = { open: 0x7b, close: 0x7d };
/** A description of all devices has some tens of KiB. */
const MOST_END_BYTES = 16 * 1024 * 1024;

const BREATHE_AFTER = 4096;

/** What the file lacks behind the RAM section, if it was cut there. */
export async function findEnd(file: DumpFile, ramEnd: number, footers: boolean): Promise<CutShort | undefined> {
  // Old machines' streams just stop, and a stream that ends with its RAM lacks nothing that is asked for.
  if (!footers || ramEnd === file.bytes) return undefined;
  const from = Math.max(ramEnd - FOOTER_BYTES, file.bytes - MOST_END_BYTES);
  const tail = file.read(from, file.bytes - from, "the end of the stream");
  const last = lastByte(tail);
  if (endsWithFooter(tail, last) || (await endsWithDescription(tail, last))) return undefined;
  return new CutShort(file.bytes, "the end of the stream, behind its RAM");
}

/** The index of the last byte that is not padding. */
function lastByte(tail: Buffer): number {
  let last = tail.length - 1;
  while (last >= 0 && tail[last] === 0) last--;
  return last;
}

/** A section's footer and the byte 00 that ends the stream. */
function endsWithFooter(tail: Buffer, last: number): boolean {
  const footer = tail.lastIndexOf(FOOTER, last);
  return footer >= 0 && footer > last - FOOTER_BYTES && footer + FOOTER_BYTES < tail.length;
}

/** The description of the machine, in JSON with its length before it. */
async function endsWithDescription(tail: Buffer, last: number): Promise<boolean> {
  if (tail[last] !== BRACE.close) return false;
  const end = last + 1;
  let tried = 0;
  for (let at = tail.indexOf(DESCRIPTION); at >= 0 && at + 5 < end; at = tail.indexOf(DESCRIPTION, at + 1)) {
    if (tail[at + 5] === BRACE.open && tail.readUInt32BE(at + 1) === end - at - 5) return true;
    if (++tried % BREATHE_AFTER === 0) await breathe();
  }
  return false;
}
