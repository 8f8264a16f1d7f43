// What stands in front of the codes of a bzip2 block, and how codes are read.

import type { PagekinError } from "../errors.js";
import type { ByteStream } from "./byte-stream.js";

const MOST_CODE_BITS = 20;
/** Codes up to so many bits are looked up at once. */
const SHORT_BITS = 10;
/** Some writers put more selectors there than a block can use. */
const MOST_SELECTORS = 18_002;

/** Bits of bytes, the highest of a byte first. Behind the end there are zeros, until `check` is called. */
export class Bzip2Bits {
  private word = 0;
  /** Bits in the word, the lowest ones, that were not read. */
  private left = 0;
  private next = 0;

  constructor(
    private readonly bytes: Uint8Array,
    skip: number,
    private readonly stream: ByteStream,
  ) {
    this.read(skip);
  }

  /** Bits that were read. */
  get position(): number {
    return this.next * 8 - this.left;
  }

  /** Refuses to go on when reading went beyond the bytes that there are. */
  check(): void {
    if (this.position > this.bytes.length * 8) throw this.stream.endsEarly(this.bytes.length);
  }

  /** Something wrong that was read; it may be the zeros behind the end. */
  damaged(why: string): PagekinError {
    this.check();
    return this.stream.damaged(why);
  }

  /** The next bits, 24 at most, without going on. */
  peek(bits: number): number {
    while (this.left < bits) {
      this.word = (this.word << 8) | (this.next < this.bytes.length ? this.bytes[this.next] : 0);
      this.next++;
      this.left += 8;
    }
    return (this.word >>> (this.left - bits)) & ((1 << bits) - 1);
  }

  skip(bits: number): void {
    this.left -= bits;
  }

  read(bits: number): number {
    const value = this.peek(bits);
    this.left -= bits;
    return value;
  }
}

/** A canonical Huffman code. */
export class HuffmanCode {
  /** By the first bits: symbol and length of the code that begins with them; 0: it is longer. */
  private readonly short = new Uint16Array(1 << SHORT_BITS);
  /** By length: the first code that is longer, aligned to the longest; its first symbol's place, less its first code. */
  private readonly limits = new Int32Array(MOST_CODE_BITS + 2);
  private readonly bases = new Int32Array(MOST_CODE_BITS + 1);
  private readonly symbols: Uint16Array;

  /** bits: where the lengths were read. */
  constructor(lengths: Uint8Array, bits: Bzip2Bits) {
    this.symbols = new Uint16Array(lengths.length);
    let code = 0;
    let place = 0;
    for (let length = 1; length <= MOST_CODE_BITS; length++) {
      this.bases[length] = place - code;
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue;
        if (length <= SHORT_BITS) {
          const begin = code << (SHORT_BITS - length);
          this.short.fill((symbol << 5) | length, begin, begin + (1 << (SHORT_BITS - length)));
        }
        this.symbols[place++] = symbol;
        code++;
      }
      if (code > 1 << length) throw bits.damaged("a block's codes overlap");
      this.limits[length] = code << (MOST_CODE_BITS - length);
      code <<= 1;
    }
  }

  read(bits: Bzip2Bits): number {
    const ahead = bits.peek(MOST_CODE_BITS);
    const found = this.short[ahead >>> (MOST_CODE_BITS - SHORT_BITS)];
    if (found !== 0) {
      bits.skip(found & 31);
      return found >>> 5;
    }
    let length = SHORT_BITS + 1;
    while (length <= MOST_CODE_BITS && ahead >= this.limits[length]) length++;
    if (length > MOST_CODE_BITS) throw bits.damaged("a block has a code that means nothing");
    bits.skip(length);
    return this.symbols[this.bases[length] + (ahead >>> (MOST_CODE_BITS - length))];
  }
}

export interface Tables {
  /** The bytes that the block has. */
  alphabet: Uint8Array;
  /** By group of symbols: its code. */
  selectors: Uint8Array;
  codes: HuffmanCode[];
}

export function readTables(bits: Bzip2Bits): Tables {
  const alphabet = readAlphabet(bits);
  if (alphabet.length === 0) throw bits.damaged("a block has no bytes");
  const count = bits.read(3);
  if (count < 2 || count > 6) throw bits.damaged("a block has an impossible number of codes");
  const selectors = readSelectors(bits, count);
  const codes = Array.from({ length: count }, () => new HuffmanCode(readLengths(bits, alphabet.length + 2), bits));
  bits.check();
  return { alphabet, selectors, codes };
}

/** A bit for each sixteenth of the bytes, then a bit for each byte of those that are there. */
function readAlphabet(bits: Bzip2Bits): Uint8Array {
  const alphabet: number[] = [];
  const parts = bits.read(16);
  for (let high = 0; high < 16; high++) {
    if (((parts >> (15 - high)) & 1) === 0) continue;
    const part = bits.read(16);
    for (let low = 0; low < 16; low++) if ((part >> (15 - low)) & 1) alphabet.push(high * 16 + low);
  }
  return Uint8Array.from(alphabet);
}

/** Ranks in unary in a list of the codes that moves each to its front. */
function readSelectors(bits: Bzip2Bits, codes: number): Uint8Array {
  const count = bits.read(15);
  const selectors = new Uint8Array(count);
  const front = [0, 1, 2, 3, 4, 5];
  for (let i = 0; i < count; i++) {
    let rank = 0;
    while (bits.read(1) === 1) {
      if (++rank >= codes) throw bits.damaged("a block selects a code that it does not have");
    }
    const [code] = front.splice(rank, 1);
    front.unshift(code);
    selectors[i] = code;
  }
  return selectors.subarray(0, MOST_SELECTORS);
}

/** The first length, then for each symbol steps up (10) or down (11) to its length (0). */
function readLengths(bits: Bzip2Bits, symbols: number): Uint8Array {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MOST_CODE_BITS) throw bits.damaged("a block has a code of impossible length");
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return lengths;
}
