import { BUCKETS, ENTRY_BYTES, Instance, randomOdd } from "./module.js";

/** Bytes of a dump (or the like number of trace rows) that are hashed into one set of logs. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Bytes that the input buffer takes at a time. */
export const CHUNK_BYTES = 1024 * 1024;
export const LEAST_PAGE_BYTES = 1024;
export const MOST_PAGE_BYTES = 2 * 1024 * 1024;
/** Most machines' smallest page; the unit of ledgers, and the page size where one has to be chosen. */
export const BASE_PAGE_BYTES = 4096;
/** What is hashed at a time. */
const GROUP_BYTES = 16 * 1024;

/** Whether pages can have so many bytes: a power of two from 1 KiB to 2 MiB. */
export function isPageSize(bytes: number): boolean {
  return bytes >= LEAST_PAGE_BYTES && bytes <= MOST_PAGE_BYTES && Number.isInteger(Math.log2(bytes));
}

/** Offsets (u32) at the head of a block for each page size: 256 buckets and the end. */
export const BLOCK_OFFSETS = BUCKETS + 1;

/** What a segment held, by page size. */
export interface SegmentCounts {
  pages: number[];
  zeroPages: number[];
  /** Whole pages of 4 KiB, and zero ones among them, whatever the page sizes are. */
  ledgerPages: number;
  zeroLedgerPages: number;
}

/** The fingerprints of a segment's nonzero pages by bucket: views that the next segment overwrites. */
export interface BlockView {
  /** For each page size BLOCK_OFFSETS offsets, in entries of that size. */
  offsets: Uint32Array;
  /** Entries of all page sizes, one size after the other. */
  entries: Uint8Array;
  /** Page numbers within the segment, in the order of the entries. */
  places: Uint32Array;
}

/** What decides about the bucket of a fingerprint: see assembly/seeds.ts. All who share buckets must have the same. */
export type BucketSeeds = readonly [low: bigint, high: bigint];

/** Buckets by the first byte of the canonical fingerprint. */
export const FIRST_BYTE: BucketSeeds = [0n, 1n];

export const randomBuckets = (): BucketSeeds => [randomOdd(), randomOdd()];

/** Hashes the pages of one segment after the other, at every page size in one pass. */
export class Hasher {
  /** Where the bytes to hash are read to. */
  readonly input: Uint8Array;
  /** For each 16 KiB of the input which of its KiB are there: a bit each, the lowest first. */
  readonly present: Uint16Array;
  private readonly masksAt: number;
  private readonly instance: Instance;
  private readonly inputAt: number;
  private readonly logs: { at: number; places: number; room: number }[];
  private readonly block: { offsets: number; entries: number; places: number };

  /** pageSizes in bytes, ascending powers of two from 1 KiB to 2 MiB. */
  constructor(
    module: WebAssembly.Module,
    readonly pageSizes: readonly number[],
  ) {
    const instance = new Instance(module);
    this.instance = instance;
    this.inputAt = instance.reserve(CHUNK_BYTES);
    this.masksAt = instance.reserve((CHUNK_BYTES / GROUP_BYTES) * 2);
    this.logs = pageSizes.map((bytes) => {
      const room = SEGMENT_BYTES / bytes;
      return { room, at: instance.reserve(room * ENTRY_BYTES), places: instance.reserve(room * 4) };
    });
    const room = this.logs.reduce((sum, log) => sum + log.room, 0);
    this.block = {
      offsets: instance.reserve(pageSizes.length * BLOCK_OFFSETS * 4),
      entries: instance.reserve(room * ENTRY_BYTES),
      places: instance.reserve(room * 4),
    };
    instance.exports.clearSizes();
    pageSizes.forEach((bytes, i) => {
      instance.exports.addSize(Math.log2(bytes / 1024), this.logs[i].at, this.logs[i].places);
    });
    this.input = instance.bytes(this.inputAt, CHUNK_BYTES);
    const masks = instance.bytes(this.masksAt, (CHUNK_BYTES / GROUP_BYTES) * 2);
    this.present = new Uint16Array(masks.buffer, masks.byteOffset, CHUNK_BYTES / GROUP_BYTES);
  }

