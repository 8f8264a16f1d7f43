// ksmtuned and reclaim-rate: their decisions, recomputed from the counters and from the rules that they follow.

import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { decision, fromMs, PAGE, type Pages, type Replayed, reclaimed, replay, sampleOf } from "../support/replayed.js";

const KIB = 1024;
const MIB = 1024 * KIB;

const range = (from: number, count: number): Pages => Array.from({ length: count }, (_, i) => from + i);

/** What the script knows of a host, in KiB. */
interface HostKib {
  total: number;
  committed: number;
  /** By the time of a decision, in seconds. */
  free(timeS: number): number;
}

interface Ksmtuned {
  groups: string[];
  pagesToScan: number;
  sleep: number;
  times: number[];
  monitor?: { boost?: number; decay?: number; min?: number; max?: number; sleep?: number; coef?: number; kib?: number };
}

/** The script ksmtuned, in its own units and order: KiB, and the writes to run, pages_to_scan and sleep_millisecs. */
function ksmtuned(host: HostKib, { groups, pagesToScan, sleep: asleep, times, monitor = {} }: Ksmtuned): string[] {
  const { boost = 300, decay = 50, min = 64, max = 1250, sleep = 10, coef = 20, kib = 2048 } = monitor;
  const decisions: string[] = [];
  const now = { run: 1, sleep: asleep, pages: new Map(groups.map((group) => [group, pagesToScan])) };
  const usual = Math.max(10, Math.floor((sleep * 16 * 1024 * 1024) / host.total));
  const threshold = Math.max(Math.floor((host.total * coef) / 100), kib);
  let npages = 0;
  const start = (timeS: number, run: number) => {
    if (now.run !== run) decisions.push(decision(timeS, "scanner", "run", now.run, run));
    now.run = run;
  };
  for (const timeS of times) {
    const free = host.free(timeS);
    if (host.committed + threshold < host.total && free > threshold) {
      start(timeS, 0);
      continue;
    }
    npages = Math.min(max, Math.max(min, npages + (free < threshold ? boost : -decay)));
    if (now.sleep !== usual) decisions.push(decision(timeS, "scanner", "sleep_millisecs", now.sleep, usual));
    now.sleep = usual;
    for (const [group, from] of now.pages) {
      if (from !== npages) decisions.push(decision(timeS, group, "pages_to_scan", from, npages));
      now.pages.set(group, npages);
    }
    start(timeS, 1);
  }
  return decisions;
}

/** Bytes of the host that are used just before a time: nothing happens between the sample before and a decision. */
function usedBefore(replayed: Replayed, timeS: number, stepMs: number): number {
  const before = String(fromMs(Math.round(timeS * 1000) - stepMs));
  const row = replayed.rows("host").find(({ time_s }) => time_s === before);
  return Number(row?.used_bytes);
}

