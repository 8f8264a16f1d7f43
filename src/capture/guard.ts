// A process that outlives the one that holds VMs or processes, and lets go what that one holds when it ends. It is told so by
// lines of JSON, each a list of what is held from now on; the end of its input is the end of the other one.

import { createInterface } from "node:readline";
import type { Held } from "./guardian.js";
import { Qmp } from "./qmp.js";

async function letGo(held: Held): Promise<void> {
  if ("pid" in held) {
    process.kill(held.pid, "SIGCONT");
    return;
  }
  const qmp = await Qmp.connect(held.socket);
  const { status } = (await qmp.execute("query-status")) as { status: string };
  if (status === "paused") await qmp.execute("cont");
  qmp.close();
}

async function guard(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  let held: Held[] = [];
  process.stdout.on("error", () => {});
  process.stdout.write("ready\n");
  for await (const line of createInterface({ input: process.stdin })) {
    held = JSON.parse(line);
    process.stdout.write("known\n");
  }
  const ends = await Promise.allSettled(held.map(letGo));
  ends.forEach((end, i) => {
    if (end.status === "fulfilled") return;
    const one = held[i];
    const what = "pid" in one ? `process ${one.pid}` : `the VM of ${one.socket}`;
    process.stderr.write(`pagekin: ${what} may still be stopped: ${end.reason.message}; continue it by hand\n`);
  });
  process.exit();
}

void guard();
