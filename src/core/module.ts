import { readFileSync } from "node:fs";
import { LESS_MEMORY, PagekinError } from "../errors.js";

/** What the wasm core exports; see assembly/. Addresses and counts are numbers, u64 are bigints. */
interface CoreExports {
  heapStart(): number;
  clearSizes(): void;
  addSize(shift: number, log: number, places: number): void;
  beginSegment(): void;
  hash(src: number, kibs: number): void;
  hashPresent(src: number, groups: number, masks: number): void;
  skip(groups: number): void;
  appendCanonical(size: number, src: number, count: number): void;
  appendForeign(size: number, src: number, count: number): void;
  entryOf(src: number, foreign: number, dst: number): void;
  zeroFingerprint(size: number, dst: number): void;
  canonicalEntries(size: number, dst: number, count: number): void;
  entriesOf(size: number): number;
  pagesOf(size: number): number;
  zeroPagesOf(size: number): number;
  ledgerPages(): number;
  zeroLedgerPages(): number;
  scatter(dst: number, entries: number, places: number): void;
  setTable(
    slots: number,
    slotCount: number,
    nodes: number,
    nodeLimit: number,
    multiples: number,
    firsts: number,
    singles: number,
    members: number,
  ): void;
  setSeeds(low: bigint, high: bigint, lowPart: bigint, highPart: bigint): void;
  setBucketSeeds(low: bigint, high: bigint): void;
  resetTable(bits: number, part: number): void;
  insertZeros(src: number, count: number): void;
  insert(src: number, count: number, member: number): number;
  insertTracked(src: number, places: number, count: number, member: number, segment: number, out: number): number;
  zerosMet(): number;
  repeatsMet(): number;
  collect(from: number, scratch: number): number;
  multiplesMet(): number;
  resetVectors(
    singles: number,
    members: number,
    table: number,
    tableCount: number,
    records: number,
    recordsTo: number,
  ): void;
  recordBytes(): number;
  mergeVectors(src: number, bytes: number): number;
  mergeSingles(src: number, from: number, members: number): number;
  growVectors(table: number, tableCount: number, records: number, recordsTo: number): void;
  isTableFull(): number;
  vectorCount(): number;
  beginSort(order: number, scratch: number): void;
  sortSome(steps: number): number;
  writeVectors(
    order: number,
    count: number,
    entryRoom: number,
    holders: number,
    contents: number,
    members: number,
    copies: number,
  ): number;
  resetPairs(own: number, counts: number, members: number): void;
  addVectors(vectors: number, holders: number, contents: number, members: number, copies: number, sums: number): void;
  leastOfLargest(most: bigint, bins: number): bigint;
  countAbove(): bigint;
  writePairs(least: bigint, places: bigint, out: number): number;
  layScanner(pages: number, pageNodes: number, frames: number, frameNodes: number, turns: number, groups: number): void;
  setRules(
    checksumFirst: number,
    ancient: number,
    maxSharing: number,
    zeroPages: number,
    smart: number,
    pruneMs: number,
  ): void;
  startGroup(group: number, head: number): void;
  enterMember(member: number, first: number, last: number, group: number): void;
  exitMember(member: number): void;
  unmergeMember(member: number): void;
  writePage(page: number, content: number, group: number): void;
  dropPage(page: number, group: number): void;
  shareOf(member: number): number;
  isGone(member: number): number;
  isEmpty(group: number): number;
  scanBatch(group: number, most: number, milliseconds: number): number;
  isEqual(a: number, b: number, bytes: number): number;
}

/** Bytes of one entry of a log or bucket: a fingerprint, low word first, little-endian. */
export const ENTRY_BYTES = 16;
/** Buckets of a page size. */
export const BUCKETS = 256;

/** Compiles the core; a module may be handed to worker threads. */
export function compileCore(): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(new URL("./core.wasm", import.meta.url)));
}

/** An odd number of 64 bits that nobody can foretell. */
export function randomOdd(): bigint {
  const word = () => BigInt(Math.floor(Math.random() * 2 ** 32));
  return (word() << 32n) | word() | 1n;
}

const WASM_PAGE = 65536;
const MOST_BYTES = 65536 * WASM_PAGE;

/** One instance of the core with a memory of its own; what lies where in it is the business of its user. */
export class Instance {
  readonly exports: CoreExports;
  private readonly memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  private end: number;

  constructor(module: WebAssembly.Module) {
    const abort = () => {
      throw new Error("the core was aborted");
    };
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory, abort } });
    this.exports = instance.exports as unknown as CoreExports;
    this.end = this.exports.heapStart();
    this.exports.setSeeds(randomOdd(), randomOdd(), randomOdd(), randomOdd());
  }

  /** Reserves bytes at the end of the memory, aligned to 64. Views made before may be detached by it. */
  reserve(bytes: number): number {
    const start = Math.ceil(this.end / 64) * 64;
    this.end = start + bytes;
    const missing = this.end - this.memory.buffer.byteLength;
    try {
      if (missing > 0) this.memory.grow(Math.ceil(missing / WASM_PAGE));
    } catch {
      throw new PagekinError(`the core would need ${this.end} bytes, more than it can have`, {
        hint:
          this.end > MOST_BYTES
            ? "analyze fewer members at a time (each pair takes 8 bytes, each copy vector 24 and 8 for each holder)"
            : LESS_MEMORY,
      });
    }
    return start;
  }

  /** Gives back what was reserved from `start` on. */
  release(start: number): void {
    this.end = start;
  }

  bytes(start: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, start, length);
  }

  words(start: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, start, length);
  }

  /** Copies bytes that may overlap. */
  move(from: number, to: number, length: number): void {
    new Uint8Array(this.memory.buffer).copyWithin(to, from, from + length);
  }

  doubles(start: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, start, length);
  }
}