describe("ksmtuned", () => {
  const minutes = (count: number) => Array.from({ length: count }, (_, i) => 60 * (i + 1));
  /** Half of all pages are equal; so far, none is merged. */
  const SOURCES = { "a@0": range(1, 400), "b@0": range(1, 400), "c@0": range(1001, 200) };

  test("a host that is always short of memory: faster up to the most", async ({ folder }) => {
    // 1000 pages are 4000 KiB; of 5000 KiB, 2048 are to be free.
    const scenario = {
      until: "420s",
      sample: "30s",
      host: { memory: 5000 * KIB, other: 1500 * KIB },
      controller: "ksmtuned",
      scanner: { pages_to_scan: 100, sleep_millisecs: 20 },
    };
    const replayed = await replay(folder, { sources: SOURCES, scenario });
    const host = {
      total: 5000,
      committed: 4000,
      free: (timeS: number) => 5000 - usedBefore(replayed, timeS, 30_000) / KIB,
    };
    const expected = ksmtuned(host, { groups: ["all"], pagesToScan: 100, sleep: 20, times: minutes(7) });
    expect(replayed.decisions()).toEqual(expected);
    const fixed = [
      "60 scanner sleep_millisecs 20 33554",
      "60 all pages_to_scan 100 300",
      "300 all pages_to_scan 1200 1250",
    ];
    expect(replayed.decisions()).toEqual(expect.arrayContaining(fixed));
  });

  test("a host whose members do not all fit, with free memory: slower down to the least, each group", async ({
    folder,
  }) => {
    const scenario = {
      policy: "per-member",
      until: "200s",
      sample: "30s",
      host: { memory: "512m" },
      // Promised: 480 MiB of 512, of which 20 % are to be free.
      members: { a: { memory: "200m" }, b: { memory: "200m" }, c: { memory: "80m" } },
      controller: { kind: "ksmtuned", decay: 70, boost: 1000, scan_min: 90, sleep_millisecs: 1 },
      scanner: { pages_to_scan: 500 },
    };
    const replayed = await replay(folder, { sources: SOURCES, scenario });
    const host = { total: 512 * 1024, committed: 480 * 1024, free: () => 500 * 1024 };
    const how = { groups: ["a", "b", "c"], pagesToScan: 500, sleep: 20, times: minutes(3) };
    const expected = ksmtuned(host, { ...how, monitor: { decay: 70, boost: 1000, min: 90, sleep: 1 } });
    expect(replayed.decisions()).toEqual(expected);
    expect(expected).toContain("60 b pages_to_scan 500 90");
    expect(expected).toContain("60 scanner sleep_millisecs 20 32");
  });

  test("stops where all fits, starts again when a member comes, and goes on from the pages that it had", async ({
    folder,
  }) => {
    const scenario = {
      until: "660s",
      sample: "10s",
      host: { memory: 8 * MIB, other: 2 * MIB },
      controller: { kind: "ksmtuned", every: "60s" },
      scanner: { threads: "one", pages_to_scan: 700, sleep_millisecs: 100 },
      events: "events.csv",
    };
    // d and e hold 4.7 MiB: too much from 170 s on, until both have gone.
    const sources = { "a@0": range(1, 100), "d@170": range(1001, 700), "e@170": range(3001, 500) };
    const files = { "events.csv": "time_s,member,event\n350,d,exit\n470,e,exit\n" };
    const replayed = await replay(folder, { sources, scenario, files });
    const total = 8 * 1024;
    const decided: string[] = [];
    const now = { run: 1, pages: 700, sleep: 100, npages: 0 };
    for (const timeS of minutes(11)) {
      const pages = 100 + (timeS > 170 && timeS < 350 ? 700 : 0) + (timeS > 170 && timeS < 470 ? 500 : 0);
      const one: HostKib = { total, committed: pages * 4, free: () => total - 2048 - pages * 4 };
      const run = one.committed + 2048 < total && one.free(timeS) > 2048 ? 0 : 1;
      if (run === 1) {
        now.npages = Math.min(1250, Math.max(64, now.npages + (one.free(timeS) < 2048 ? 300 : -50)));
        const sleep = Math.floor((10 * 16 * 1024 * 1024) / total);
        if (now.sleep !== sleep) decided.push(decision(timeS, "scanner", "sleep_millisecs", now.sleep, sleep));
        if (now.pages !== now.npages) decided.push(decision(timeS, "scanner", "pages_to_scan", now.pages, now.npages));
        Object.assign(now, { sleep, pages: now.npages });
      }
      if (run !== now.run) decided.push(decision(timeS, "scanner", "run", now.run, run));
      now.run = run;
    }
    expect(replayed.decisions()).toEqual(decided);
    expect(decided.filter((one) => one.includes(" run "))).toHaveLength(3);
    // While it stands still, nothing is scanned.
    const samples = replayed.rows("samples");
    expect(sampleOf(samples, 170).pages_scanned).toBe(sampleOf(samples, 60).pages_scanned);
    expect(Number(sampleOf(samples, 290).pages_scanned)).toBeGreaterThan(Number(sampleOf(samples, 170).pages_scanned));
  });
});

