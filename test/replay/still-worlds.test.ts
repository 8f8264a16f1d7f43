// Batch by batch beside a ksmd that is written after the kernels' rules alone and has maps in place of trees, which is exact
// as long as nothing changes. It stands for what no recording is of: the kernels of the papers, 2.6.36 and 3.6.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../support/compare.js";
import { inFolder } from "../support/folder.js";
import { NaiveKsmd, type NaiveRules } from "../support/naive-ksmd.js";
import { writeGroups } from "../support/policy-worlds.js";
import { numbersOf, type Pages, replay, type Snapshot, samplesOf, writeSnapshots } from "../support/scenario.js";

const SLEEP_MS = 20;
const BATCHES = 200;

const content = fc.oneof(
  { arbitrary: fc.nat(5), weight: 5 },
  { arbitrary: fc.integer({ min: 6, max: 60 }), weight: 1 },
);
const pages: fc.Arbitrary<Pages> = fc
  .array(fc.option(content, { freq: 6 }), { maxLength: 10 })
  // A snapshot has a page at least.
  .chain((some) => content.map((first) => [first, ...some]));

interface Newcomer {
  pages: Pages;
  timeMs: number;
}

interface Group {
  pagesToScan: number;
  members: Newcomer[];
}

/** Most members are there from the start; the others come at a wake-up or between two. */
const member = fc.record({
  pages,
  timeMs: fc.oneof(
    { arbitrary: fc.constant(0), weight: 3 },
    fc.nat(90).map((tens) => tens * 10),
  ),
});
const group: fc.Arbitrary<Group> = fc.record({
  pagesToScan: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(100)),
  members: fc.array(member, { minLength: 1, maxLength: 4 }),
});
const limits = fc.record({ maxPageSharing: fc.integer({ min: 2, max: 5 }), useZeroPages: fc.boolean() });

/** The kernels of the papers, and the newer ones with and without smart_scan. */
function allRules(modern: Pick<NaiveRules, "maxPageSharing" | "useZeroPages">): NaiveRules[] {
  return [
    ...(["linux-2.6.36", "linux-3.6"] as const).map((rules) => ({
      ...{ rules, maxPageSharing: Infinity, useZeroPages: false, smartScan: false },
    })),
    ...(["linux-6.1", "linux-6.11"] as const).flatMap((rules) =>
      [false, true].map((smartScan) => ({ rules, smartScan, ...modern })),
    ),
  ];
}

function scannerOf({ rules, smartScan, maxPageSharing, useZeroPages }: NaiveRules) {
  const later = { smart_scan: smartScan, max_page_sharing: maxPageSharing, use_zero_pages: useZeroPages };
  return { rules, sleep_millisecs: SLEEP_MS, ...(maxPageSharing < Infinity ? later : {}) };
}

/** The counters after each batch. */
function expectedOf({ pagesToScan, members }: Group, rules: NaiveRules) {
  const ksmd = new NaiveKsmd(rules);
  const coming = [...members].sort((a, b) => a.timeMs - b.timeMs);
  return Array.from({ length: BATCHES }, (_, batch) => {
    while (coming.length > 0 && coming[0].timeMs <= batch * SLEEP_MS) ksmd.enter(coming.shift()?.pages ?? []);
    ksmd.batch(pagesToScan);
    return { time_s: (batch * SLEEP_MS) / 1000, ...ksmd.counters() };
  });
}

test("every counter of every batch is that of a naive ksmd", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 5 }), limits, (groups, modern) =>
      inFolder(async (folder) => {
        const snapshots: Snapshot[] = groups.flatMap(({ members }, g) =>
          members.map((one, m) => ({ member: `g${g}-m${m}`, timeS: one.timeMs / 1000, pages: one.pages })),
        );
        writeGroups(folder, "groups.csv", new Map(snapshots.map(({ member }) => [member, member.split("-")[0]])));
        const rules = allRules(modern);
        const tables = await replay(folder, {
          sources: writeSnapshots(folder, snapshots),
          policy: "groups:groups.csv",
          groups: Object.fromEntries(groups.map(({ pagesToScan }, g) => [`g${g}`, { pages_to_scan: pagesToScan }])),
          sample: `${SLEEP_MS}ms`,
          until: `${((BATCHES - 1) * SLEEP_MS) / 1000}s`,
          runs: Object.fromEntries(rules.map((one, i) => [String(i), { scanner: scannerOf(one) }])),
        });
        for (const [i, one] of rules.entries()) {
          for (const [g, group] of groups.entries()) {
            const expected = expectedOf(group, one);
            const columns = Object.keys(expected[0]);
            const got = samplesOf(tables, `g${g}`, String(i)).map((row) => numbersOf(row, columns));
            expect(got, `${JSON.stringify(one)}, group ${g}`).toEqual(expected);
          }
        }
      }),
    ),
    { ...runs(12), seed: 1 },
  );
});
