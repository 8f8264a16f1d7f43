// The body of an AVML range: framed snappy (google/snappy, framing_format.txt), then the length of the frames as u64.

import { breathe } from "../../system/pace.js";
import { MOST_VARINT_BYTES, snappyLength } from "../../unpack/snappy.js";
import type { DumpFile } from "../dump-file.js";
import { CODE, type ExtentList } from "../extents.js";
import type { Peek } from "../peek.js";
import { checkPieces } from "./piece-limit.js";

const TYPE = { snappy: 0, stored: 1, firstSkippable: 0x80, identifier: 0xff } as const;
const HEAD_BYTES = 4;
const CRC_BYTES = 4;
const TRAILER_BYTES = 8;
const IDENTIFIER_BYTES = 6;
/** The first word of a stream: an identifier's type and length. */
const FIRST_WORD = (TYPE.identifier | (IDENTIFIER_BYTES << 8)) >>> 0;
const MOST_DECODED = 65536;
/** The longest that snappy makes of 64 KiB: 32 + n + n/6. */
const MOST_CODED = 76490;
const STEPS_A_BREATH = 1024;

export interface FramesTarget {
  address: number;
  bytes: number;
  extents: ExtentList;
}

/** How far the frames of a range go. */
export interface FramesEnd {
  /** Behind the trailer, or where the file ends too early. */
  offset: number;
  /** Bytes of the range that chunks hold. */
  decoded: number;
  /** What the file ends before, if it does. */
  cut?: string;
}

/** Makes an extent of each chunk of the frames at an offset. */
export async function planFrames(
  file: DumpFile,
  peek: Peek,
  start: number,
  { address, bytes, extents }: FramesTarget,
): Promise<FramesEnd> {
  let decoded = 0;
  let offset = start;
  for (let steps = 1; decoded < bytes; steps++) {
    if (steps % STEPS_A_BREATH === 0) await breathe();
    // No chunk of a whole file ends less than a trailer before its end.
    const at = peek.find(offset, TRAILER_BYTES);
    if (at < 0) return { offset, decoded, cut: "the next chunk of a range" };
    if (isTrailer(peek, at, offset - start))
      throw file.fault(offset, `the frames of a range hold ${decoded} bytes, but it has ${bytes}`);
    const word = peek.bytes.readUInt32LE(at);
    if (offset === start && word !== FIRST_WORD)
      throw file.fault(offset, "this is neither a snappy stream nor another range's header");
    const type = word & 0xff;
    const size = word >>> 8;
    const end = offset + HEAD_BYTES + size;
    if (type <= TYPE.stored) {
      const length = type === TYPE.snappy ? codedLength(file, peek, offset, size) : storedLength(file, offset, size);
      // The file may end before the length is known.
      if (length < 0 || end > file.bytes) return { offset, decoded, cut: "the end of a chunk" };
      if (length > bytes - decoded) throw file.fault(offset, `this chunk goes beyond its range of ${bytes} bytes`);
      const code = type === TYPE.snappy ? CODE.snappyChunk : CODE.storedChunk;
      extents.add(address + decoded, length, code, offset + HEAD_BYTES, size);
      checkPieces(file, extents, end);
      decoded += length;
    } else if (type === TYPE.identifier) {
      if (!checkIdentifier(file, peek, offset, size)) return { offset, decoded, cut: "the end of a chunk" };
    } else if (type < TYPE.firstSkippable) {
      throw file.fault(offset, `unknown chunk type 0x${type.toString(16).padStart(2, "0")} of framed snappy`);
    }
    offset = end;
  }
  return findTrailer(file, peek, start, offset, decoded);
}

/** Whether the window has the length of the frames at a place. */
function isTrailer(peek: Peek, at: number, frameBytes: number): boolean {
  return frameBytes === peek.bytes.readUInt32LE(at) + peek.bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** The end of frames whose data are complete; chunks that are to be skipped may still stand before the trailer. */
async function findTrailer(file: DumpFile, peek: Peek, start: number, behind: number, decoded: number) {
  let at = peek.find(behind, TRAILER_BYTES);
  if (at < 0) return { offset: behind, decoded, cut: "the length of a range's frames" };
  const said = peek.bytes.readBigUInt64LE(at);
  let offset = behind;
  for (let steps = 1; at >= 0; steps++) {
    if (steps % STEPS_A_BREATH === 0) await breathe();
    if (isTrailer(peek, at, offset - start)) return { offset: offset + TRAILER_BYTES, decoded };
    const word = peek.bytes.readUInt32LE(at);
    if ((word & 0xff) < TYPE.firstSkippable) break;
    offset += HEAD_BYTES + (word >>> 8);
    at = peek.find(offset, TRAILER_BYTES);
  }
  throw file.fault(behind, `the frames of a range have ${behind - start} bytes, but the length behind them is ${said}`);
}

/** The length that a chunk of snappy decodes to; -1 where the file ends before it. */
function codedLength(file: DumpFile, peek: Peek, offset: number, size: number): number {
  const room = Math.min(MOST_VARINT_BYTES, size - CRC_BYTES);
  if (room <= 0 || size - CRC_BYTES > MOST_CODED)
    throw file.fault(
      offset,
      `invalid chunk length ${size} of framed snappy (4 bytes of CRC and 1 to ${MOST_CODED} of data)`,
    );
  const at = peek.find(offset, HEAD_BYTES + CRC_BYTES + room);
  if (at < 0) return -1;
  const varint = at + HEAD_BYTES + CRC_BYTES;
  const length = snappyLength(peek.bytes, varint, varint + room);
  if (length < 0) throw file.fault(offset, "the length at the head of this chunk does not end");
  return checkLength(file, offset, length);
}

function storedLength(file: DumpFile, offset: number, size: number): number {
  return checkLength(file, offset, size - CRC_BYTES);
}

function checkLength(file: DumpFile, offset: number, length: number): number {
  if (length > 0 && length <= MOST_DECODED) return length;
  throw file.fault(offset, `a chunk holds 1 to ${MOST_DECODED} bytes, this one ${length}`);
}

/** Whether the file has the whole identifier; it must be the right one. */
function checkIdentifier(file: DumpFile, peek: Peek, offset: number, size: number): boolean {
  const at = peek.find(offset, HEAD_BYTES + IDENTIFIER_BYTES);
  if (at < 0) return false;
  const name = peek.bytes.toString("latin1", at + HEAD_BYTES, at + HEAD_BYTES + IDENTIFIER_BYTES);
  if (size !== IDENTIFIER_BYTES || name !== "sNaPpY")
    throw file.fault(offset, "invalid stream identifier of framed snappy");
  return true;
}