  /** Decides about the buckets of all segments from now on; before, they go by the first byte. */
  chooseBuckets([low, high]: BucketSeeds): void {
    this.instance.exports.setBucketSeeds(low, high);
  }

  /** Starts a segment at an address that is a multiple of every page size. */
  begin(): void {
    this.instance.exports.beginSegment();
  }

  /** Hashes the first `bytes` (a multiple of 1 KiB) of the input as the segment's next. */
  hash(bytes: number): void {
    this.instance.exports.hash(this.inputAt, bytes / 1024);
  }

  /** Hashes what is there, as `present` says, of the whole input as the segment's next; pages that are there in part do not count. */
  hashPresent(): void {
    this.instance.exports.hashPresent(this.inputAt, CHUNK_BYTES / GROUP_BYTES, this.masksAt);
  }

  /** Passes over a whole input of which nothing is there. */
  skip(): void {
    this.instance.exports.skip(CHUNK_BYTES / GROUP_BYTES);
  }

  /** Rows of a trace that the segment still takes at a page size. */
  room(size: number): number {
    return this.logs[size].room - this.instance.exports.entriesOf(size);
  }

  /** Takes the first `count` canonical XXH3 fingerprints of the input as pages of a size. */
  appendCanonical(size: number, count: number): void {
    this.instance.exports.appendCanonical(size, this.inputAt, count);
  }

  /** Takes the first `count` 16-byte keys of the input, of whatever origin, as pages of a size that are not zero. */
  appendForeign(size: number, count: number): void {
    this.instance.exports.appendForeign(size, this.inputAt, count);
  }

  /** The entry (16 bytes) that appendForeign or appendCanonical makes of a fingerprint. */
  entryOf(fingerprint: Uint8Array, foreign: boolean): Uint8Array {
    this.input.set(fingerprint);
    this.instance.exports.entryOf(this.inputAt, foreign ? 1 : 0, this.block.entries);
    return this.instance.bytes(this.block.entries, ENTRY_BYTES).slice();
  }

  counts(): SegmentCounts {
    const { pagesOf, zeroPagesOf, ledgerPages, zeroLedgerPages } = this.instance.exports;
    return {
      pages: this.pageSizes.map((_, i) => pagesOf(i)),
      zeroPages: this.pageSizes.map((_, i) => zeroPagesOf(i)),
      ledgerPages: ledgerPages(),
      zeroLedgerPages: zeroLedgerPages(),
    };
  }

  /** The segment's entries by bucket. */
  toBlock(withPlaces: boolean): BlockView {
    const { offsets, entries, places } = this.block;
    this.instance.exports.scatter(offsets, entries, withPlaces ? places : 0);
    const count = this.pageSizes.reduce((sum, _, i) => sum + this.instance.exports.entriesOf(i), 0);
    return {
      offsets: this.instance.words(offsets, this.pageSizes.length * BLOCK_OFFSETS),
      entries: this.instance.bytes(entries, count * ENTRY_BYTES),
      places: this.instance.words(places, withPlaces ? count : 0),
    };
  }

  /** The canonical fingerprint of the zero page of a size. */
  zeroFingerprint(size: number): Uint8Array {
    this.instance.exports.zeroFingerprint(size, this.block.entries);
    return this.instance.bytes(this.block.entries, ENTRY_BYTES).slice();
  }

  /** The canonical fingerprints of the segment's nonzero pages of a size, in order, with their places. */
  toCanonical(size: number): { fingerprints: Uint8Array; places: Uint32Array } {
    const count = this.instance.exports.entriesOf(size);
    this.instance.exports.canonicalEntries(size, this.block.entries, count);
    return {
      fingerprints: this.instance.bytes(this.block.entries, count * ENTRY_BYTES),
      places: this.instance.words(this.logs[size].places, count),
    };
  }
}
