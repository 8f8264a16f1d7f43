// bzip2 files: streams one after the other. A block of 900 kB may stand for 46 MB of equal bytes, so its bytes are handed
// on in pieces, and the thread is let go between them.

import { breathe } from "../system/pace.js";
import { ByteStream, decoded, type OnPadding } from "./byte-stream.js";
import { Bzip2Bits, readTables } from "./bzip2-tables.js";

/** BZh. */
const STREAM_MAGIC = [0x42, 0x5a, 0x68];
/** The two 48-bit magic numbers, by halves. */
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
const BLOCK_UNIT = 100_000;
/** No code has more bits; every code but the last stands for a byte of the block at least. */
const MOST_CODE_BITS = 20;
/** What a block's tables take at most. */
const MOST_TABLE_BYTES = 32 * 1024;
const GROUP_SYMBOLS = 50;
/** So many groups are decoded in about a millisecond. */
const GROUPS_AT_ONCE = 512;
const OUTPUT_CHUNK = 256 * 1024;
/** A run is four equal bytes and up to 255 more. */
const LONGEST_RUN = 259;
const STREAM_HEADER = 4;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

/** The bytes of a bzip2 file. */
export function bunzip2(input: AsyncIterable<Uint8Array>, file: string, onPadding: OnPadding) {
  return decoded(new ByteStream(input, "bzip2", file, onPadding), decode);
}

async function* decode(stream: ByteStream): AsyncGenerator<Uint8Array> {
  let block: Block | undefined;
  while (await stream.hasNext(STREAM_MAGIC)) {
    const begin = stream.offset;
    const level = (await stream.take(STREAM_HEADER))[3] - 0x30;
    if (!(level >= 1 && level <= 9)) throw stream.damaged("no bzip2 stream begins here", begin);
    if (block?.mostBytes !== level * BLOCK_UNIT) block = new Block(level * BLOCK_UNIT);
    yield* decodeStream(stream, block);
  }
}

async function* decodeStream(stream: ByteStream, block: Block): AsyncGenerator<Uint8Array> {
  const mostPacked = MOST_TABLE_BYTES + Math.ceil((block.mostBytes * MOST_CODE_BITS) / 8);
  let bitsUsed = 0;
  for (let checksum = 0; ; ) {
    const bits = new Bzip2Bits(await stream.peek(mostPacked), bitsUsed, stream);
    const high = bits.read(24);
    const low = bits.read(24);
    const expected = ((bits.read(16) << 16) | bits.read(16)) >>> 0;
    bits.check();
    const isEnd = high === END_MAGIC[0] && low === END_MAGIC[1];
    if (isEnd) {
      if (expected !== checksum) throw stream.damaged("the checksum of the stream is wrong");
      stream.skip(Math.ceil(bits.position / 8));
      return;
    }
    if (high !== BLOCK_MAGIC[0] || low !== BLOCK_MAGIC[1]) throw bits.damaged("no block begins here");
    await block.read(bits, stream);
    yield* block.bytes();
    if (block.checksum !== expected) throw stream.damaged("the checksum of a block is wrong");
    checksum = (((checksum << 1) | (checksum >>> 31)) ^ expected) >>> 0;
    stream.skip(Math.floor(bits.position / 8));
    bitsUsed = bits.position % 8;
  }
}

/** One block after the other. */
class Block {
  /** The CRC of the bytes that were handed on. */
  checksum = 0;

  /** By place after sorting: the byte there in the lowest 8 bits, above them where the next one stands. */
  private readonly sorted: Uint32Array;
  private count = 0;
  private origin = 0;

  constructor(readonly mostBytes: number) {
    this.sorted = new Uint32Array(mostBytes);
  }

  async read(bits: Bzip2Bits, stream: ByteStream): Promise<void> {
    if (bits.read(1) === 1) throw stream.unsupported("is of a version before 0.9.5", "decompress it with bzip2 -d");
    this.origin = bits.read(24);
    await this.readSymbols(bits);
    bits.check();
    if (this.origin >= this.count) throw stream.damaged("a block begins outside itself");
    this.link();
  }

  /** The sorted bytes: Huffman codes of ranks in a list that moves each byte to its front, and of runs of its first. */
  private async readSymbols(bits: Bzip2Bits): Promise<void> {
    const { sorted, mostBytes } = this;
    const { alphabet, selectors, codes } = readTables(bits);
    const front = alphabet.slice();
    const endOfBlock = alphabet.length + 1;
    let count = 0;
    let run = 0;
    let runUnit = 1;
    for (let group = 0; ; group++) {
      if (group === selectors.length) throw bits.damaged("a block has no end");
      if (group % GROUPS_AT_ONCE === GROUPS_AT_ONCE - 1) {
        bits.check();
        const turn = breathe();
        if (turn) await turn;
      }
      const code = codes[selectors[group]];
      for (let i = 0; i < GROUP_SYMBOLS; i++) {
        const symbol = code.read(bits);
        if (symbol <= 1) {
          // A run's length has digits 1 and 2, the lowest first.
          run += runUnit << symbol;
          runUnit *= 2;
          if (run > mostBytes - count) throw bits.damaged("a block is too long");
          continue;
        }
        if (run > 0) {
          sorted.fill(front[0], count, count + run);
          count += run;
          run = 0;
          runUnit = 1;
        }
        if (symbol === endOfBlock) {
          this.count = count;
          return;
        }
        if (symbol > endOfBlock) throw bits.damaged("a block has a code that means nothing");
        if (count === mostBytes) throw bits.damaged("a block is too long");
        const rank = symbol - 1;
        const byte = front[rank];
        front.copyWithin(1, 0, rank);
        front[0] = byte;
        sorted[count++] = byte;
      }
    }
  }

  /** Puts above each byte the place of the next one. */
  private link(): void {
    const { sorted, count } = this;
    const places = new Uint32Array(256);
    for (let i = 0; i < count; i++) places[sorted[i]]++;
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      const bytes = places[byte];
      places[byte] = sum;
      sum += bytes;
    }
    for (let i = 0; i < count; i++) sorted[places[sorted[i] & 0xff]++] |= i << 8;
  }

  /** The block's bytes: four equal ones are followed by how many more of them there are. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const { sorted } = this;
    let at = sorted[this.origin] >>> 8;
    let equal = 0;
    let last = -1;
    let crc = -1;
    for (let left = this.count; left > 0; ) {
      const chunk = new Uint8Array(OUTPUT_CHUNK);
      let to = 0;
      for (; left > 0 && to <= OUTPUT_CHUNK - LONGEST_RUN; left--) {
        const entry = sorted[at];
        const byte = entry & 0xff;
        at = entry >>> 8;
        if (equal === 4) {
          chunk.fill(last, to, to + byte);
          to += byte;
          equal = 0;
          last = -1;
          continue;
        }
        equal = byte === last ? equal + 1 : 1;
        last = byte;
        chunk[to++] = byte;
      }
      for (let i = 0; i < to; i++) crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ chunk[i]];
      yield chunk.subarray(0, to);
      const turn = breathe();
      if (turn) await turn;
    }
    this.checksum = ~crc >>> 0;
  }
}
