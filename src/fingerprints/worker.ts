// A worker thread: runs the jobs that the main thread sends.

import { parentPort, workerData } from "node:worker_threads";
import { PagekinError } from "../errors.js";
import { type Job, Runner, type Shared } from "./runner.js";

/** What a worker sends. */
export type Message =
  | { kind: "event"; event: import("./runner.js").Event }
  | { kind: "done"; result: unknown }
  | { kind: "failed"; error: FailedJob };

/** An error on its way between threads. */
export interface FailedJob {
  message: string;
  stack: string | undefined;
  known?: ConstructorParameters<typeof PagekinError>[1];
}

const port = parentPort;
if (!port) throw new Error("worker.js is started by pagekin only");
const send = (message: Message) => port.postMessage(message);
const runner = new Runner(workerData as Shared);

port.on("message", async (job: Job) => {
  try {
    const result = await runner.perform(job, (event) => send({ kind: "event", event }));
    send({ kind: "done", result });
  } catch (caught) {
    const error = caught as Error;
    const failed: FailedJob = { message: error.message, stack: error.stack };
    if (error instanceof PagekinError) {
      failed.known = { ...error.place, hint: error.hint, exitCode: error.exitCode };
    }
    send({ kind: "failed", error: failed });
  }
});
