// Starting worker threads and giving them jobs, one at a time each. worker-side.ts is what runs in them.

import type { Worker } from "node:worker_threads";
import { type PackedError, unpackError, workerEnded } from "../errors.js";
import { currentSignal } from "./abort.js";

/** What a worker sends: events while it works, then how the job ended. */
export type Message =
  | { kind: "event"; event: unknown }
  | { kind: "done"; result: unknown }
  | { kind: "failed"; error: PackedError };

/** Starts threads that run a file, which calls `serve`. shared: what it gets to begin with. */
export async function startWorkers(count: number, file: URL, shared: unknown): Promise<Worker[]> {
  const threads = await import("node:worker_threads");
  return Array.from({ length: count }, () => {
    // Node's own options are for the host's script; a worker does not even start with some of them (--input-type).
    const worker = new threads.Worker(file, { workerData: shared, env: threads.SHARE_ENV, execArgv: [] });
    // An error is seen where a job waits; this keeps one that comes in between from being thrown.
    worker.on("error", () => {});
    return worker;
  });
}

/**
 * Has a worker do a job. An error in the job is thrown here; so is one that says that the worker has ended early, and the
 * reason of a call that is aborted, while the worker still has the job.
 */
export function performOn<Result, Event = never>(
  worker: Worker,
  job: unknown,
  onEvent: (event: Event) => void = () => {},
): Promise<Result> {
  const signal = currentSignal();
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      worker.off("message", received).off("error", ended).off("exit", ended);
      signal?.removeEventListener("abort", aborted);
      then();
    };
    const ended = (error?: unknown) => settle(() => reject(workerEnded(error)));
    const aborted = () => settle(() => reject(signal?.reason));
    const received = (message: Message) => {
      if (message.kind === "event") onEvent(message.event as Event);
      else if (message.kind === "done") settle(() => resolve(message.result as Result));
      else settle(() => reject(unpackError(message.error)));
    };
    // A worker that has ended has no thread any more, and will send nothing.
    if (worker.threadId < 0) return ended();
    if (signal?.aborted) return aborted();
    signal?.addEventListener("abort", aborted);
    worker.on("message", received).on("error", ended).on("exit", ended);
    worker.postMessage(job);
  });
}

/** Ends workers, whatever they do. What they had open is closed when that is done. */
export async function endWorkers(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.terminate()));
}
