// Scenarios and their files that are large, deep or without an end: they take time as their size, or are refused at once.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { replay as replayInLibrary } from "pagekin";
import { describe, expect } from "vitest";
import { inside, test } from "../support/folder.js";
import { expectInStep, soon } from "../support/limits.js";
import { expectScenarioRefused } from "../support/refused.js";
import { replay } from "../support/scenario.js";

const NUMBERS = 200_000;

function writeTrace(folder: string, name: string, pages: number, contentOf: (page: number) => number): string {
  const rows = Array.from(
    { length: pages },
    (_, page) => `4096,${page},${contentOf(page).toString(16).padStart(8, "0")}`,
  );
  writeFileSync(path.join(folder, name), `page_bytes,page,fingerprint\n${rows.join("\n")}\n`);
  return name;
}

test("any number of changes can be spread", async ({ folder }) => {
  const [before, after] = [0, 1].map((n) => writeTrace(folder, `s${n}.csv`, NUMBERS, (page) => page + n * 1_000_000));
  const sources = [`a@0=${before}`, `a@15=${after}`];
  const scanner = { pages_to_scan: 10_000 };
  const tables = await replay(folder, { sources, changes: "spread", until: "16s", scanner });
  const last = tables["samples.csv"].slice(-1)[0];
  expect(last).toMatchObject({ time_s: "16", pages_sharing: "0", cow_breaks: "0" });
});

describe("refused at once is", () => {
  const list = (count: number, make: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => make(i)).join("");
  const texts: [what: string, text: string, says: RegExp][] = [
    [
      "a scenario of a megabyte",
      `seed: ${" ".repeat(2 ** 20)}1\n`,
      /is larger than 256 KiB; name sources in an inventory/,
    ],
    ["depth without an end", `seed: ${"[".repeat(100_000)}`, /line 1, .*nested too deeply/],
    ["keys within keys", "? ".repeat(200), /line 1, column 3: a key is expected to be a text/],
    ["a key that is a list", "? [a, b]\n: 1\n", /line 1, column 3: a key is expected to be a text/],
    [
      "the same key at the end of many",
      `${list(9000, (i) => `k${i}: 1\n`)}k0: 1\n`,
      /line 9001, column 1: duplicate key k0/,
    ],
    ["a key that many have", `${list(20_000, (i) => `k${i}: 1\n`)}`, /line 1, column 1: .*k0/],
    ["as many aliases", `a: &a 1\nb: [${"*a,".repeat(50_000)}]\n`, /alias/],
    ["an alias to nothing, after many anchors", `${list(9000, (i) => `k${i}: &a${i} 1\n`)}z: *b\n`, /no &b before/],
    [
      "the product of many lists",
      `vary: {seed: [${list(99, (i) => `${i},`)}], sample: [${list(99, (i) => `${i + 1},`)}]}`,
      /9801 runs; a scenario may have 4096/,
    ],
    [
      "many runs of a large scenario",
      `members: {${list(9000, (i) => `m${i}: {},`)}}\nvary: {seed: [${list(3000, (i) => `${i},`)}]}`,
      /3000 runs of a scenario of that size/,
    ],
  ];
  test.for(texts)("%s", async ([, text, says], { folder }) => {
    writeFileSync(path.join(folder, "s.yaml"), text);
    await soon(() => expectScenarioRefused(folder, "s.yaml", [says]));
  });

  const rows = "time_s,member,event,page,fingerprint\n0,a,exit,,\n";
  const files: [what: string, text: string, says: RegExp][] = [
    [
      "a quote without an end",
      `${rows}0,"a${"x".repeat(2 ** 22)}`,
      /events\.csv: line 3: a row of more than 1048576 characters/,
    ],
    [
      "a field without an end",
      rows + "x".repeat(2 ** 22),
      /events\.csv: line 3: a row of more than 1048576 characters/,
    ],
    ["a quoted row of many lines", `${rows}0,"${"a\n".repeat(2 ** 21)}`, /events\.csv: line 3: a row of more than/],
    [
      "more columns than anyone needs",
      `time_s,member,event,${list(2000, (i) => `c${i},`)}page\n0,a,exit\n`,
      /more than 1024 columns/,
    ],
  ];
  test.for(files)("a CSV with %s", async ([, text, says], { folder }) => {
    writeFileSync(path.join(folder, "events.csv"), text);
    writeFileSync(
      path.join(folder, "s.yaml"),
      `sources: [a=${writeTrace(folder, "a.csv", 9, (i) => i)}]\nevents: events.csv`,
    );
    await soon(() => expectScenarioRefused(folder, "s.yaml", [says]));
  });
});

describe("in step with its size is", () => {
  const kinds: [what: string, size: number, keys: (folder: string, size: number) => Record<string, unknown>][] = [
    [
      "events of one member",
      160_000,
      (folder, size) => {
        const rows = Array.from({ length: size }, (_, i) => `0,a,write,${i},${i.toString(16).padStart(8, "0")}`);
        writeFileSync(path.join(folder, "events.csv"), `time_s,member,event,page,fingerprint\n${rows.join("\n")}\n`);
        return { events: "events.csv", until: "1s" };
      },
    ],
    [
      "points of a curve",
      80_000,
      (folder, size) => {
        const points = Array.from({ length: size }, (_, i) => `${i},${1 - i / size}`);
        writeFileSync(path.join(folder, "curve.csv"), `memory_bytes,miss_ratio\n${points.join("\n")}\n`);
        return { until: "1s", members: { a: { workload: { kind: "cached-random-read", curve: "curve.csv" } } } };
      },
    ],
    [
      "workloads beside those of another run, over time",
      16_000,
      (_, size) => {
        const members = (baseline?: string) => ({
          a: { workload: { kind: "cached-random-read", working_set: 1, baseline } },
        });
        const base = { members: JSON.parse(JSON.stringify(members())) };
        return {
          until: `${size}s`,
          sample: "1h",
          scanner: { rules: "off" },
          runs: { base, other: { members: members("base") } },
        };
      },
    ],
    [
      "keys",
      4800,
      (_, size) => ({
        until: "1s",
        schedule: Array.from({ length: size }, () => ({ at: 0, group: "all", weight: 1 })),
      }),
    ],
  ];
  test.for(kinds)("%s", async ([, size, keys], { folder }) => {
    const make = (count: number) => {
      const scenario = { sources: [`a=${writeTrace(folder, "a.csv", 9, (i) => i)}`], ...keys(folder, count) };
      writeFileSync(path.join(folder, `${count}.yaml`), JSON.stringify(scenario));
      return `${count}.yaml`;
    };
    make(size / 8);
    await expectInStep(size, make, (file) => {
      make(Number.parseInt(file, 10));
      return inside(folder, () => replayInLibrary(file));
    });
  });
});
