// Counts over the contents of one world at one page size, from their copy vectors. All of them are sums over contents, so
// vectors may come in any order and the same vector in several parts.

import { type VectorChunk, vectorRecord } from "../core/indexer.js";
import { type PairCount, PairCounter } from "../core/pairs.js";

const RECORD_HEAD = 4; // u32 words: contents (u64), internal, holders

/** Contents by the number of their holders and of their copies. */
export interface CopiesCount {
  members: number;
  copies: number;
  contents: number;
}

/** Copies of the contents that few copies exist of are counted in an array, the others in a map. */
const FEW = 256;

export class Tally {
  private readonly contents: Float64Array;
  private readonly pairs: PairCounter;
  /** Contents by holders * FEW + copies. */
  private readonly few: Float64Array;
  private readonly many = new Map<string, number>();

  constructor(
    module: WebAssembly.Module,
    private readonly members: number,
  ) {
    this.contents = new Float64Array(members);
    this.pairs = new PairCounter(module, members);
    this.few = new Float64Array(Math.min(members + 1, FEW) * FEW);
  }

  /** Makes it new. */
  clear(): void {
    this.contents.fill(0);
    this.pairs.clear();
    this.few.fill(0);
    this.many.clear();
  }

  add({ singles, records }: VectorChunk): void {
    for (let member = 0; member < this.members; member++) {
      const count = Number(singles[member]);
      this.contents[member] += count;
      this.few[FEW + 1] += count;
    }
    this.pairs.add(records);
    const words = new Uint32Array(records.buffer, records.byteOffset, records.byteLength / 4);
    for (let at = 0; at < words.length; at += RECORD_HEAD + 2 * words[at + 3]) this.addVector(words, at);
  }

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

  /** The pairs with the most contents in both, the zero content among them; zeroPages: of each member. */
  largestPairs(zeroPages: readonly number[], most: number): PairCount[] {
    this.pairs.add(vectorRecord(zeroPages));
    return this.pairs.largest(most);
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
