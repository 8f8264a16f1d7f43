// The clock of a replay: its end is sampled, its beginning is 0, and where nothing happens no time is spent.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { soon } from "../support/limits.js";
import { expectScenarioRefused } from "../support/refused.js";
import { replay, samplesOf, writeSnapshots } from "../support/scenario.js";
import type { Row } from "../support/table.js";

const PAGES = Array.from({ length: 400 }, (_, page) => page % 70);
const UNIX = 1_700_000_000;

describe("the end is sampled, however often samples are taken", () => {
  test.for(["60s", "7s", "30s", "50s"])("every %s", async (sample, { folder }) => {
    const sources = writeSnapshots(folder, [{ member: "a", timeS: 0, pages: PAGES }]);
    const world = { sources, until: "50s", host: { memory: "1g" } };
    const often = await replay(folder, { ...world, sample: "10s" }, "often");
    const tables = await replay(folder, { ...world, sample }, "other");
    const last = (of: Record<string, Row[]>) => samplesOf(of, "*").slice(-1)[0];
    expect(last(tables).time_s).toBe("50");
    expect(last(tables)).toEqual(last(often));
    expect(tables["host.csv"].slice(-1)).toEqual(often["host.csv"].slice(-1));
    const { time_s, saved_pages, cpu_s } = often["runs.csv"][0];
    expect(tables["runs.csv"][0]).toMatchObject({ time_s, saved_pages, cpu_s });
  });
});

describe("a world that begins later is replayed as one that begins at once", () => {
  const scanners: [what: string, scanner: Record<string, unknown>, laterS: number][] = [
    ["a thread for each group", {}, 90_000],
    ["one thread", { threads: "one" }, 90_000],
    ["batches that take their time", { cpu: "modelled", sleep_millisecs: 0 }, 500],
    ["no deduplication", { rules: "off" }, 90_000],
  ];
  test.for(scanners)("%s", async ([, scanner, laterS], { folder }) => {
    const worldAt = (timeS: number) => ({
      sources: writeSnapshots(folder, [
        { member: "a", timeS, pages: PAGES },
        { member: "b", timeS, pages: PAGES.slice(9) },
      ]),
      policy: "per-member",
      sample: "1s",
      until: `${timeS + 20}s`,
      scanner,
    });
    const now = await replay(folder, worldAt(0), "now");
    const later = await soon(() => replay(folder, worldAt(laterS), "later"));
    const shifted = later["samples.csv"].flatMap((row) =>
      Number(row.time_s) < laterS ? [] : [{ ...row, time_s: String(Number(row.time_s) - laterS) }],
    );
    expect(shifted).toEqual(now["samples.csv"]);
  });
});

describe("times since 1970 are refused", () => {
  const says = [/begins at 0 s and lasts 100 days at most; give times from the beginning/];
  const trace = (folder: string) => {
    writeSnapshots(folder, [{ member: "a", timeS: 0, pages: PAGES }]);
    return "a-0.csv";
  };
  const scenario = (folder: string, keys: Record<string, unknown>) =>
    writeFileSync(path.join(folder, "s.yaml"), JSON.stringify({ sources: [`a=${trace(folder)}`], ...keys }));
  const keys: [where: string, keys: Record<string, unknown>, place: RegExp][] = [
    ["until", { until: `${UNIX}s` }, /s\.yaml: line 1, column \d+: until:/],
    ["a schedule", { schedule: [{ at: UNIX, group: "all", weight: 1 }] }, /s\.yaml: .*schedule\.0\.at:/],
    ["events", { events: "rows.csv" }, /rows\.csv: line 2:/],
    ["usage", { usage: "rows.csv", controller: "semma" }, /rows\.csv: line 2:/],
  ];
  test.for(keys)("in %s", async ([, more, place], { folder }) => {
    writeFileSync(
      path.join(folder, "rows.csv"),
      `time_s,member,event,vm,muv_bytes,mup_bytes,muh_rate\n${UNIX},a,exit,a,1,2,0.5\n`,
    );
    scenario(folder, more);
    await soon(() => expectScenarioRefused(folder, "s.yaml", [place, ...says]));
  });

  test("of sources", async ({ folder }) => {
    scenario(folder, { sources: [`a@${UNIX}=${trace(folder)}`, `a@${UNIX + 100}=${trace(folder)}`] });
    await soon(() => expectScenarioRefused(folder, "s.yaml", [/line 1, column \d+: the snapshot of a is at/, ...says]));
  });

  test("of an inventory", async ({ folder }) => {
    writeFileSync(path.join(folder, "inv.csv"), `path,member,time_s\n${trace(folder)},a,${UNIX}\n`);
    scenario(folder, { sources: [], inventory: "inv.csv" });
    await soon(() => expectScenarioRefused(folder, "s.yaml", [/the snapshot of a is at/, ...says]));
  });
});

test("more samples than can be kept are refused at once, or when there are so many", async ({ folder }) => {
  const sources = writeSnapshots(folder, [{ member: "a", timeS: 0, pages: PAGES }]);
  const says = [/more than 2097152 rows of samples .* in a run; sample less often/];
  for (const keys of [{ until: "50s", sample: "0.00001s" }, { until: "5000000s" }]) {
    writeFileSync(path.join(folder, "s.yaml"), JSON.stringify({ sources, ...keys }));
    await soon(() => expectScenarioRefused(folder, "s.yaml", says));
  }
});

test("batches that take no time are refused without sleep", async ({ folder }) => {
  const sources = writeSnapshots(folder, [{ member: "a", timeS: 5, pages: PAGES }]);
  const scanner = { cpu: "modelled", sleep_millisecs: 0 };
  writeFileSync(path.join(folder, "s.yaml"), JSON.stringify({ sources, until: "9s", scanner, cost: { visit_us: 0 } }));
  await expectScenarioRefused(folder, "s.yaml", [/visits must take time/]);
});
