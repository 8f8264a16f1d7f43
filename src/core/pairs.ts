import type { PairCount, Vectors } from "./counts.js";
import { Instance } from "./module.js";

const COUNT_BYTES = 8;
const BINS_BYTES = 4 * 65536;
const OUT_BYTES = 16;
/** Vectors, and holders of all of them but the last, that are counted at a time. */
const WINDOW = 65536;

/** Counts the contents that each member holds, and that each pair has in common. Memory: 8 bytes a pair. */
export class PairCounter {
  private readonly instance: Instance;
  private readonly pairs: number;
  private readonly at: Record<"own" | "counts" | "bins" | "sizes" | "contents" | "holders" | "copies" | "sums", number>;
  private buffer: { at: number; bytes: number };

  constructor(
    module: WebAssembly.Module,
    readonly members: number,
  ) {
    this.instance = new Instance(module);
    this.pairs = (members * (members - 1)) / 2;
    this.at = {
      bins: this.instance.reserve(BINS_BYTES),
      sizes: this.instance.reserve(WINDOW * 4),
      contents: this.instance.reserve(WINDOW * 8),
      holders: this.instance.reserve((WINDOW + members) * 4),
      copies: this.instance.reserve((WINDOW + members) * 4),
      sums: this.instance.reserve(WINDOW * 8),
      own: this.instance.reserve(members * 8),
      counts: this.instance.reserve(this.pairs * COUNT_BYTES),
    };
    this.buffer = { at: this.instance.reserve(0), bytes: 0 };
    this.clear();
  }

  clear(): void {
    this.instance.exports.resetPairs(this.at.own, this.at.counts, this.members);
  }

  /** Makes room for what goes out, behind the counts. */
  private room(bytes: number): number {
    if (bytes > this.buffer.bytes) {
      this.instance.reserve(bytes - this.buffer.bytes);
      this.buffer.bytes = bytes;
    }
    return this.buffer.at;
  }

  /** onCounted: gets, for some vectors at a time (the first by its number), the copies of all members together. */
  async add(
    { starts, holders, copies, contents }: Vectors,
    onCounted: (first: number, sums: Float64Array) => void,
    pause: () => Promise<void> | undefined,
  ): Promise<void> {
    const { instance, at } = this;
    const sizes = instance.words(at.sizes, WINDOW);
    for (let from = 0, to = 0; from < contents.length; from = to) {
      for (; to < contents.length && to - from < WINDOW && starts[to] - starts[from] < WINDOW; to++) {
        sizes[to - from] = starts[to + 1] - starts[to];
      }
      const [first, last] = [starts[from], starts[to]];
      instance.doubles(at.contents, to - from).set(contents.subarray(from, to));
      instance.words(at.holders, last - first).set(holders.subarray(first, last));
      instance.words(at.copies, last - first).set(copies.subarray(first, last));
      instance.exports.addVectors(to - from, at.sizes, at.contents, at.holders, at.copies, at.sums);
      onCounted(from, instance.doubles(at.sums, to - from));
      const turn = pause();
      if (turn) await turn;
    }
  }

  /** Contents of each member. */
  contents(): number[] {
    return [...this.instance.doubles(this.at.own, this.members)];
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
