// One thread for all groups: how many pages of which group each wake-up visits, by exact arithmetic.

import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { Fraction } from "../support/fraction.js";
import { type Pages, replay, type Snapshot, samplesOf, writeEvents, writeSnapshots } from "../support/scenario.js";

const SLEEP_MS = 20;

interface Weighed {
  name: string;
  /** Parts of 10, so that weights such as 2.5 are whole. */
  weight: number;
  pages: number;
  /** The wake-up from which on it has a member, and that from which on it has none any more. */
  from: number;
  to: number;
}

/** A step of the schedule. */
interface Reweighed {
  wakeUp: number;
  name: string;
  weight: number;
}

/** By wake-up the pages_scanned and full_scans of each group. */
function expectedOf(groups: readonly Weighed[], steps: readonly Reweighed[], pagesToScan: number, wakeUps: number) {
  const states = groups.map((group) => ({ ...group, carried: new Fraction(0), at: 0, scanned: 0, passes: 0 }));
  return Array.from({ length: wakeUps }, (_, wakeUp) => {
    for (const step of steps) {
      for (const state of states) if (step.wakeUp === wakeUp && step.name === state.name) state.weight = step.weight;
    }
    const active = states.filter(({ from, to }) => from <= wakeUp && wakeUp < to);
    const total = active.reduce((sum, { weight }) => sum + weight, 0);
    for (const state of active) {
      if (total === 0) continue;
      const exact = state.carried.plus(new Fraction(active.length * pagesToScan * state.weight, total));
      const share = Number(exact.whole());
      state.carried = exact.minus(new Fraction(share));
      const left = state.pages - state.at;
      state.scanned += Math.min(share, left);
      state.at = share > left ? 0 : state.at + share;
      if (share > left) state.passes++;
    }
    return states.map(({ scanned, passes }) => [scanned, passes]);
  });
}

async function scannedBy(
  folder: string,
  groups: readonly Weighed[],
  steps: readonly Reweighed[],
  pagesToScan: number,
  wakeUps: number,
) {
  let content = 1;
  const snapshots = groups.map(({ name, pages, from }): Snapshot => {
    // No page is like another: the length of a pass stays what it is.
    const own: Pages = Array.from({ length: pages }, () => content++);
    return { member: name, timeS: (from * SLEEP_MS) / 1000, pages: own };
  });
  const exits = groups.filter(({ to }) => to < wakeUps);
  writeEvents(
    folder,
    exits.map(({ name, to }) => ({ timeS: (to * SLEEP_MS) / 1000, member: name, event: "exit" })),
  );
  const tables = await replay(folder, {
    ...(exits.length > 0 ? { events: "events.csv" } : {}),
    sources: writeSnapshots(folder, snapshots),
    policy: "per-member",
    scanner: { threads: "one", pages_to_scan: pagesToScan, sleep_millisecs: SLEEP_MS, smart_scan: false },
    groups: Object.fromEntries(groups.map(({ name, weight }) => [name, { weight: weight / 10 }])),
    schedule: steps.map(({ wakeUp, name, weight }) => ({
      ...{ at: `${wakeUp * SLEEP_MS}ms`, group: name, weight: weight / 10 },
    })),
    sample: `${SLEEP_MS}ms`,
    until: `${(wakeUps - 1) * SLEEP_MS}ms`,
  });
  const columns = groups.map(({ name }) =>
    samplesOf(tables, name).map((row) => [Number(row.pages_scanned), Number(row.full_scans)]),
  );
  return Array.from({ length: wakeUps }, (_, wakeUp) => columns.map((column) => column[wakeUp]));
}

const always = { from: 0, to: Infinity };
const group = (name: string, weight: number, pages: number): Weighed => ({
  name,
  weight: weight * 10,
  pages,
  ...always,
});

