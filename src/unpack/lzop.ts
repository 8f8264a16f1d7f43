// lzop files: one after the other. Numbers are big-endian; there is no written format, lzop's own files are the reference.

import { crc32 } from "node:zlib";
import { breathe } from "../system/pace.js";
import { ByteStream, decoded, type OnPadding } from "./byte-stream.js";
import { unlzo } from "./lzo.js";

const MAGIC = [...Buffer.from("\x89LZO\0\r\n\x1a\n", "latin1")];
/** Versions of lzop that began to write levels and 64-bit times. */
const WITH_LEVEL = 0x940;
const OLDEST = 0x900;
/** All of the methods are LZO1X, packed with more or less care. */
const LAST_METHOD = 3;
const FLAG = {
  plainAdler: 0x1,
  packedAdler: 0x2,
  extraField: 0x40,
  plainCrc: 0x100,
  packedCrc: 0x200,
  multipart: 0x400,
  filter: 0x800,
  headerCrc: 0x1000,
} as const;
/** lzop writes 256 KiB and reads no more than this. */
const MOST_BLOCK_BYTES = 64 * 1024 * 1024;
/** So many additions cannot overflow before the remainder is taken. */
const ADLER_RUN = 3800;
const ADLER_BASE = 65521;

/** The bytes of an lzop file. */
export function unlzop(input: AsyncIterable<Uint8Array>, file: string, onPadding: OnPadding) {
  return decoded(new ByteStream(input, "lzop", file, onPadding), decode);
}

async function* decode(stream: ByteStream): AsyncGenerator<Uint8Array> {
  while (await stream.hasNext(MAGIC)) {
    await stream.take(MAGIC.length);
    const flags = await readHeader(stream);
    for (;;) {
      const block = await readBlock(stream, flags);
      if (!block) break;
      yield block;
      const turn = breathe();
      if (turn) await turn;
    }
  }
}

/** Gives the header's flags. */
async function readHeader(stream: ByteStream): Promise<number> {
  const begin = stream.offset;
  const parts: Buffer[] = [];
  const field = async (bytes: number) => {
    const part = Buffer.from(await stream.take(bytes));
    parts.push(part);
    return part.readUIntBE(0, bytes);
  };
  const version = await field(2);
  await field(2);
  if (version >= WITH_LEVEL) await field(2);
  const method = await field(1);
  if (version >= WITH_LEVEL) await field(1);
  const flags = await field(4);
  if ((flags & FLAG.filter) !== 0) await field(4);
  // Mode and time.
  for (let words = version >= WITH_LEVEL ? 3 : 2; words > 0; words--) await field(4);
  const nameBytes = await field(1);
  if (nameBytes > 0) parts.push(Buffer.from(await stream.take(nameBytes)));
  const header = Buffer.concat(parts);
  const checksum = (flags & FLAG.headerCrc) !== 0 ? crc32(header) : adler32(header);
  if ((await stream.takeUint32BE()) !== checksum) throw stream.damaged("the header's checksum is wrong", begin);
  const unknown = (flags & (FLAG.filter | FLAG.multipart | FLAG.extraField)) !== 0;
  if (version < OLDEST || method < 1 || method > LAST_METHOD || unknown) {
    throw stream.unsupported("has a header that pagekin does not know", "decompress it with lzop -d");
  }
  return flags;
}

/** The bytes of the next block; undefined behind the last one. */
async function readBlock(stream: ByteStream, flags: number): Promise<Uint8Array | undefined> {
  const begin = stream.offset;
  const plainBytes = await stream.takeUint32BE();
  if (plainBytes === 0) return undefined;
  const packedBytes = await stream.takeUint32BE();
  if (plainBytes > MOST_BLOCK_BYTES) throw stream.damaged("a block is too large", begin);
  if (packedBytes === 0 || packedBytes > plainBytes) throw stream.damaged("a block has an impossible length", begin);
  const checksum = async (flag: number) => ((flags & flag) !== 0 ? await stream.takeUint32BE() : undefined);
  const stored = packedBytes === plainBytes;
  const plainSums = [await checksum(FLAG.plainAdler), await checksum(FLAG.plainCrc)];
  const packedSums = stored ? [] : [await checksum(FLAG.packedAdler), await checksum(FLAG.packedCrc)];
  const packed = await stream.take(packedBytes);
  check(packed, packedSums);
  const plain = stored ? packed.slice() : new Uint8Array(plainBytes);
  if (!stored && !unlzo(packed, plain)) throw stream.damaged("a block cannot be decoded", begin);
  check(plain, plainSums);
  return plain;

  function check(bytes: Uint8Array, [adler, crc]: (number | undefined)[]): void {
    if ((adler !== undefined && adler32(bytes) !== adler) || (crc !== undefined && crc32(bytes) !== crc)) {
      throw stream.damaged("a block's checksum is wrong", begin);
    }
  }
}

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(bytes.length, at + ADLER_RUN); at < end; at++) {
      low += bytes[at];
      high += low;
    }
    low %= ADLER_BASE;
    high %= ADLER_BASE;
  }
  return ((high << 16) | low) >>> 0;
}
