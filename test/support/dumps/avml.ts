// Writes AVML version 2: each range behind a header of 32 bytes, as framed snappy, then the length of the frames.

import { header } from "./lime.js";
import { IDENTIFIER, plainChunk, snappyChunk } from "./snappy.js";

const AVML_MAGIC = "AVML";

export function avmlHeader(
  address: number,
  bytes: number,
  changes: Partial<Parameters<typeof header>[0]> = {},
): Buffer {
  return header({
    first: BigInt(address),
    last: BigInt(address + bytes - 1),
    magic: AVML_MAGIC,
    version: 2,
    ...changes,
  });
}

/** A range of so many bytes with the chunks given. trailer: what is said to be the length of the frames. */
export function avmlOf(address: number, bytes: number, chunks: readonly Buffer[], trailer?: bigint): Buffer {
  const frames = Buffer.concat(chunks);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(trailer ?? BigInt(frames.length));
  return Buffer.concat([avmlHeader(address, bytes), frames, length]);
}

/** A range in chunks of at most so many bytes, compressed ones and stored ones by turns. */
export function avmlRange(address: number, bytes: Buffer, chunkBytes = 65536): Buffer {
  const chunks = [IDENTIFIER];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const plain = bytes.subarray(at, at + chunkBytes);
    chunks.push(chunks.length % 2 === 1 ? snappyChunk(plain) : plainChunk(plain));
  }
  return avmlOf(address, bytes.length, chunks);
}

/** A file of ranges. */
export function avmlFile(...ranges: [address: number, bytes: Buffer][]): Buffer {
  return Buffer.concat(ranges.map(([address, bytes]) => avmlRange(address, bytes)));
}
