// What runs in a worker thread: it takes jobs from the thread that started it (workers.ts).

import { parentPort, workerData } from "node:worker_threads";
import { packError } from "../errors.js";
import type { Message } from "./workers.js";

/** Performs jobs as they come. begin: makes what performs them, from what the worker was started with. */
export function serve<Shared, Job, Event>(
  begin: (shared: Shared) => (job: Job, emit: (event: Event) => void) => Promise<unknown>,
): void {
  const port = parentPort;
  if (!port) throw new Error("a worker's file is started by pagekin only");
  const send = (message: Message) => port.postMessage(message);
  const perform = begin(workerData as Shared);
  port.on("message", async (job: Job) => {
    try {
      const result = await perform(job, (event) => send({ kind: "event", event }));
      send({ kind: "done", result });
    } catch (caught) {
      send({ kind: "failed", error: packError(caught as Error) });
    }
  });
}
