// LiME version 1 (504ensicsLabs/LiME), which AVML writes too where it does not compress. The first header names the format;
// headers of AVML may follow.

import { constants, inflateSync } from "node:zlib";
import type { DumpFile } from "../dump-file.js";
import type { DumpFormat, DumpPlan, PlanSettings } from "./format.js";
import { AS_RAW } from "./known-hints.js";
import { kindAtHead } from "./range-header.js";
import { planRanges } from "./range-walk.js";

/** Bytes of a compressed dump that are enough to see that it is one; they cannot become much. */
const HEAD_BYTES = 512;

export const lime: DumpFormat = {
  name: "lime",
  probe: (head) => kindAtHead(head) === "lime" || isDeflated(head),
  plan,
};

async function plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
  if (isDeflated(file.read(0, Math.min(HEAD_BYTES, file.bytes), "the head")))
    throw file.fault(
      0,
      "this is one zlib stream, as LiME writes with compress=1",
      `decompress it first, for instance with zlib-flate -uncompress ${AS_RAW}`,
    );
  return planRanges(file, settings);
}

/** Whether a head is that of one zlib stream: what compress=1 makes of a dump in any of LiME's formats, raw and padded too. */
function isDeflated(head: Buffer): boolean {
  if (head.length < 2 || (head[0] & 15) !== 8 || head.readUInt16BE(0) % 31 !== 0) return false;
  try {
    return inflateSync(head.subarray(0, HEAD_BYTES), { finishFlush: constants.Z_SYNC_FLUSH }).length > 0;
  } catch {
    return false;
  }
}