describe("weights", () => {
  // Of the first wake-ups, as one reckons them by hand: visits of each group so far.
  test.for([
    // 2 * 10 * 9 / 10 and 2 * 10 * 1 / 10.
    [
      "9:1",
      [9, 1],
      10,
      [
        [18, 2],
        [36, 4],
        [54, 6],
      ],
    ],
    // 3 * 5 * 3 / 7 = 6 3/7 and 2 1/7: with what was cut off the third is the first to get more.
    [
      "3:3:1",
      [3, 3, 1],
      5,
      [
        [6, 6, 2],
        [12, 12, 4],
        [19, 19, 6],
        [25, 25, 8],
        [32, 32, 10],
        [38, 38, 12],
        [45, 45, 15],
      ],
    ],
    // A group of weight 0 counts as a group and is never visited.
    [
      "0:5",
      [0, 5],
      10,
      [
        [0, 20],
        [0, 40],
        [0, 60],
      ],
    ],
    // 2 * 7 * 2.5 / 3.5 and 2 * 7 * 1 / 3.5.
    [
      "2.5:1",
      [2.5, 1],
      7,
      [
        [10, 4],
        [20, 8],
        [30, 12],
      ],
    ],
    // A third of a visit at a time.
    [
      "1:1:10",
      [1, 1, 10],
      1,
      [
        [0, 0, 2],
        [0, 0, 5],
        [0, 0, 7],
        [1, 1, 10],
        [1, 1, 12],
      ],
    ],
  ] as [string, number[], number, number[][]][])("%s", async ([, weights, pagesToScan, visits], { folder }) => {
    const groups = weights.map((weight, i) => group(`g${i}`, weight, 100));
    const got = await scannedBy(folder, groups, [], pagesToScan, visits.length);
    expect(got.map((all) => all.map(([scanned]) => scanned))).toEqual(visits);
  });

  test("what is left of a share at the end of a pass is lost", async ({ folder }) => {
    // Shares of 8 and 4; the smaller one has 6 pages: 4, 2 and the end, 4 ...; 16 pages: 8, 8, and a batch for the end alone.
    const got = await scannedBy(folder, [group("a", 2, 16), group("b", 1, 6)], [], 6, 6);
    expect(got).toEqual([
      [
        [8, 0],
        [4, 0],
      ],
      [
        [16, 0],
        [6, 1],
      ],
      [
        [16, 1],
        [10, 1],
      ],
      [
        [24, 1],
        [12, 2],
      ],
      [
        [32, 1],
        [16, 2],
      ],
      [
        [32, 2],
        [18, 3],
      ],
    ]);
  });

  test("a schedule changes the shares from its time on", async ({ folder }) => {
    const groups = [group("a", 1, 1000), group("b", 1, 1000)];
    const steps = [
      { wakeUp: 2, name: "a", weight: 90 },
      { wakeUp: 4, name: "b", weight: 0 },
    ];
    const got = await scannedBy(folder, groups, steps, 10, 6);
    expect(got.map((all) => all.map(([scanned]) => scanned))).toEqual([
      ...[
        [10, 10],
        [20, 20],
        [38, 22],
        [56, 24],
        [76, 24],
        [96, 24],
      ],
    ]);
  });

  test("no group has a weight: nothing is visited", async ({ folder }) => {
    const got = await scannedBy(folder, [group("a", 0, 5), group("b", 0, 5)], [], 10, 4);
    expect(got.flat(2).every((count) => count === 0)).toBe(true);
  });
});

test("shares follow weights, steps, and groups that have members", async () => {
  const weight = fc.oneof(fc.nat(100), fc.constantFrom(0, 10, 25, 90));
  const weighed = fc.record({
    weight,
    pages: fc.integer({ min: 1, max: 40 }),
    from: fc.constantFrom(0, 0, 0, 7, 30),
    to: fc.constantFrom(Infinity, Infinity, 41, 60),
  });
  const step = fc.record({ wakeUp: fc.nat(70), group: fc.nat(3), weight });
  await fc.assert(
    fc.asyncProperty(
      fc.array(weighed, { minLength: 1, maxLength: 4 }),
      fc.array(step, { maxLength: 5 }),
      fc.integer({ min: 1, max: 30 }),
      (all, changes, pagesToScan) =>
        inFolder(async (folder) => {
          const groups = all.map((one, i) => ({ name: `g${i}`, ...one }));
          const steps = changes
            .filter(({ group }) => group < groups.length)
            .map(({ wakeUp, group, weight }) => ({ wakeUp, name: `g${group}`, weight }));
          const got = await scannedBy(folder, groups, steps, pagesToScan, 100);
          expect(got).toEqual(expectedOf(groups, steps, pagesToScan, 100));
        }),
    ),
    { ...runs(10), seed: 1 },
  );
});
