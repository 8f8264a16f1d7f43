// A worker thread: runs the jobs that the main thread sends.

import { parentPort, workerData } from "node:worker_threads";
import { type PackedError, packError } from "../errors.js";
import { type Job, Runner, type Shared } from "./runner.js";

/** What a worker sends. */
export type Message =
  | { kind: "event"; event: import("./runner.js").Event }
  | { kind: "done"; result: unknown }
  | { kind: "failed"; error: PackedError };

const port = parentPort;
if (!port) throw new Error("worker.js is started by pagekin only");
const send = (message: Message) => port.postMessage(message);
const runner = new Runner(workerData as Shared);

port.on("message", async (job: Job) => {
  try {
    const result = await runner.perform(job, (event) => send({ kind: "event", event }));
    send({ kind: "done", result });
  } catch (caught) {
    send({ kind: "failed", error: packError(caught as Error) });
  }
});
