// Counts over the contents of one world at one page size, from their copy vectors. All of them are sums over contents, so
// vectors may come in any order and the same vector in several parts.

import type { VectorChunk } from "../core/indexer.js";

const RECORD_HEAD = 4; // u32 words: contents (u64), internal, holders

/** The numbers of one world at one page size. Arrays go by member; contents do not include the zero content. */
export interface Sharing {
  pageBytes: number;
  pages: number[];
  zeroPages: number[];
  /** Nonzero contents of each member. */
  contents: number[];
  /** Nonzero contents of all members together. */
  union: number;
  /** Nonzero contents that two members both hold. */
  sharedContents(a: number, b: number): number;
  /** Contents by holders and copies, the zero content among them; ascending. */
  copies: { members: number; copies: number; contents: number }[];
}

export class Tally {
  private readonly contents: Float64Array;
  /** For member a the contents shared with each later member; made when the first is found. */
  private readonly pairs: (Float64Array | undefined)[] = [];
  private readonly copies = new Map<number, Map<number, number>>();
  private union = 0;

  constructor(
    private readonly pageBytes: number,
    private readonly members: number,
  ) {
    this.contents = new Float64Array(members);
  }

  add({ singles, records }: VectorChunk): void {
    singles.forEach((count, member) => {
      if (count === 0n) return;
      this.contents[member] += Number(count);
      this.count(1, 1, Number(count));
    });
    const words = new Uint32Array(records.buffer, records.byteOffset, records.byteLength / 4);
    for (let at = 0; at < words.length; ) {
      const contents = words[at] + words[at + 1] * 2 ** 32;
      const holders = words[at + 3];
      const from = at + RECORD_HEAD;
      at = from + 2 * holders;
      this.addVector(words, from, holders, contents);
    }
  }

  /** A vector's holders stand in descending order. */
  private addVector(words: Uint32Array, from: number, holders: number, contents: number): void {
    let copies = 0;
    for (let i = 0; i < holders; i++) {
      const member = words[from + 2 * i];
      copies += words[from + 2 * i + 1];
      this.contents[member] += contents;
      if (i + 1 < holders) this.addPairs(words, from, i, holders, contents);
    }
    this.count(holders, copies, contents);
  }

  private addPairs(words: Uint32Array, from: number, i: number, holders: number, contents: number): void {
    const later = words[from + 2 * i];
    for (let j = i + 1; j < holders; j++) {
      const earlier = words[from + 2 * j];
      this.pairs[earlier] ??= new Float64Array(this.members - earlier - 1);
      this.pairs[earlier][later - earlier - 1] += contents;
    }
  }

  private count(members: number, copies: number, contents: number): void {
    this.union += contents;
    let row = this.copies.get(members);
    if (!row) {
      row = new Map();
      this.copies.set(members, row);
    }
    row.set(copies, (row.get(copies) ?? 0) + contents);
  }

  /** pages and zeroPages of each member. */
  finish(pages: number[], zeroPages: number[]): Sharing {
    const { union } = this;
    const zeroHolders = zeroPages.filter((count) => count > 0).length;
    if (zeroHolders > 0) {
      this.count(
        zeroHolders,
        zeroPages.reduce((sum, count) => sum + count, 0),
        1,
      );
    }
    const ascending = <T>(map: Map<number, T>) => [...map].sort(([a], [b]) => a - b);
    return {
      pageBytes: this.pageBytes,
      pages,
      zeroPages,
      contents: [...this.contents],
      union,
      sharedContents: (a, b) => this.pairs[Math.min(a, b)]?.[Math.abs(a - b) - 1] ?? 0,
      copies: ascending(this.copies).flatMap(([members, row]) =>
        ascending(row).map(([copies, contents]) => ({ members, copies, contents })),
      ),
    };
  }
}
