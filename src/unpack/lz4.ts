// lz4 files: frames one after the other. Format: lz4_Frame_format.md 1.6, lz4_Block_format.md.

import { breathe } from "../system/pace.js";
import { ByteStream, decoded, type OnPadding } from "./byte-stream.js";
import { Xxh32 } from "./xxh32.js";

const FRAME_MAGIC = 0x184d2204;
const LEGACY_MAGIC = 0x184c2102;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SIGNATURES = [FRAME_MAGIC, LEGACY_MAGIC, ...Array.from({ length: 16 }, (_, i) => SKIPPABLE_MAGIC + i)].map(
  (magic) => [0, 8, 16, 24].map((shift) => (magic >>> shift) & 0xff),
);
/** So far back a match may lie. */
const HISTORY = 64 * 1024;
/** Small blocks are handed on together. */
const LEAST_OUTPUT = 1024 * 1024;
/** Shorter copies are faster byte by byte. */
const SHORT_COPY = 48;
const STORED = 0x80000000;

interface Frame {
  maxBlockBytes: number;
  independent: boolean;
  blockChecksums: boolean;
  contentChecksum: boolean;
  contentBytes: number | undefined;
}

/** The bytes of an lz4 file. */
export function unlz4(input: AsyncIterable<Uint8Array>, file: string, onPadding: OnPadding) {
  return decoded(new ByteStream(input, "lz4", file, onPadding), decode);
}

async function* decode(stream: ByteStream): AsyncGenerator<Uint8Array> {
  while (await stream.hasNext(...SIGNATURES)) {
    const magic = await stream.takeUint32LE();
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      for (let left = await stream.takeUint32LE(); left > 0; ) left -= await skipSome(stream, left);
    } else if (magic === FRAME_MAGIC) {
      yield* decodeFrame(stream, await readHeader(stream));
    } else {
      // It has no end mark, so that nothing tells a file that was cut.
      throw stream.unsupported("has the old form of lz4 -l", "compress it again without -l");
    }
  }
}

async function skipSome(stream: ByteStream, most: number): Promise<number> {
  const { length } = await stream.some(most);
  if (length === 0) throw stream.endsEarly();
  stream.skip(length);
  return length;
}

async function readHeader(stream: ByteStream): Promise<Frame> {
  const begin = stream.offset;
  const [flags] = await stream.peek(1);
  const withSize = (flags & 0x08) !== 0;
  const withDictionary = (flags & 0x01) !== 0;
  const fields = Buffer.from(await stream.take(2 + (withSize ? 8 : 0) + (withDictionary ? 4 : 0)));
  const [checksum] = await stream.take(1);
  if (((hashOf(fields) >>> 8) & 0xff) !== checksum) throw stream.damaged("the header's checksum is wrong", begin);
  const blockSizeId = (fields[1] >> 4) & 7;
  if (flags >> 6 !== 1 || (flags & 0x02) !== 0 || (fields[1] & 0x8f) !== 0 || blockSizeId < 4) {
    throw stream.unsupported("has a header that pagekin does not know", "decompress it with lz4 -d");
  }
  if (withDictionary) throw stream.unsupported("needs a dictionary", "decompress it with lz4 -d -D");
  const contentBytes = withSize ? Number(fields.readBigUInt64LE(2)) : undefined;
  return {
    maxBlockBytes: 2 ** (8 + 2 * blockSizeId),
    independent: (flags & 0x20) !== 0,
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 0x04) !== 0,
    contentBytes,
  };
}

async function* decodeFrame(stream: ByteStream, frame: Frame): AsyncGenerator<Uint8Array> {
  const content = frame.contentChecksum ? new Xxh32() : undefined;
  const output = new Output(frame);
  let contentBytes = 0;
  const flush = () => {
    const bytes = output.flush();
    contentBytes += bytes.length;
    content?.update(bytes);
    return bytes;
  };
  for (;;) {
    const size = await stream.takeUint32LE();
    if (size === 0) break;
    const packedBytes = size % STORED;
    const begin = stream.offset;
    if (packedBytes > frame.maxBlockBytes) throw stream.damaged("a block is too large", begin - 4);
    if (!output.hasRoom) yield flush();
    const block = await stream.peek(packedBytes);
    const whole = output.append(block, size >= STORED);
    if (block.length < packedBytes) {
      // What is there of a block that was cut still tells what the file holds.
      yield flush();
      throw stream.endsEarly(block.length);
    }
    const expected = frame.blockChecksums ? hashOf(block) : 0;
    stream.skip(packedBytes);
    if (frame.blockChecksums && (await stream.takeUint32LE()) !== expected) {
      throw stream.damaged("a block's checksum is wrong", begin);
    }
    if (!whole) throw stream.damaged("a block cannot be decoded", begin);
    const turn = breathe();
    if (turn) await turn;
  }
  yield flush();
  if (content && (await stream.takeUint32LE()) !== content.digest()) {
    throw stream.damaged("the checksum of the content is wrong", stream.offset - 4);
  }
  if (frame.contentBytes !== undefined && frame.contentBytes !== contentBytes) {
    throw stream.damaged("it holds more or less than its header says");
  }
}

