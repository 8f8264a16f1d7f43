// Where fingerprints wait between hashing and indexing: blocks of entries by bucket, one for each segment, in memory up to
// a bound that all threads share, beyond it in a temporary file of each thread.

import { closeSync } from "node:fs";
import { BLOCK_OFFSETS, type BlockView } from "../core/hasher.js";
import { ENTRY_BYTES } from "../core/module.js";
import { openTemporary, writeTemporary } from "../system/temporary.js";
import { readFully } from "../system/transfer.js";

const SLAB_BYTES = 16 * 1024 * 1024;
const BUDGET_UNIT = 1024;

/** A segment's fingerprints. It can be sent to another thread, which reads the same memory or file. */
export interface Block {
  /** Number of the source in its world, and of the segment in the source. */
  source: number;
  segment: number;
  /** For each page size BLOCK_OFFSETS offsets, in entries. */
  offsets: Uint32Array;
  /** The entries of all sizes, and behind them the places if they are kept; in memory or in a file. */
  memory?: { buffer: ArrayBufferLike; at: number };
  file?: { fd: number; at: number };
  /** Bytes of all entries. */
  entryBytes: number;
}

/** Bytes that buckets may still take in memory, shared by all threads. */
export class Budget {
  private readonly used: Int32Array;

  /** limit: bytes; shared: the counter, to attach to a budget made elsewhere. */
  constructor(
    readonly limit: number,
    readonly shared: SharedArrayBuffer = new SharedArrayBuffer(4),
  ) {
    this.used = new Int32Array(shared);
  }

  take(bytes: number): boolean {
    const units = Math.ceil(bytes / BUDGET_UNIT);
    const used = Atomics.add(this.used, 0, units) + units;
    if (used <= this.limit / BUDGET_UNIT) return true;
    Atomics.sub(this.used, 0, units);
    return false;
  }

  clear(): void {
    Atomics.store(this.used, 0, 0);
  }
}

/** Keeps the blocks of one world at a time for one thread. */
export class BlockStore {
  private readonly slabs: ArrayBufferLike[] = [];
  private slab = 0;
  private usedOfSlab = 0;
  private spillFile: number | undefined;
  private spilled = 0;

  /** alone: no other thread will read the blocks; copies to and from memory that is not shared are quicker. */
  constructor(
    private readonly budget: Budget,
    private readonly alone: boolean,
  ) {}

  private allocate(bytes: number): ArrayBufferLike {
    return this.alone ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
  }

  /** Forgets all blocks; their memory and file are used again. */
  clear(): void {
    this.slab = 0;
    this.usedOfSlab = 0;
    this.spilled = 0;
  }

  /** Gives the temporary file back. */
  close(): void {
    if (this.spillFile !== undefined) closeSync(this.spillFile);
    this.spillFile = undefined;
  }

  keep(source: number, segment: number, view: BlockView): Block {
    const index = this.place(view.offsets.byteLength);
    const offsets = new Uint32Array(index.buffer, index.at, view.offsets.length);
    offsets.set(view.offsets);
    const places = new Uint8Array(view.places.buffer, view.places.byteOffset, view.places.byteLength);
    const bytes = view.entries.length + places.length;
    const block: Block = { source, segment, offsets, entryBytes: view.entries.length };
    if (this.budget.take(bytes)) {
      const memory = this.place(bytes);
      const target = new Uint8Array(memory.buffer, memory.at, bytes);
      target.set(view.entries);
      target.set(places, view.entries.length);
      return { ...block, memory };
    }
    this.spillFile ??= openTemporary();
    const file = { fd: this.spillFile, at: this.spilled };
    const instead = ", or raise --max-memory";
    writeTemporary(file.fd, view.entries, file.at, instead);
    writeTemporary(file.fd, places, file.at + view.entries.length, instead);
    this.spilled += bytes;
    return { ...block, file };
  }

  private place(bytes: number): { buffer: ArrayBufferLike; at: number } {
    while (this.slab < this.slabs.length && this.usedOfSlab + bytes > this.slabs[this.slab].byteLength) {
      this.slab++;
      this.usedOfSlab = 0;
    }
    if (this.slab === this.slabs.length) this.slabs.push(this.allocate(Math.max(SLAB_BYTES, bytes)));
    const at = this.usedOfSlab;
    this.usedOfSlab += bytes;
    return { buffer: this.slabs[this.slab], at };
  }
}

/** Number of the first entry (within its page size) that lies in a bucket or behind it; BUCKETS gives the number of all. */
export function entryAt({ offsets }: Block, size: number, bucket: number): number {
  return offsets[size * BLOCK_OFFSETS + bucket];
}

/** Copies the entries first..last of a page size (numbered within that size) to target. */
export function copyEntries(block: Block, size: number, first: number, last: number, target: Uint8Array): void {
  copyBytes(block, (entriesBefore(block, size) + first) * ENTRY_BYTES, (last - first) * ENTRY_BYTES, target);
}

/** Copies the places of the same entries. */
export function copyPlaces(block: Block, size: number, first: number, last: number, target: Uint32Array): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  copyBytes(block, block.entryBytes + (entriesBefore(block, size) + first) * 4, (last - first) * 4, bytes);
}

function entriesBefore({ offsets }: Block, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += offsets[(i + 1) * BLOCK_OFFSETS - 1];
  return sum;
}

function copyBytes(block: Block, at: number, bytes: number, target: Uint8Array): void {
  if (block.memory) {
    target.set(new Uint8Array(block.memory.buffer, block.memory.at + at, bytes));
  } else if (block.file) {
    if (readFully(block.file.fd, target.subarray(0, bytes), block.file.at + at) < bytes)
      throw new Error("a temporary file is shorter than what was written to it");
  }
}
