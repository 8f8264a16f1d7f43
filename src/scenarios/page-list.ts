// The pages of snapshots, each with the number of its content: what a replay goes by. Contents of all snapshots are numbered
// in one table, in the order of their fingerprints once all are known.

import type { Hasher } from "../core/hasher.js";
import { unfolded } from "../dumps/folding.js";
import { PagekinError } from "../errors.js";
import { type HashHooks, hashAll, type SegmentEnd } from "../fingerprints/segments.js";
import { displayName } from "../sources/names.js";
import { layoutOf, type OpenDump } from "../sources/open-dump.js";
import type { Source } from "../sources/source.js";
import { breathe } from "../system/pace.js";
import { sortInTurns } from "../system/turns.js";
import { traceFormatOf } from "../traces/registry.js";
import { FINGERPRINT_BYTES } from "../traces/rows.js";

const WORDS = 4;

/** An odd number that nobody can foretell: who chooses fingerprints shall not choose their slots. */
const random = () => (Math.random() * 2 ** 32) | 1;

/** Numbers for fingerprints, by first sight; number 0 is the zero content. */
export class ContentTable {
  private words: Uint32Array = new Uint32Array(1024 * WORDS);
  private slots: Uint32Array = new Uint32Array(4096);
  private readonly zeros = new Set<number>([0]);
  private count = 1;
  private readonly seeds = Uint32Array.from({ length: WORDS }, random);

  /** The number of the fingerprint (16 bytes) that begins at `at`. */
  number(bytes: Uint8Array, at: number): number {
    const a = bigEndian(bytes, at);
    const b = bigEndian(bytes, at + 4);
    const c = bigEndian(bytes, at + 8);
    const d = bigEndian(bytes, at + 12);
    const mask = this.slots.length - 1;
    let slot = this.hash(a, b, c, d) & mask;
    for (; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.slots[slot];
      const i = known * WORDS;
      const { words } = this;
      if (words[i] === a && words[i + 1] === b && words[i + 2] === c && words[i + 3] === d) return known;
    }
    const number = this.count++;
    if (number * WORDS >= this.words.length) this.words = grown(this.words);
    this.words[number * WORDS] = a;
    this.words[number * WORDS + 1] = b;
    this.words[number * WORDS + 2] = c;
    this.words[number * WORDS + 3] = d;
    this.slots[slot] = number;
    if (this.count * 2 > this.slots.length) this.rehash();
    return number;
  }

  private hash(a: number, b: number, c: number, d: number): number {
    const { seeds } = this;
    let hash = Math.imul(a ^ seeds[0], seeds[1]);
    hash = Math.imul(hash ^ (hash >>> 15) ^ b, seeds[2]);
    hash = Math.imul(hash ^ (hash >>> 16) ^ c, seeds[3]);
    hash = Math.imul(hash ^ (hash >>> 15) ^ d, seeds[1]);
    hash = Math.imul(hash ^ (hash >>> 16), seeds[2]);
    return hash ^ (hash >>> 15);
  }

  /** The fingerprint of a number is the zero content, wherever it is met. */
  markZero(number: number): void {
    this.zeros.add(number);
  }

  private rehash(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    const { words } = this;
    const mask = this.slots.length - 1;
    for (let number = 1; number < this.count; number++) {
      const i = number * WORDS;
      let slot = this.hash(words[i], words[i + 1], words[i + 2], words[i + 3]) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = number;
    }
  }

