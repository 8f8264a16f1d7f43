import { Instance } from "./module.js";

const COUNT_BYTES = 8;
const BINS_BYTES = 4 * 65536;
const OUT_BYTES = 16;

/** Two members (a < b) and the number of contents that both hold. */
export interface PairCount {
  a: number;
  b: number;
  contents: number;
}

/** Counts the contents that members have in common, pair by pair. Memory: 8 bytes a pair. */
export class PairCounter {
  private readonly instance: Instance;
  private readonly pairs: number;
  private readonly at: { counts: number; bins: number };
  private buffer: { at: number; bytes: number };

  constructor(
    module: WebAssembly.Module,
    private readonly members: number,
  ) {
    this.instance = new Instance(module);
    this.pairs = (members * (members - 1)) / 2;
    this.at = { bins: this.instance.reserve(BINS_BYTES), counts: this.instance.reserve(this.pairs * COUNT_BYTES) };
    this.buffer = { at: this.instance.reserve(0), bytes: 0 };
    this.clear();
  }

  clear(): void {
    this.instance.exports.resetPairs(this.at.counts, this.members);
  }

  /** Makes room for what goes in or out, behind the counts. */
  private room(bytes: number): number {
    if (bytes > this.buffer.bytes) {
      this.instance.reserve(bytes - this.buffer.bytes);
      this.buffer.bytes = bytes;
    }
    return this.buffer.at;
  }

  /** Counts the records of a VectorChunk. */
  add(records: Uint8Array): void {
    const at = this.room(records.length);
    this.instance.bytes(at, records.length).set(records);
    this.instance.exports.addPairs(at, records.length);
  }

  /** The pairs with the most contents, at most `most`, of equal ones the first; in the order of the members. */
  largest(most: number): PairCount[] {
    const { leastOfLargest, countAbove, writePairs } = this.instance.exports;
    const all = most >= this.pairs;
    const least = all ? 0n : leastOfLargest(BigInt(most), this.at.bins);
    const places = all ? BigInt(this.pairs) : BigInt(most) - countAbove();
    const out = this.room(Math.min(most, this.pairs) * OUT_BYTES);
    const words = this.instance.words(out, writePairs(least, places, out) * (OUT_BYTES / 4));
    return Array.from({ length: words.length / 4 }, (_, i) => ({
      a: words[4 * i],
      b: words[4 * i + 1],
      contents: words[4 * i + 2] + words[4 * i + 3] * 2 ** 32,
    }));
  }
}
