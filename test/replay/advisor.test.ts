// The scan-time advisor: what a real kernel decided, and what decisions of a replay follow from its own passes.

import { readFileSync } from "node:fs";
import { type AdvisorSettings, type AdvisorState, advise, startOfAdvisor } from "pagekin";
import { describe, expect } from "vitest";
import { test, textsIn } from "../support/folder.js";
import { decision, fromMs, type Pages, type Replayed, replay } from "../support/replayed.js";

interface Recorded {
  target: number;
  scanTime: number;
  cpuPercent: number;
  pagesAfter: number;
}

const RECORDED: Recorded[] = readFileSync(new URL("../support/ksmd/advisor.csv", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [, , target, scanTime, cpuPercent, pagesAfter] = line.split(",").map(Number);
    return { target, scanTime, cpuPercent, pagesAfter };
  });

/** The kernel's defaults, but for the time aimed at. */
const settingsFor = (target: number): AdvisorSettings => ({
  advisor_max_cpu: 70,
  advisor_min_pages_to_scan: 500,
  advisor_max_pages_to_scan: 30000,
  advisor_target_scan_time: target,
});

test("every decision of a recorded kernel", () => {
  expect(RECORDED.length).toBe(37);
  expect(new Set(RECORDED.map(({ target }) => target)).size).toBe(2);
  let state: AdvisorState = startOfAdvisor(settingsFor(RECORDED[0].target));
  const decided = RECORDED.map(({ target, scanTime, cpuPercent }) => {
    state = advise(state, scanTime, cpuPercent, settingsFor(target));
    return state.pagesToScan;
  });
  expect(decided).toEqual(RECORDED.map(({ pagesAfter }) => pagesAfter));
});

const SLEEP_MS = 40;
/** A visit costs whole microseconds and nothing else costs anything, so that cpu_s is exact in samples.csv. */
const COST = { skip_us: 0, checksum_us: 0, compare_us: 0, byte_ns: 0, merge_us: 0, cow_us: 0 };

/** Members of different sizes: their pages are all different. */
const SOURCES: Record<string, Pages> = {
  "a@0": Array.from({ length: 900 }, (_, page) => page + 1),
  "b@0": Array.from({ length: 260 }, (_, page) => page + 1001),
  "c@0": Array.from({ length: 40 }, (_, page) => page + 2001),
};

interface Case {
  visitUs: number;
  settings: Record<string, number>;
}

const scenarioOf = ({ visitUs, settings }: Case) => ({
  policy: "per-member",
  until: "60s",
  sample: fromMs(SLEEP_MS),
  cost: { visit_us: visitUs, ...COST },
  scanner: { sleep_millisecs: SLEEP_MS, smart_scan: false, ...settings },
});

/** The kernel's arithmetic (mm/ksm.c, scan_time_advisor) in whole numbers, on each group's passes in samples.csv. */
function expectedDecisions(replayed: Replayed, settings: Record<string, number>): string[] {
  const cut = (over: number, under: number) => Number(BigInt(over) / BigInt(under));
  const aim = settings.advisor_target_scan_time;
  const most = settings.advisor_max_pages_to_scan ?? 30000;
  const mostCpu = settings.advisor_max_cpu ?? 70;
  interface Group {
    pages: number;
    change: number;
    last: number;
    cpuMs: number;
    passes: number;
    begunMs: number;
  }
  const groups = new Map<string, Group>();
  const decisions: string[] = [];
  for (const row of replayed.rows("samples")) {
    if (row.group === "*") continue;
    const nowMs = Math.round(Number(row.time_s) * 1000);
    const start = { pages: settings.advisor_min_pages_to_scan, change: 0, last: 0, cpuMs: 0, passes: 0, begunMs: 0 };
    const group = groups.get(row.group) ?? start;
    groups.set(row.group, group);
    if (Number(row.full_scans) === group.passes) continue;
    group.passes = Number(row.full_scans);
    const scanTime = Math.max(1, cut(nowMs - group.begunMs, 1000));
    const cpuMs = cut(Math.round(Number(row.cpu_s) * 1e6), 1000);
    const cpuPercent = Math.max(1, cut((cpuMs - group.cpuMs) * 100, scanTime * 1000));
    const factor = Math.max(1, cut(aim * 100, scanTime));
    const change = group.last === 0 ? 100 : Math.max(1, cut(scanTime * 100, group.last));
    group.change = cut(70 * group.change + 30 * change, 100);
    const perCpu = Math.max(1, cut(group.pages, cpuPercent));
    const wanted = cut(cut(group.pages * 100, factor) * group.change, 100);
    const pages = Math.min(most, Math.max(perCpu * 10, Math.min(perCpu * mostCpu, wanted)));
    if (pages !== group.pages) decisions.push(decision(row.time_s, row.group, "pages_to_scan", group.pages, pages));
    // A pass begins with the batch after the one that ended the pass before.
    Object.assign(group, { pages, last: scanTime, cpuMs, begunMs: nowMs + SLEEP_MS });
  }
  return decisions;
}

const CASES: Record<string, Case> = {
  "passes that are too slow": {
    visitUs: 1000,
    settings: { advisor_min_pages_to_scan: 2, advisor_target_scan_time: 3 },
  },
  "passes that are too fast": {
    visitUs: 500,
    settings: { advisor_min_pages_to_scan: 40, advisor_target_scan_time: 5 },
  },
  "no more CPU than allowed": {
    visitUs: 3000,
    settings: { advisor_min_pages_to_scan: 5, advisor_target_scan_time: 1, advisor_max_cpu: 30 },
  },
  "no more pages than allowed": {
    visitUs: 100,
    settings: { advisor_min_pages_to_scan: 3, advisor_target_scan_time: 1, advisor_max_pages_to_scan: 9 },
  },
};

describe("a replay decides by its own passes:", () => {
  test.for(Object.entries(CASES))("%s", async ([, one], { folder }) => {
    const replayed = await replay(folder, {
      sources: SOURCES,
      scenario: { ...scenarioOf(one), controller: "advisor" },
    });
    const expected = expectedDecisions(replayed, one.settings);
    expect(expected.length).toBeGreaterThan(2);
    expect(replayed.decisions()).toEqual(expected);
    expect(new Set(replayed.rows("decisions").map(({ controller }) => controller))).toEqual(new Set(["advisor"]));
  });
});

test("the kernel's name for it gives the same bytes", async ({ folder }) => {
  const scenario = { ...scenarioOf(CASES["passes that are too slow"]), until: "20s" };
  const tables = async (more: object) => {
    const { out } = await replay(folder, { sources: SOURCES, scenario: { ...scenario, ...more } });
    const { "manifest.json": _, ...rest } = textsIn(out);
    return rest;
  };
  const byController = await tables({ controller: "advisor" });
  const byMode = await tables({ scanner: { ...scenario.scanner, advisor_mode: "scan-time" } });
  expect(byController["decisions.csv"].split("\n").length).toBeGreaterThan(5);
  expect(byMode).toEqual(byController);
});
