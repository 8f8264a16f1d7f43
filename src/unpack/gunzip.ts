// gzip files (RFC 1952): members one after the other. zlib inflates; headers, trailers and what follows the last member are
// read here, so that errors have exact offsets and nothing behind the end is dropped without a word.

import { constants, crc32, createInflateRaw, gunzipSync, type InflateRaw } from "node:zlib";
import { ByteStream, decoded, type OnPadding } from "./byte-stream.js";

const MAGIC = [0x1f, 0x8b];
const DEFLATE = 8;
const HEADER_BYTES = 10;
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
const INPUT_CHUNK = 1024 * 1024;
const OUTPUT_CHUNK = 1024 * 1024;
/** So much of a head tells whether it can be inflated. */
const INFLATED_BYTES = 512;
const TRAILER_BYTES = 8;

/** The bytes of a gzip file. */
export function gunzip(input: AsyncIterable<Uint8Array>, file: string, onPadding: OnPadding) {
  return decoded(new ByteStream(input, "gzip", file, onPadding), decode);
}

/** Whether the first bytes of a file can be inflated, without its last ones: only a damaged file has a wrong trailer. */
export function inflates(head: Buffer): boolean {
  const first = head.subarray(0, Math.min(INFLATED_BYTES, Math.max(0, head.length - TRAILER_BYTES)));
  try {
    gunzipSync(first, { finishFlush: constants.Z_SYNC_FLUSH });
    return true;
  } catch {
    return false;
  }
}

async function* decode(stream: ByteStream): AsyncGenerator<Uint8Array> {
  while (await stream.hasNext(MAGIC)) {
    await skipHeader(stream);
    let crc = 0;
    let bytes = 0;
    for await (const part of inflate(stream)) {
      crc = crc32(part, crc);
      bytes += part.length;
      yield part;
    }
    const trailer = stream.offset;
    if ((await stream.takeUint32LE()) !== crc) throw stream.damaged("its checksum is wrong", trailer);
    if ((await stream.takeUint32LE()) !== bytes % 2 ** 32) throw stream.damaged("its length is wrong", trailer + 4);
  }
}

async function skipHeader(stream: ByteStream): Promise<void> {
  const begin = stream.offset;
  const [, , method, flags] = await stream.take(HEADER_BYTES);
  if (method !== DEFLATE || (flags & FLAG.reserved) !== 0)
    throw stream.damaged("its header has an unknown method or flag", begin);
  if (flags & FLAG.extra) {
    const [low, high] = await stream.take(2);
    await stream.take(low | (high << 8));
  }
  if (flags & FLAG.name) await skipText(stream);
  if (flags & FLAG.comment) await skipText(stream);
  if (flags & FLAG.headerCrc) await stream.take(2);
}

/** A text that ends with a zero byte. */
async function skipText(stream: ByteStream): Promise<void> {
  for (;;) {
    const bytes = await stream.some(INPUT_CHUNK);
    if (bytes.length === 0) throw stream.endsEarly();
    const end = bytes.indexOf(0);
    stream.skip(end < 0 ? bytes.length : end + 1);
    if (end >= 0) return;
  }
}

/** The bytes of one deflate stream; where the input ends early, those that there are. */
async function* inflate(stream: ByteStream): AsyncGenerator<Uint8Array> {
  const inflater = createInflateRaw({ chunkSize: OUTPUT_CHUNK });
  const feeding = feed(inflater, stream).catch((error) => inflater.destroy(error));
  try {
    for await (const part of inflater) yield part;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith("Z_")) throw error;
    throw stream.damaged(`here or behind: ${message}`);
  }
  await feeding;
}

/** Hands on input until the deflate stream ends, and takes what that needed of it. */
async function feed(inflater: InflateRaw, stream: ByteStream): Promise<void> {
  while (!inflater.destroyed) {
    const chunk = await stream.some(INPUT_CHUNK);
    if (chunk.length === 0) {
      inflater.push(null);
      return;
    }
    const before = inflater.bytesWritten;
    await new Promise<void>((resolve) => inflater.write(chunk, () => resolve()));
    const used = inflater.bytesWritten - before;
    stream.skip(used);
    if (used < chunk.length) return;
  }
}
