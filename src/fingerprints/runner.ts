// What one thread does: the same code on the main thread and on workers.

import { type BucketSeeds, FIRST_BYTE, Hasher } from "../core/hasher.js";
import { Indexer, type Repeats, type VectorChunk } from "../core/indexer.js";
import { BUCKETS } from "../core/module.js";
import type { Memory } from "../dumps/memory.js";
import type { TraceKey } from "../traces/key.js";
import { type Block, BlockStore, Budget } from "./buckets.js";
import { type IndexTask, indexTasks } from "./content-index.js";
import { type HashResult, type HashTask, hashTasks } from "./hash.js";
import { type Mismatch, PageComparer } from "./verify.js";
import { type TraceTask, type WrittenDump, writeTraces } from "./write-traces.js";

/** Memory and module that all threads share. */
export interface Shared {
  module: WebAssembly.Module;
  /** Bytes done so far (u64). */
  progress: SharedArrayBuffer;
  budget: SharedArrayBuffer;
  budgetLimit: number;
  /** Of buckets that all are indexed. */
  bucketSeeds: BucketSeeds;
  /** Of keys, for which all threads have the same. */
  keySeed: number;
  /** Threads in all. */
  threads: number;
}

interface JobBase<Kind, Task> {
  kind: Kind;
  tasks: Task[];
  /** Number of the next task (u32), counted by all threads. */
  next: SharedArrayBuffer;
}

export type HashJob = JobBase<"hash", HashTask> & { pageSizes: number[]; withPlaces: boolean; sampled: number };

export type IndexJob = JobBase<"index", IndexTask> & {
  /** Number of the page size, and its bytes. */
  size: number;
  pageBytes: number;
  members: number;
  blocks: Block[];
  zeroKeys: Uint8Array;
  tableLimit: number;
  /** With --verify: by snapshot what can be read again. */
  verify: Memory[] | undefined;
};

export type TraceJob = JobBase<"traces", TraceTask> & {
  pageSizes: number[];
  key: TraceKey | undefined;
  version: string;
};

export type Job = HashJob | IndexJob | TraceJob;

/** What a job tells while it runs. */
export type Event =
  | { kind: "vectors"; chunk: VectorChunk }
  | { kind: "zeros"; source: number; pages: number }
  | { kind: "mismatch"; mismatch: Mismatch };

export interface Results {
  hash: HashResult;
  index: void;
  traces: WrittenDump[];
}

export class Runner {
  private readonly store: BlockStore;
  private readonly progress: BigUint64Array;
  private hasher: Hasher | undefined;
  private indexer: { for: string; indexer: Indexer } | undefined;
  private stopped = false;

  constructor(private readonly shared: Shared) {
    this.store = new BlockStore(new Budget(shared.budgetLimit, shared.budget), shared.threads === 1);
    this.progress = new BigUint64Array(shared.progress);
  }

  /** Runs a job's tasks as long as there are some; `own` are tasks that only this thread can do, and come first. */
  perform(job: Job, emit: (event: Event) => void, own: Job["tasks"] = []): Promise<Results[Job["kind"]]> {
    const counter = new Uint32Array(job.next);
    const mine = [...own];
    const next = () => (this.stopped ? undefined : (mine.shift() ?? job.tasks[Atomics.add(counter, 0, 1)]));
    if (job.kind === "hash") return this.hash(job, next as () => HashTask | undefined);
    if (job.kind === "index") return this.index(job, next as () => IndexTask | undefined, emit);
    const hasher = this.hasherFor(job.pageSizes);
    return writeTraces(next as () => TraceTask | undefined, { ...job, hasher, onBytes: this.onBytes });
  }

  /** The job has failed elsewhere: no further task is begun, and what reads bytes ends at the next ones. */
  stop(): void {
    this.stopped = true;
  }

  /** Closes the temporary file. */
  close(): void {
    this.store.close();
  }

  private readonly onBytes = (bytes: number): void => {
    if (this.stopped) throw new Error("the job was stopped");
    Atomics.add(this.progress, 0, BigInt(Math.round(bytes)));
  };

  private hasherFor(pageSizes: number[]): Hasher {
    this.hasher ??= new Hasher(this.shared.module, pageSizes);
    return this.hasher;
  }

  private hash({ pageSizes, withPlaces, sampled }: HashJob, next: () => HashTask | undefined): Promise<HashResult> {
    this.store.clear();
    const { store, onBytes } = this;
    const { bucketSeeds, keySeed } = this.shared;
    const hasher = this.hasherFor(pageSizes);
    // The same in every run: what is in a sample, and which of several mismatches is found first.
    hasher.chooseBuckets(sampled < BUCKETS || withPlaces ? FIRST_BYTE : bucketSeeds);
    return hashTasks(next, { hasher, store, withPlaces, sampled, keySeed, onBytes });
  }

  private indexerFor({ members, tableLimit }: IndexJob): Indexer {
    const key = `${members} ${tableLimit}`;
    if (this.indexer?.for !== key) {
      this.indexer = { for: key, indexer: new Indexer(this.shared.module, members, tableLimit) };
    }
    return this.indexer.indexer;
  }

  private async index(job: IndexJob, next: () => IndexTask | undefined, emit: (event: Event) => void): Promise<void> {
    const { size, pageBytes, blocks, zeroKeys, verify } = job;
    const indexer = this.indexerFor(job);
    indexer.onVectors = (chunk) => emit({ kind: "vectors", chunk });
    const onZeros = (source: number, pages: number) => emit({ kind: "zeros", source, pages });
    const comparer = verify && new PageComparer(this.shared.module, verify, blocks, pageBytes);
    const onRepeats =
      comparer &&
      (async (repeats: Repeats) => {
        const mismatch = await comparer.compare(repeats);
        if (mismatch) emit({ kind: "mismatch", mismatch });
      });
    try {
      await indexTasks(next, { size, indexer, blocks, zeroKeys, onZeros, onRepeats });
    } finally {
      comparer?.close();
    }
  }
}
