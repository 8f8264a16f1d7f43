// The main thread and its workers: a job is run by all of them, each taking the next task until none is left.

import type { Worker } from "node:worker_threads";
import { randomBuckets } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { endWorkers, performOn, startWorkers } from "../system/workers.js";
import { Budget } from "./buckets.js";
import { randomKeySeed } from "./popular.js";
import { type Event, type Job, type Results, Runner, type Shared } from "./runner.js";

const WORKER = new URL("./worker.js", import.meta.url);

export class Crew {
  private readonly runner: Runner;
  /** The main thread's part of the last job. */
  private ownPart: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly shared: Shared,
    private readonly budget: Budget,
    private readonly workers: Worker[],
  ) {
    this.runner = new Runner(shared);
  }

  /** threads: in all, the main thread among them; bucketLimit: bytes of buckets that are kept in memory. */
  static async start(threads: number, bucketLimit: number): Promise<Crew> {
    const budget = new Budget(bucketLimit);
    const progress = new SharedArrayBuffer(8);
    const shared: Shared = {
      module: compileCore(),
      progress,
      budget: budget.shared,
      budgetLimit: bucketLimit,
      bucketSeeds: randomBuckets(),
      keySeed: randomKeySeed(),
      threads,
    };
    return new Crew(shared, budget, threads > 1 ? await startWorkers(threads - 1, WORKER, shared) : []);
  }

  get module(): WebAssembly.Module {
    return this.shared.module;
  }

  /** Bytes hashed so far by all threads. */
  get bytesDone(): number {
    return Number(Atomics.load(new BigUint64Array(this.shared.progress), 0));
  }

  /** Gives the memory of all blocks back: a new world begins. */
  clearBuckets(): void {
    this.budget.clear();
  }

  /** Runs a job on all threads; `own` are tasks that only the main thread can do. The first error ends the job. */
  async run<K extends Job["kind"]>(
    kind: K,
    work: Omit<Extract<Job, { kind: K }>, "kind" | "next">,
    emit: (event: Event) => void = () => {},
    own: Job["tasks"] = [],
  ): Promise<Results[K][]> {
    const job = { ...work, kind, next: new SharedArrayBuffer(4) } as unknown as Job;
    const others = this.workers.map((worker) => performOn(worker, job, emit));
    const mine = this.runner.perform(job, emit, own);
    this.ownPart = mine.catch(() => {});
    const all = [mine, ...others];
    try {
      return (await Promise.all(all)) as Results[K][];
    } catch (error) {
      Atomics.store(new Uint32Array(job.next), 0, job.tasks.length);
      this.runner.stop();
      throw error;
    }
  }

  /** Ends the workers, and closes the temporary files. A process that ends need not wait for it. */
  async close(): Promise<void> {
    this.runner.stop();
    await Promise.all([endWorkers(this.workers), this.ownPart]);
    this.runner.close();
  }
}
