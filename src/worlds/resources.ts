// What a run may use: threads and memory, as asked for or by the machine and the amount of data.

import { hasPackedPages } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
import { isTrace, type Source } from "../sources/source.js";
import { addressSpaceLeft, usableMemory, usableProcessors } from "../system/machine.js";
import type { Packing } from "../unpack/compression.js";
import type { World } from "./world.js";

const MIB = 1024 * 1024;
const MOST_WORKERS = 1024;
/** Of address space, where that is limited: its stack, heap, code and wasm memories. */
const ADDRESSES_PER_THREAD = 512 * MIB;
/** A thread costs more than it brings below so many bytes of dumps for each. */
const BYTES_PER_WORKER = 256 * MIB;
/** A compressed byte holds several, and getting at them takes longer than hashing them. */
const PACKED_WEIGHT: Record<Packing, number> = {
  gzip: 8,
  zstd: 8,
  lz4: 8,
  lzop: 8,
  xz: 64,
  tar: 1,
  bzip2: 64,
};
/** Of dumps whose pages are compressed one by one, and of traces, whose bytes stand for many. */
const DENSE_WEIGHT = 8;
/** Tables of all threads together may take this part of the memory, buckets the rest. */
const TABLE_PART = 1 / 4;
const MOST_TABLE_BYTES = 512 * MIB;

export interface Resources {
  workers: number;
  /** Bytes of index and buckets. */
  memory: number;
  /** Bytes of buckets in memory, of all threads. */
  bucketLimit: number;
  /** Bytes of one thread's table. */
  tableLimit: number;
}

/** workers: threads, the main one among them; maxMemory: bytes of index and buckets. */
export function planResources(
  { workers, maxMemory }: { workers?: number | undefined; maxMemory?: number | undefined },
  worlds: readonly World[],
): Resources {
  const memory = maxMemory ?? Math.max(MIB, Math.floor(Math.min(usableMemory(), addressSpaceLeft() ?? Infinity) / 2));
  if (!(memory >= MIB)) throw new PagekinError("--max-memory is too small", { hint: "give 1m or more" });
  const threads = planThreads(workers, defaultWorkers(worlds));
  const tableLimit = Math.floor(Math.min((memory * TABLE_PART) / threads, MOST_TABLE_BYTES));
  return { workers: threads, memory, bucketLimit: memory - threads * tableLimit, tableLimit };
}

function defaultWorkers(worlds: readonly World[]): number {
  const snapshots = worlds.flatMap((world) => world.snapshots);
  const bytes = snapshots.reduce((sum, { source }) => sum + source.bytes * weightOf(source), 0);
  return Math.max(1, Math.min(usableProcessors(), Math.floor(bytes / BYTES_PER_WORKER)));
}

/** Threads: as many as were asked for, or those wanted that there is room for. A thread without room would end the process. */
export function planThreads(asked: number | undefined, wanted: number): number {
  if (asked !== undefined && !(Number.isInteger(asked) && asked >= 1 && asked <= MOST_WORKERS)) {
    throw new PagekinError("invalid --workers", { hint: `give a number from 1 to ${MOST_WORKERS}` });
  }
  const left = addressSpaceLeft();
  const most = left === undefined ? Infinity : 1 + Math.floor(left / ADDRESSES_PER_THREAD);
  if (asked === undefined) return Math.min(wanted, most);
  if (asked <= most) return asked;
  // What is left differs a little from start to start; advice must hold the next time.
  throw new PagekinError(`the address space has no room for ${asked} threads`, {
    hint: `give --workers ${Math.max(1, most - 1)}, or raise its limit (ulimit -v)`,
  });
}

/** How much more there is to do for a byte of a source than for one of a raw dump. */
function weightOf(source: Source): number {
  const dense = isTrace(source) || hasPackedPages(source.format) ? DENSE_WEIGHT : 1;
  return Math.max(dense, ...source.packing.map((packing) => PACKED_WEIGHT[packing]));
}
