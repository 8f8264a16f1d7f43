// Members that change their group: by the schedule, to and fro, to groups that are new.

import path from "node:path";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { writeGroups } from "../support/policy-worlds.js";
import { lastSamples, type Pages, replay, type Scenario, samplesOf, writeSnapshots } from "../support/scenario.js";
import { type Row, rowsOf } from "../support/table.js";

type Groups = Readonly<Record<string, string>>;

const COLD = { smart_scan: false, pages_to_scan: 1000 };

async function replayOf(folder: string, members: Record<string, Pages>, groups: Groups, scenario: Scenario) {
  const snapshots = Object.entries(members).map(([member, pages]) => ({ member, timeS: 0, pages }));
  writeGroups(folder, "first.csv", new Map(Object.entries(groups)));
  return await replay(folder, {
    ...{ sources: writeSnapshots(folder, snapshots), policy: "groups:first.csv", scanner: COLD },
    ...scenario,
  });
}

/** Of each group, after `compare`: pages saved, and frames. */
async function compared(folder: string, members: readonly string[], groups: Groups) {
  writeGroups(folder, "last.csv", new Map(Object.entries(groups)));
  const sources = members.map((member) => `${member}=${member}-0.csv`);
  const options = ["--policy", "groups:last.csv", "--max-page-sharing", "256"];
  await succeed(["compare", ...sources, ...options, "--out", "compared", "--quiet"], { cwd: folder });
  const rows = rowsOf(path.join(folder, "compared"), "groups.csv");
  return savings(rows.filter(({ zero_pages }) => zero_pages === "counted"));
}

/** A frame that one page is left of is still a shared one: only all frames together are what they would be at first. */
const savings = (rows: readonly Row[]) =>
  new Map(
    rows.map(({ group, pages_shared, pages_sharing, pages_unshared }) => [
      group,
      { saved: Number(pages_sharing), frames: Number(pages_shared) + Number(pages_unshared) },
    ]),
  );

const EMPTY = { saved: 0, frames: 0 };

/** The counters at the end are those of the groups that members are in by then. */
async function expectAtRest(folder: string, tables: Record<string, Row[]>, members: readonly string[], groups: Groups) {
  const expected = await compared(folder, members, groups);
  for (const [group, saving] of savings(lastSamples(tables))) {
    expect(saving, group).toEqual(expected.get(group) ?? EMPTY);
    expected.delete(group);
  }
  expect([...expected.keys()]).toEqual([]);
}

/** Content 1 is in all of them, 2 in two pages of c, 3 in a and c; the others are alone. */
const MEMBERS: Record<string, Pages> = { a: [1, 3, 10], b: [1, 11, 4], c: [1, 2, 2, 3, 12], d: [1, 4, 13], e: [1, 14] };
const NAMES = Object.keys(MEMBERS);
const TWO: Groups = { a: "red", b: "red", c: "red", d: "blue", e: "blue" };

describe("a member that moves", () => {
  test.for(["blue", "green"])("to %s", async (to, { folder }) => {
    const tables = await replayOf(folder, MEMBERS, TWO, {
      schedule: [{ at: "5s", member: "c", group: to }],
      sample: "20ms",
    });
    await expectAtRest(folder, tables, NAMES, { ...TWO, c: to });
    const at = (group: string, timeS: string) => samplesOf(tables, group).find(({ time_s }) => time_s === timeS);
    // Of red three pages of 1, two of 2 and two of 3 are merged; four of them are c's, which are copied.
    expect(at("red", "4.98")).toMatchObject({ pages_shared: "3", pages_sharing: "4", cow_breaks: "0" });
    expect(at("red", "5")).toMatchObject({ cow_breaks: "4" });
    for (const group of new Set(["red", to])) {
      const breaks = samplesOf(tables, group).map(({ time_s, cow_breaks }) => [Number(time_s), Number(cow_breaks)]);
      expect(breaks.every(([timeS, count]) => count === (group === "red" && timeS >= 5 ? 4 : 0))).toBe(true);
    }
    // The next batch of the new group has its five pages, beside those of d and e.
    const scanned = Number(at(to, "5")?.pages_scanned) - Number(at(to, "4.98")?.pages_scanned);
    expect([to, scanned]).toEqual(to === "green" ? ["green", 5] : ["blue", 10]);
  });

  test("to the group where it is, is left alone", async ({ folder }) => {
    const tables = await replayOf(folder, MEMBERS, TWO, { schedule: [{ at: "5s", member: "c", group: "red" }] });
    expect(samplesOf(tables, "*").every(({ cow_breaks }) => cow_breaks === "0")).toBe(true);
    await expectAtRest(folder, tables, NAMES, TWO);
  });
});

describe("fifty moves to and fro", () => {
  // After each move at rest, within some passes of the last one, and within one batch.
  test.for([
    ["2s", 2000, 200],
    ["70ms", 70, 1],
    ["20ms", 20, 2],
    ["at once", 0, 3],
  ] as const)("every %s", async ([, everyMs, pagesToScan], { folder }) => {
    const schedule = Array.from({ length: 51 }, (_, i) => ({
      ...{ at: `${1000 + i * everyMs}ms`, member: "c", group: ["blue", "red", "green"][i % 3] },
    }));
    const tables = await replayOf(folder, MEMBERS, TWO, {
      ...{ schedule, sample: "1s", scanner: { ...COLD, pages_to_scan: pagesToScan } },
    });
    await expectAtRest(folder, tables, NAMES, { ...TWO, c: "green" });
    if (everyMs < 2000) return;
    // It leaves red first. Each time that it leaves red four of its pages are copied, of blue 1 and both of 2, of green the two of 2.
    const breaks = lastSamples(tables).map(({ group, cow_breaks }) => [group, Number(cow_breaks)]);
    expect(breaks).toEqual([
      ["red", 18 * 4],
      ["blue", 17 * 3],
      ["green", 16 * 2],
    ]);
  });
});

test("any moves at any times", async () => {
  const pages = fc.array(fc.nat(8), { minLength: 1, maxLength: 8 });
  const move = fc.record({
    ms: fc.oneof(fc.nat(300), fc.constantFrom(0, 20, 40, 100)),
    member: fc.constantFrom(...NAMES),
    group: fc.constantFrom("red", "blue", "green", "new"),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(pages, { minLength: NAMES.length, maxLength: NAMES.length }),
      fc.array(move, { minLength: 1, maxLength: 30 }),
      fc.record({ rules: fc.constantFrom("linux-6.1", "linux-6.11"), pages_to_scan: fc.integer({ min: 1, max: 40 }) }),
      (all, moves, scanner) =>
        inFolder(async (folder) => {
          const ordered = moves.sort((a, b) => a.ms - b.ms);
          const schedule = ordered.map(({ ms, ...step }) => ({ at: `${ms}ms`, ...step }));
          const members = Object.fromEntries(NAMES.map((name, i) => [name, all[i]]));
          const settings = { schedule, sample: "10s", scanner: { smart_scan: false, ...scanner } };
          const tables = await replayOf(folder, members, TWO, settings);
          const last = Object.fromEntries(ordered.map(({ member, group }) => [member, group]));
          await expectAtRest(folder, tables, NAMES, { ...TWO, ...last });
        }),
    ),
    { ...runs(8), seed: 1 },
  );
});
