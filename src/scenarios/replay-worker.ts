// A worker thread: does the runs that the main thread sends.

import { parentPort, workerData } from "node:worker_threads";
import { type PackedError, packError } from "../errors.js";
import { performRun, type RunJob, type RunResult, type RunsShared } from "./perform.js";

/** What a worker sends, one for each run. */
export type RunMessage = { kind: "done"; result: RunResult } | { kind: "failed"; error: PackedError };

const port = parentPort;
if (!port) throw new Error("replay-worker.js is started by pagekin only");
const send = (message: RunMessage) => port.postMessage(message);

port.on("message", async (job: RunJob) => {
  try {
    send({ kind: "done", result: await performRun(workerData as RunsShared, job) });
  } catch (error) {
    send({ kind: "failed", error: packError(error as Error) });
  }
});