describe("reclaim-rate", () => {
  const STEP_MS = 10;
  interface Settings {
    everyMs: number;
    thresholds: [number, number];
    step: number;
    min: number;
    max: number;
  }

  /** Pages reclaimed in a window for each second of CPU that it cost, of the groups that a speed is for. */
  function expected(replayed: Replayed, speeds: Map<string, string>, first: number, untilMs: number, one: Settings) {
    const rows = replayed.rows("samples");
    const decisions: string[] = [];
    const before = new Map<string, { saved: number; cpu: number; pages: number }>();
    for (let ms = one.everyMs; ms <= untilMs; ms += one.everyMs) {
      for (const [subject, group] of speeds) {
        // Batches wake at even multiples of the step; the sample before has all that a decision sees.
        const row = sampleOf(rows, fromMs(ms - STEP_MS), group);
        const last = before.get(subject) ?? { saved: 0, cpu: 0, pages: first };
        const now = { saved: reclaimed(row), cpu: Number(row.cpu_s), pages: last.pages };
        const rate = now.cpu > last.cpu ? Math.max(0, now.saved - last.saved) / (now.cpu - last.cpu) : undefined;
        const [low, high] = one.thresholds;
        if (rate !== undefined && rate > high) now.pages = Math.min(one.max, last.pages + one.step);
        if (rate !== undefined && rate < low) now.pages = Math.max(one.min, last.pages - one.step);
        if (now.pages !== last.pages)
          decisions.push(decision(fromMs(ms), subject, "pages_to_scan", last.pages, now.pages));
        before.set(subject, now);
      }
    }
    return decisions;
  }

  /** Group a has much to merge, b nothing at all, c what comes later. */
  const SOURCES = {
    "a1@0": range(1, 3000),
    "a2@0": range(1, 3000),
    "b1@0": range(10_001, 500),
    "c1@0": range(20_001, 400),
    "c2@0": range(30_001, 400),
    "c2@5": range(20_001, 400),
  };
  const GROUPS = "member,group\na1,a\na2,a\nb1,b\nc1,c\nc2,c\n";
  const one: Settings = { everyMs: 500, thresholds: [2000, 20_000], step: 30, min: 20, max: 110 };
  const controller = {
    kind: "reclaim-rate",
    every: "500ms",
    pages_per_cpu_s: one.thresholds,
    scan_step: one.step,
    scan_min: one.min,
    scan_max: one.max,
  };
  const scenario = { policy: "groups:groups.csv", until: "10s", sample: fromMs(STEP_MS), controller };
  const scanner = { pages_to_scan: 110, sleep_millisecs: 2 * STEP_MS, smart_scan: false };
  const files = { "groups.csv": GROUPS };

  test("each group's speed follows its own rate", async ({ folder }) => {
    const replayed = await replay(folder, { sources: SOURCES, scenario: { ...scenario, scanner }, files });
    const speeds = new Map([..."abc"].map((group) => [group, group]));
    const decisions = expected(replayed, speeds, scanner.pages_to_scan, 10_000, one);
    expect(replayed.decisions()).toEqual(decisions);
    // All three have turns of their own: up to the most, down to the least, and up again.

    expect(decisions.some((text) => text.includes(" a ") && text.endsWith(" 110"))).toBe(true);
    expect(decisions.some((text) => text.includes(" b ") && text.endsWith(" 20"))).toBe(true);
    expect(decisions.filter((text) => text.includes(" c ")).length).toBeGreaterThan(3);
  });

  test("one thread follows the rate of all", async ({ folder }) => {
    const threads = { ...scanner, threads: "one" };
    const replayed = await replay(folder, { sources: SOURCES, scenario: { ...scenario, scanner: threads }, files });
    const decisions = expected(replayed, new Map([["scanner", "*"]]), scanner.pages_to_scan, 10_000, one);
    expect(replayed.decisions()).toEqual(decisions);
    expect(decisions.length).toBeGreaterThan(3);
  });
});

test("a host's memory is what its members' pages take", async ({ folder }) => {
  const scenario = { until: 0, host: { memory: "1m", other: "64k" }, scanner: { rules: "off" } };
  const replayed = await replay(folder, { sources: { "a@0": range(1, 10), "b@0": [0, 0, 1] }, scenario });
  expect(replayed.rows("host")).toEqual([
    { run: "main", time_s: "0", used_bytes: String(64 * KIB + 13 * PAGE), host_bytes: String(MIB) },
  ]);
});