/** Where blocks are decoded to, with what later ones may refer to in front of them. */
class Output {
  private bytes: Uint8Array;
  private begin = HISTORY;
  private end = HISTORY;
  /** Where the oldest byte stands that a match may refer to. */
  private oldest = HISTORY;

  constructor(private readonly frame: Frame) {
    this.bytes = this.newBuffer();
  }

  private newBuffer(): Uint8Array {
    return new Uint8Array(HISTORY + Math.max(this.frame.maxBlockBytes, LEAST_OUTPUT));
  }

  get hasRoom(): boolean {
    return this.end + this.frame.maxBlockBytes <= this.bytes.length;
  }

  /** Whether the block is whole; of one that is not, what can be decoded. */
  append(block: Uint8Array, stored: boolean): boolean {
    const limit = this.end + this.frame.maxBlockBytes;
    if (this.frame.independent) this.oldest = this.end;
    if (stored) {
      this.bytes.set(block, this.end);
      this.end += block.length;
      return true;
    }
    const end = decodeBlock(block, this.bytes, this.end, limit, Math.max(this.oldest, this.end - HISTORY));
    this.end = end < 0 ? ~end : end;
    return end >= 0;
  }

  /** What was decoded since the last time; the next blocks go to a new buffer. */
  flush(): Uint8Array {
    const { bytes, begin, end } = this;
    this.bytes = this.newBuffer();
    this.bytes.set(bytes.subarray(end - HISTORY, end));
    this.oldest = Math.max(0, this.oldest - (end - HISTORY));
    this.begin = HISTORY;
    this.end = HISTORY;
    return bytes.subarray(begin, end);
  }
}

/** Decodes a block to `at` and gives where it ends; of a damaged one, the complement of where what could be decoded ends. */
function decodeBlock(block: Uint8Array, target: Uint8Array, at: number, limit: number, oldest: number): number {
  const end = block.length;
  let from = 0;
  let to = at;
  while (from < end) {
    const token = block[from++];
    let length = token >> 4;
    if (length === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = block[from++];
        length += more;
      }
    }
    if (length > limit - to) return ~to;
    if (length > end - from) {
      target.set(block.subarray(from), to);
      return ~(to + end - from);
    }
    if (length > SHORT_COPY) {
      target.set(block.subarray(from, from + length), to);
      from += length;
      to += length;
    } else {
      for (const stop = to + length; to < stop; ) target[to++] = block[from++];
    }
    // The last sequence has literals only.
    if (from === end) return to;
    if (from + 2 > end) return ~to;
    const distance = block[from] | (block[from + 1] << 8);
    from += 2;
    length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = block[from++];
        length += more;
      }
    }
    length += 4;
    if (distance === 0 || distance > to - oldest || length > limit - to) return ~to;
    if (length > SHORT_COPY) copyMatch(target, to, distance, length);
    else for (let i = to - distance, n = length; n > 0; n--, i++) target[i + distance] = target[i];
    to += length;
  }
  return ~to;
}

/** Copies what lies `distance` before; where that is less than the length, it repeats. */
function copyMatch(target: Uint8Array, to: number, distance: number, length: number): void {
  const begin = to - distance;
  for (let copied = 0; copied < length; ) {
    // All from the first byte of the match on is whole repetitions of it.
    const bytes = Math.min(distance + copied, length - copied);
    target.copyWithin(to + copied, begin, begin + bytes);
    copied += bytes;
  }
}

function hashOf(bytes: Uint8Array): number {
  return new Xxh32().update(bytes).digest();
}
