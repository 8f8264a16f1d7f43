// Several runs at once: each thread takes the next until none is left.

import type { Worker } from "node:worker_threads";
import { unpackError, workerEnded } from "../errors.js";
import { performRun, type RunJob, type RunResult, type RunsShared } from "./perform.js";
import type { RunMessage } from "./replay-worker.js";

/** Results in the order of the jobs. A single thread is the main one. */
export async function performRuns(shared: RunsShared, jobs: readonly RunJob[], threads: number): Promise<RunResult[]> {
  const results: RunResult[] = [];
  let next = 0;
  const work = async (perform: (job: RunJob) => Promise<RunResult>) => {
    while (next < jobs.length) {
      const number = next++;
      results[number] = await perform(jobs[number]);
    }
  };
  if (threads === 1) {
    await work((job) => performRun(shared, job));
    return results;
  }
  const workers = await startWorkers(threads, shared);
  try {
    await Promise.all(workers.map((worker) => work((job) => performOn(worker, job))));
    return results;
  } finally {
    for (const worker of workers) void worker.terminate();
  }
}

async function startWorkers(count: number, shared: RunsShared): Promise<Worker[]> {
  const threads = await import("node:worker_threads");
  return Array.from({ length: count }, () => {
    const worker = new threads.Worker(new URL("./replay-worker.js", import.meta.url), { workerData: shared });
    // An error is seen where a run waits; this keeps one that comes in between from being thrown.
    worker.on("error", () => {});
    return worker;
  });
}

function performOn(worker: Worker, job: RunJob): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      worker.off("message", received).off("error", ended).off("exit", ended);
      then();
    };
    const ended = (error?: unknown) => settle(() => reject(workerEnded(error)));
    const received = (message: RunMessage) =>
      settle(() => (message.kind === "done" ? resolve(message.result) : reject(unpackError(message.error))));
    if (worker.threadId < 0) return ended();
    worker.on("message", received).on("error", ended).on("exit", ended);
    worker.postMessage(job);
  });
}
