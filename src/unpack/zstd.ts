// zstd files and frames. Format: RFC 8878.

import { readSync } from "node:fs";
import { ZstdFrames, ZstdStream } from "../core/zstd.js";
import { PagekinError } from "../errors.js";
import { endOfZeros } from "../system/zeros.js";
import type { OnPadding } from "./byte-stream.js";
import type { Decode } from "./decode.js";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const INPUT_CHUNK = 256 * 1024;
const WINDOW = 4096;
/** A head is decoded in pieces, of which even the last one, that has more than is wanted, does not take long. */
const HEAD_PIECE = 1024;

/** The bytes of the zstd file behind a descriptor; `bytes` is its length. Frames may follow each other. */
export async function* unzstd(
  fd: number,
  bytes: number,
  file: string,
  onPadding: OnPadding,
): AsyncGenerator<Uint8Array> {
  const end = await checkFrames(fd, bytes, file);
  let offset = 0;
  const stream = await ZstdStream.open();
  try {
    for (const { at, chunk } of readChunks(fd, end)) {
      offset = at;
      yield* stream.decode(chunk);
    }
    if (!stream.isComplete) throw new Error("the last frame does not end");
  } catch (error) {
    if (error instanceof PagekinError || (error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new PagekinError("the zstd stream is damaged here or behind, or needs too large a window", {
      file,
      offset,
      hint: "compress the file again, without --long",
    });
  } finally {
    stream.close();
  }
  if (end < bytes) onPadding(bytes - end);
}

function* readChunks(fd: number, end: number): Generator<{ at: number; chunk: Uint8Array }> {
  let at = 0;
  while (at < end) {
    const chunk = new Uint8Array(INPUT_CHUNK);
    const bytes = readSync(fd, chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytes === 0) return;
    yield { at, chunk: chunk.subarray(0, bytes) };
    at += bytes;
  }
}

/** A decoder of single frames. */
export async function loadFrameDecoder(): Promise<Decode> {
  const frames = await ZstdFrames.load();
  return (frame, target, place, bytes) => {
    const decoded = frames.decode(frame, bytes);
    if (decoded) target.set(decoded, place);
    return decoded !== undefined;
  };
}

/** The first bytes of what a head holds, as far as it goes; more than are wanted. */
export async function unzstdHead(head: Buffer, wanted: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = await ZstdStream.open();
  try {
    for (let at = 0; at < head.length && length < wanted; at += HEAD_PIECE) {
      for (const part of stream.decode(head.subarray(at, at + HEAD_PIECE))) {
        if (length < wanted) parts.push(part);
        length += part.length;
      }
    }
  } catch {
    // A head ends within a frame; if it is damaged, that is reported when the file is read.
  } finally {
    stream.close();
  }
  return Buffer.concat(parts);
}

/**
 * Walks over the frames and their blocks and makes sure that the last one ends where the file does, or where nothing but zeros
 * follow. Gives the end.
 */
async function checkFrames(fd: number, bytes: number, file: string): Promise<number> {
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
  for (let at = 0; at < bytes; ) {
    if (at > 0 && read(at, 1)[0] === 0 && (await endOfZeros(fd, at, bytes)) === bytes) return at;
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
  return bytes;
}

/** What a frame header's descriptor tells: the header's length with the magic number, and whether a checksum ends the frame. */
function headerOf(descriptor: number): { bytes: number; hasChecksum: boolean } {
  const isSingleSegment = (descriptor & 32) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  return { bytes: sizeAt + sizeBytes, hasChecksum: (descriptor & 4) !== 0 };
}
