// zstd files by way of zstddec. Its streaming decoder does not look at error codes (it would call again for ever) and
// leaves output behind when the input ends at once with it; the walk over the frames, the check on progress and the empty
// frame at the end make up for that. Format: RFC 8878.

import { readSync } from "node:fs";
import { PagekinError } from "../errors.js";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const EMPTY_FRAME = Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
const INPUT_CHUNK = 256 * 1024;
const CALLS_WITHOUT_OUTPUT = 64;
const WINDOW = 4096;

/** The bytes of the zstd file behind a descriptor; `bytes` is its length. Frames may follow each other. */
export async function* unzstd(fd: number, bytes: number, file: string): AsyncGenerator<Uint8Array> {
  checkFrames(fd, bytes, file);
  // The decoder does not tell where it is; its input does.
  let offset = 0;
  const chunks = function* () {
    for (const { at, chunk } of readChunks(fd)) {
      if (at < bytes) offset = at;
      yield chunk;
    }
  };
  try {
    yield* decode(chunks());
  } catch (error) {
    if (error instanceof PagekinError || (error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new PagekinError("the zstd stream is damaged here or behind, or needs too large a window", {
      file,
      offset,
      hint: "compress the file again, without --long",
    });
  }
}

function* readChunks(fd: number): Generator<{ at: number; chunk: Uint8Array }> {
  let at = 0;
  for (;;) {
    const chunk = new Uint8Array(INPUT_CHUNK);
    const bytes = readSync(fd, chunk, 0, chunk.length, at);
    if (bytes === 0) break;
    yield { at, chunk: chunk.subarray(0, bytes) };
    at += bytes;
  }
  yield { at, chunk: EMPTY_FRAME };
}

/** A decoder of single frames that fill a target; false where a frame is damaged. */
export async function loadFrameDecoder(): Promise<(frame: Uint8Array, target: Uint8Array) => boolean> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (frame, target) => {
    try {
      const bytes = decoder.decode(frame, target.length);
      target.set(bytes);
      return bytes.length === target.length;
    } catch {
      return false;
    }
  };
}

/** Decodes chunks of whole frames; throws when the decoder no longer gets on. */
export async function* decode(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  let idle = 0;
  const watched = function* () {
    for (const chunk of chunks) {
      idle = 0;
      yield chunk;
    }
  };
  for (const part of decoder.decodeStreaming(watched())) {
    idle = part.length > 0 ? 0 : idle + 1;
    if (idle > CALLS_WITHOUT_OUTPUT) throw new Error("no progress");
    if (part.length > 0) yield part;
  }
}

/** Walks over the frames and their blocks and makes sure that the last one ends where the file does. */
function checkFrames(fd: number, bytes: number, file: string): void {
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
    const magic = read(at, 4).readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + read(at + 4, 4).readUInt32LE(0);
      read(at, 0);
      continue;
    }
    if (magic !== FRAME_MAGIC) {
      throw new PagekinError("no zstd frame begins here", {
        file,
        offset: at,
        hint: "copy or compress the file again",
      });
    }
    const descriptor = read(at + 4, 1)[0];
    const singleSegment = (descriptor >> 5) & 1;
    const contentSizeBytes = [singleSegment, 2, 4, 8][descriptor >> 6];
    at += 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3] + contentSizeBytes;
    for (let last = false; !last; ) {
      const block = read(at, 3).readUIntLE(0, 3);
      last = (block & 1) === 1;
      const type = (block >> 1) & 3;
      at += 3 + (type === 1 ? 1 : block >> 3);
    }
    if (descriptor & 4) at += 4;
    read(at, 0);
  }
}