  /** By number the place in order: the zero content 0, the others by fingerprint as unsigned bytes. */
  async places(): Promise<Uint32Array> {
    const { words } = this;
    const order = new Uint32Array(this.count - 1);
    for (let i = 0; i < order.length; i++) order[i] = i + 1;
    const compare = (x: number, y: number) => {
      for (let i = 0; i < WORDS; i++) {
        const difference = words[x * WORDS + i] - words[y * WORDS + i];
        if (difference !== 0) return difference;
      }
      return 0;
    };
    await sortInTurns(order, compare, breathe);
    const places = new Uint32Array(this.count);
    let place = 1;
    for (const number of order) places[number] = this.zeros.has(number) ? 0 : place++;
    return places;
  }
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function grown(words: Uint32Array): Uint32Array {
  const more = new Uint32Array(words.length * 2);
  more.set(words);
  return more;
}

/** Pages by number, ascending, and the numbers of their contents in the table. */
export interface PageList {
  pages: Float64Array;
  contents: Uint32Array;
}

/** Lists the pages of a snapshot at the hasher's one page size. dump: undefined where its source is a trace. */
export async function listPages(
  source: Source,
  dump: OpenDump | undefined,
  hasher: Hasher,
  table: ContentTable,
  { onBytes, onNote }: Pick<HashHooks, "onBytes" | "onNote">,
): Promise<PageList> {
  const list = new GrowingList();
  const context = { hasher, table, list, onBytes, onNote };
  await (dump ? listDump(dump, context) : listTrace(source, context));
  return list.finish(displayName(source.name));
}

interface ListContext extends Pick<HashHooks, "onBytes" | "onNote"> {
  hasher: Hasher;
  table: ContentTable;
  list: GrowingList;
}

async function listDump({ input }: OpenDump, { hasher, table, list, onBytes, onNote }: ListContext): Promise<void> {
  const [pageBytes] = hasher.pageSizes;
  const parts = layoutOf(input)?.parts ?? [];
  const onSegment = ({ runs }: SegmentEnd) => {
    const { fingerprints, places } = hasher.toCanonical(0);
    let entry = 0;
    for (const { address, at, bytes } of runs()) {
      const end = Math.floor((at + bytes) / pageBytes);
      // The numbers of a dump's pages must be those of other dumps and traces of the member.
      const first = Number((unfolded(parts, address) - BigInt(at)) / BigInt(pageBytes));
      for (let place = Math.ceil(at / pageBytes); place < end; place++) {
        const isZero = places[entry] !== place;
        const content = isZero ? 0 : table.number(fingerprints, entry++ * FINGERPRINT_BYTES);
        list.add(first + place, content);
      }
    }
  };
  await hashAll(input, hasher, { onBytes, onSegment, onNote });
}

async function listTrace(source: Source, { hasher, table, list, onBytes }: ListContext): Promise<void> {
  const { readRows } = await traceFormatOf(source);
  for await (const rows of readRows(source, { pageSizes: hasher.pageSizes, withPages: true, onBytes })) {
    if (!rows.pages) throw new Error("rows without their page numbers");
    for (let row = 0; row < rows.count; row++) {
      const content = table.number(rows.fingerprints, row * FINGERPRINT_BYTES);
      if (rows.zeros[row]) table.markZero(content);
      list.add(Number(rows.pages[row]), content);
    }
    const turn = breathe();
    if (turn) await turn;
  }
}

class GrowingList {
  private pages = new Float64Array(1024);
  private contents = new Uint32Array(1024);
  private count = 0;
  private sorted = true;

  add(page: number, content: number): void {
    if (this.count === this.pages.length) {
      const [pages, contents] = [this.pages, this.contents];
      this.pages = new Float64Array(this.count * 2);
      this.pages.set(pages);
      this.contents = new Uint32Array(this.count * 2);
      this.contents.set(contents);
    }
    if (this.count > 0 && page <= this.pages[this.count - 1]) this.sorted = false;
    this.pages[this.count] = page;
    this.contents[this.count++] = content;
  }

  /** In ascending order. */
  finish(file: string): PageList {
    const list = this.ascending();
    // Only pages of 1 KiB in the upper half of the address space have such numbers.
    if (list.pages.length > 0 && !Number.isSafeInteger(list.pages[list.pages.length - 1]))
      throw new PagekinError("has page numbers beyond 2^53", { file, hint: "replay it with a larger page size" });
    return list;
  }

  private ascending(): PageList {
    const pages = this.pages.slice(0, this.count);
    const contents = this.contents.slice(0, this.count);
    if (this.sorted) return { pages, contents };
    const order = Uint32Array.from(pages.keys()).sort((a, b) => pages[a] - pages[b]);
    return {
      pages: Float64Array.from(order, (i) => pages[i]),
      contents: Uint32Array.from(order, (i) => contents[i]),
    };
  }
}
