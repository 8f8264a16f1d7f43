// zstd files by way of zstddec. Its streaming decoder does not look at error codes (it would call again for ever), leaves
// output behind when the input ends at once with it, and gives its memory back only at its end. The walk over the frames,
// the check on progress, the empty frame at the end and the count of what is lost make up for that. Format: RFC 8878.

import { readSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { endOfZeros } from "../system/zeros.js";
import type { OnPadding } from "./byte-stream.js";
import type { Decode } from "./decode.js";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const EMPTY_FRAME = Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
const INPUT_CHUNK = 256 * 1024;
const CALLS_WITHOUT_OUTPUT = 64;
const WINDOW = 4096;
/** A head is decoded in pieces, of which even the last one, that has more than is wanted, does not take long. */
const HEAD_PIECE = 1024;
/** What a decoder takes beside a frame's window, at most; and what may be lost of the 2 GiB that all of them have. */
const DECODER_BYTES = 2 ** 20;
const MOST_LOST_BYTES = 2 ** 30;
/** The decoder takes no frame with a larger window. */
const MOST_WINDOW = 2 ** 27;

/** The bytes of the zstd file behind a descriptor; `bytes` is its length. Frames may follow each other. */
export async function* unzstd(
  fd: number,
  bytes: number,
  file: string,
  onPadding: OnPadding,
): AsyncGenerator<Uint8Array> {
  const { windowBytes, end } = await checkFrames(fd, bytes, file);
  if (lostBytes > MOST_LOST_BYTES) {
    const hint = "start a new one for the others";
    throw new PagekinError("too many damaged zstd streams were read in this process", { file, hint });
  }
  // The decoder does not tell where it is; its input does.
  let offset = 0;
  const chunks = function* () {
    for (const { at, chunk } of readChunks(fd, end)) {
      if (at < end) offset = at;
      yield chunk;
    }
  };
  try {
    yield* decode(chunks(), windowBytes);
  } catch (error) {
    if (error instanceof PagekinError || (error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new PagekinError("the zstd stream is damaged here or behind, or needs too large a window", {
      file,
      offset,
      hint: "compress the file again, without --long",
    });
  }
  if (end < bytes) onPadding(bytes - end);
}

function* readChunks(fd: number, end: number): Generator<{ at: number; chunk: Uint8Array }> {
  let at = 0;
  while (at < end) {
    const chunk = new Uint8Array(INPUT_CHUNK);
    const bytes = readSync(fd, chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytes === 0) break;
    yield { at, chunk: chunk.subarray(0, bytes) };
    at += bytes;
  }
  yield { at, chunk: EMPTY_FRAME };
}

/** A decoder of single frames. */
export async function loadFrameDecoder(): Promise<Decode> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (frame, target, place, bytes) => {
    try {
      const decoded = decoder.decode(frame, bytes);
      target.set(decoded, place);
      return decoded.length === bytes;
    } catch {
      return false;
    }
  };
}

/** The first bytes of what a head holds, as far as it goes; more than are wanted. */
export async function unzstdHead(head: Buffer, wanted: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (lostBytes > MOST_LOST_BYTES) return Buffer.alloc(0);
  const pieces = function* () {
    for (let at = 0; at < head.length && length < wanted; at += HEAD_PIECE) yield head.subarray(at, at + HEAD_PIECE);
  };
  try {
    for await (const part of decode(pieces(), windowIn(head))) {
      if (length < wanted) parts.push(part);
      length += part.length;
    }
  } catch {
    // A head ends within a frame; if it is damaged, that is reported when the file is read.
  }
  return Buffer.concat(parts);
}

/** Bytes that decoders which could not come to their end have taken. */
let lostBytes = 0;

/** Decodes chunks of whole frames; throws when the decoder no longer gets on. */
async function* decode(chunks: Iterable<Uint8Array>, windowBytes: number): AsyncGenerator<Uint8Array> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  let idle = 0;
  let isAtEnd = false;
  const watched = function* () {
    for (const chunk of chunks) {
      idle = 0;
      yield chunk;
    }
    isAtEnd = true;
  };
  try {
    for (const part of decoder.decodeStreaming(watched())) {
      idle = part.length > 0 ? 0 : idle + 1;
      if (idle > CALLS_WITHOUT_OUTPUT) throw new Error("no progress");
      if (part.length > 0) yield part;
    }
  } finally {
    if (!isAtEnd) lostBytes += windowBytes + DECODER_BYTES;
  }
}

/**
 * Walks over the frames and their blocks and makes sure that the last one ends where the file does, or where nothing but zeros
 * follow. Gives the largest window and the end.
 */
async function checkFrames(fd: number, bytes: number, file: string): Promise<{ windowBytes: number; end: number }> {
  // A window of the file, so that small blocks do not cost a read each.
  const window = Buffer.alloc(WINDOW);
  let from = 0;
  let to = 0;
  const read = (offset: number, length: number): Buffer => {
    if (offset + length > bytes) {
      throw new PagekinError("the zstd stream ends early", {
        file,
        offset: bytes,
        hint: "copy or compress the file again",
      });
    }
    if (offset < from || offset + length > to) {
      from = offset;
      to = offset + readSync(fd, window, 0, WINDOW, offset);
    }
    return window.subarray(offset - from);
  };
  let windowBytes = 0;
  for (let at = 0; at < bytes; ) {
    if (at > 0 && read(at, 1)[0] === 0 && (await endOfZeros(fd, at, bytes)) === bytes) return { windowBytes, end: at };
    const magic = read(at, 4).readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + read(at + 4, 4).readUInt32LE(0);
      read(at, 0);
      continue;
    }
    if (magic !== FRAME_MAGIC) {
      const found = read(at, 4).toString("hex", 0, 4);
      const what = `neither another zstd frame nor zero padding follows the end of a frame, but ${found}`;
      throw new PagekinError(what, { file, offset: at, hint: "remove what does not belong to the file" });
    }
    const header = headerOf(read(at + 4, 1)[0]);
    windowBytes = Math.max(windowBytes, windowOf(header, read(at, header.bytes)));
    at += header.bytes;
    for (let last = false; !last; ) {
      const block = read(at, 3).readUIntLE(0, 3);
      last = (block & 1) === 1;
      const type = (block >> 1) & 3;
      at += 3 + (type === 1 ? 1 : block >> 3);
    }
    if (header.hasChecksum) at += 4;
    read(at, 0);
  }
  return { windowBytes, end: bytes };
}

/** What a frame header's descriptor tells: its length with the magic number, and where the content's size stands. */
function headerOf(descriptor: number) {
  const isSingleSegment = (descriptor & 32) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  return { isSingleSegment, sizeAt, sizeBytes, bytes: sizeAt + sizeBytes, hasChecksum: (descriptor & 4) !== 0 };
}

/** The window of a frame, as far as the decoder takes such. */
function windowOf({ isSingleSegment, sizeAt, sizeBytes }: ReturnType<typeof headerOf>, frame: Buffer): number {
  if (!isSingleSegment) return Math.min(MOST_WINDOW, 2 ** (10 + (frame[5] >> 3)) * (1 + (frame[5] & 7) / 8));
  const size = sizeBytes === 8 ? Number(frame.readBigUInt64LE(sizeAt)) : frame.readUIntLE(sizeAt, sizeBytes);
  return Math.min(MOST_WINDOW, size);
}

/** The window of the frame that a head begins with. */
function windowIn(head: Buffer): number {
  const isFrame = head.length > 18 && head.readUInt32LE(0) === FRAME_MAGIC;
  return isFrame ? windowOf(headerOf(head[4]), head) : MOST_WINDOW;
}
