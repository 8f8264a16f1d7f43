// What is measured beside a VM's dump, as usage.csv of a replay has it: what the guest uses, what its process has of the
// host's memory, how full the host is.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { clockMs } from "../system/clock.js";
import type { Monitor } from "./monitor.js";
import { ask, askGuestStats } from "./qmp-answers.js";

/** Seconds between the guest's answers. */
const POLL_S = 1;
/** A guest with a driver answers within this. */
const FIRST_ANSWER_MS = 2500;
const INTERVAL = "guest-stats-polling-interval";
/** All ones is how the device says that it does not know a value. */
const UNKNOWN = 2 ** 63;

/** How much of the host's memory is used, from 0 to 1. */
export function hostUsage(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)?.[1]);
  return (kib("MemTotal") - kib("MemAvailable")) / kib("MemTotal");
}

/**
 * Bytes of a process that are in memory; the kernel counts those in reserved huge pages (hugetlbfs) apart. undefined where
 * there is no such process any more.
 */
export function residentBytesOf(pid: number): number | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
  const counts = [...status.matchAll(/^(?:VmRSS|HugetlbPages):\s+(\d+) kB/gm)];
  return counts.reduce((sum, [, kib]) => sum + 1024 * Number(kib), 0);
}

/** The balloon of a VM, which its guest tells how much memory it uses. */
export class Balloon {
  private earlierInterval: unknown;

  private constructor(
    private readonly qmp: Monitor,
    private readonly device: string,
  ) {}

  /** The balloon, if there is one; makes it ask its guest, if it does not yet. */
  static async find(qmp: Monitor): Promise<Balloon | undefined> {
    for (const folder of ["/machine/peripheral", "/machine/peripheral-anon"]) {
      const children = await ask(qmp, "qom-list", { path: folder });
      const found = children.find(({ type }) => /^child<virtio-balloon/.test(type));
      if (found) return new Balloon(qmp, `${folder}/${found.name}`);
    }
    return undefined;
  }

  /** Asks the guest every second from now on, and waits for its first answer. */
  async ask(): Promise<void> {
    const interval = await this.qmp.execute("qom-get", { path: this.device, property: INTERVAL });
    if (Number(interval) > 0) return;
    this.earlierInterval = interval;
    await this.setInterval(POLL_S);
    for (const end = clockMs() + FIRST_ANSWER_MS; clockMs() < end; await sleep(100))
      if ((await this.stats())["last-update"] > 0) return;
  }

  /** Leaves it as it was. */
  async restore(): Promise<void> {
    if (this.earlierInterval !== undefined) await this.setInterval(this.earlierInterval);
  }

  private async setInterval(value: unknown): Promise<void> {
    await this.qmp.execute("qom-set", { path: this.device, property: INTERVAL, value });
  }

  /** Bytes that the guest uses, what it caches among them; undefined where it does not tell. */
  async usedBytes(): Promise<number | undefined> {
    const { stats, "last-update": when } = await this.stats();
    const [total, free] = [stats["stat-total-memory"], stats["stat-free-memory"]];
    const isKnown = (value: number | undefined) => value !== undefined && value < UNKNOWN;
    return when > 0 && isKnown(total) && isKnown(free) ? total - free : undefined;
  }

  /** Bytes that are the guest's: all its memory less the balloon. */
  async memoryBytes(): Promise<number> {
    return (await ask(this.qmp, "query-balloon")).actual;
  }

  private stats() {
    return askGuestStats(this.qmp, this.device);
  }
}
