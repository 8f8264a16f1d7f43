// A process that outlives the one that holds VMs or processes, and lets go what that one holds when it ends. It is told so by
// lines of JSON, each a list of what is held from now on; the end of its input is the end of the other one.

import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { quoted } from "../errors.js";
import { clockMs } from "../system/clock.js";
import type { Held } from "./guardian.js";
import { Qmp } from "./qmp.js";
import { Domain } from "./virsh.js";

type HeldVm = Exclude<Held, { pid: number }>;

/** Fulfilled when nobody can pause a domain any more. */
const LIFELINE = new Promise((resolve) => {
  new Socket({ fd: 3 })
    .on("error", () => {})
    .on("close", resolve)
    .resume();
});

/** A monitor answers nobody while its QEMU writes a dump. */
const PATIENCE_MS = 600_000;
const PAUSE_MS = 500;

async function letGo(held: Held): Promise<void> {
  if ("pid" in held) {
    process.kill(held.pid, "SIGCONT");
    return;
  }
  const end = clockMs() + PATIENCE_MS;
  if ("domain" in held) await Promise.race([LIFELINE, sleep(PATIENCE_MS)]);
  for (; ; await sleep(PAUSE_MS)) {
    try {
      return await letVmGo(held);
    } catch (error) {
      // Without its socket there is no VM any more.
      if (clockMs() > end || ("socket" in held && !existsSync(held.socket))) throw error;
    }
  }
}

async function letVmGo(held: HeldVm): Promise<void> {
  const monitor = "socket" in held ? await Qmp.connect(held.socket) : await Domain.reopen(held);
  try {
    const answer = (await monitor?.execute("query-status")) as { status?: unknown } | null | undefined;
    if (answer?.status === "paused") await monitor?.resume();
  } finally {
    monitor?.close();
  }
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
    const what =
      "pid" in one
        ? `process ${one.pid}`
        : "domain" in one
          ? `domain ${one.domain}`
          : `the VM of ${quoted(one.socket)}`;
    process.stderr.write(`pagekin: ${what} may still be stopped: ${quoted(end.reason.message)}; continue it by hand\n`);
  });
  process.exit();
}

void guard();
