// The replay against the real ksmd: every counter of every sample.

import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { writeRecording } from "../support/recording.js";
import { rowsOf } from "../support/table.js";

const RECORDINGS: [kernel: string, run: string][] = [
  ["k618", "T-t1-smart1"],
  ["k618", "T-t2-defaults-zero1"],
  ["k618", "D1"],
  ["k618", "D2"],
  ["k612", "D2-smart1"],
  ["k61", "T-t1-smart0"],
  ["k61", "D1"],
  ["k61", "D2"],
];

test.for(RECORDINGS)("%s %s", async ([kernel, run], { folder }) => {
  const expected = writeRecording(folder, kernel, run);
  await succeed(["replay", "scenario.yaml", "--out", "out", "--quiet"], { cwd: folder });
  const samples = rowsOf(path.join(folder, "out"), "samples.csv").filter(({ group }) => group === "*");
  const byTime = new Map(samples.map((row) => [row.time_s, row]));
  expect(expected.length).toBeGreaterThan(100);
  const got = expected.map(({ time, counters }) => {
    const row = byTime.get(time) ?? {};
    return { time, counters: Object.fromEntries(Object.keys(counters).map((counter) => [counter, row[counter]])) };
  });
  expect(got).toEqual(expected);
});
