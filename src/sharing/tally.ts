// Counts over the contents of one world at one page size, from their copy vectors. All of them are sums over contents, so
// vectors may come in any order and the same vector in several parts.

import type { VectorChunk } from "../core/indexer.js";

const RECORD_HEAD = 4; // u32 words: contents (u64), internal, holders

/** Contents by the number of their holders and of their copies. */
export interface CopiesCount {
  members: number;
  copies: number;
  contents: number;
}

/** Two members (a < b) and the contents that both hold, with and without the zero content. */
export interface Pair {
  a: number;
  b: number;
  contents: number;
  nonzeroContents: number;
}

/** Copies of the contents that few copies exist of are counted in an array, the others in a map. */
const FEW = 256;

export class Tally {
  private readonly contents: Float64Array;
  /** Contents shared by members a < b, at rowOf(a) + b. */
  private readonly pairs: Float64Array;
  /** Contents by holders * FEW + copies. */
  private readonly few: Float64Array;
  private readonly many = new Map<string, number>();

  constructor(private readonly members: number) {
    this.contents = new Float64Array(members);
    this.pairs = new Float64Array((members * (members - 1)) / 2);
    this.few = new Float64Array(Math.min(members + 1, FEW) * FEW);
  }

  /** Makes it new. */
  clear(): void {
    this.contents.fill(0);
    this.pairs.fill(0);
    this.few.fill(0);
    this.many.clear();
  }

  private rowOf(a: number): number {
    return a * this.members - (a * (a + 1)) / 2 - a - 1;
  }

  add({ singles, records }: VectorChunk): void {
    for (let member = 0; member < this.members; member++) {
      const count = Number(singles[member]);
      this.contents[member] += count;
      this.few[FEW + 1] += count;
    }
    const words = new Uint32Array(records.buffer, records.byteOffset, records.byteLength / 4);
    for (let at = 0; at < words.length; at += RECORD_HEAD + 2 * words[at + 3]) this.addVector(words, at);
  }

  /** A vector's holders stand in descending order. */
  private addVector(words: Uint32Array, at: number): void {
    const contents = words[at] + words[at + 1] * 4294967296;
    const holders = words[at + 3];
    const from = at + RECORD_HEAD;
    const to = from + 2 * holders;
    let copies = 0;
    for (let i = from; i < to; i += 2) {
      const member = words[i];
      this.contents[member] += contents;
      copies += words[i + 1];
      const row = this.rowOf(member);
      for (let j = from; j < i; j += 2) this.pairs[row + words[j]] += contents;
    }
    this.count(holders, copies, contents);
  }

  private count(holders: number, copies: number, contents: number): void {
    if (holders < FEW && copies < FEW) {
      this.few[holders * FEW + copies] += contents;
    } else {
      const key = `${holders} ${copies}`;
      this.many.set(key, (this.many.get(key) ?? 0) + contents);
    }
  }

  /** Nonzero contents of a member. */
  contentsOf(member: number): number {
    return this.contents[member];
  }

  /**
   * The pairs of members with the most contents in both, at most `most`, of equal ones the first; in the order of the
   * members. zeroPages: of each member.
   */
  largestPairs(zeroPages: readonly number[], most: number): Pair[] {
    const found: Pair[] = [];
    let least = -1;
    const keepLargest = () => {
      found.sort((x, y) => y.contents - x.contents || x.a - y.a || x.b - y.b);
      found.length = Math.min(found.length, most);
      if (found.length === most) least = found[most - 1].contents;
    };
    for (let a = 0, at = 0; a < this.members; a++) {
      for (let b = a + 1; b < this.members; b++, at++) {
        const nonzeroContents = this.pairs[at];
        // Pairs come in order: one that is only as large as the least kept would not be kept.
        if (nonzeroContents + 1 <= least) continue;
        const contents = nonzeroContents + (zeroPages[a] > 0 && zeroPages[b] > 0 ? 1 : 0);
        if (contents > least) found.push({ a, b, contents, nonzeroContents });
        if (found.length >= 4 * most) keepLargest();
      }
    }
    if (found.length > most) keepLargest();
    return found.sort((x, y) => x.a - y.a || x.b - y.b);
  }

  /** Nonzero contents by holders and copies, ascending. */
  copies(): CopiesCount[] {
    const counted = [...this.many].map(([key, contents]) => {
      const [members, copies] = key.split(" ").map(Number);
      return { members, copies, contents };
    });
    this.few.forEach((contents, i) => {
      if (contents > 0) counted.push({ members: Math.floor(i / FEW), copies: i % FEW, contents });
    });
    return counted.sort(byHoldersAndCopies);
  }
}

export const byHoldersAndCopies = (a: CopiesCount, b: CopiesCount): number =>
  a.members - b.members || a.copies - b.copies;
