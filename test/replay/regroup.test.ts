// Groups that change with what members hold.

import path from "node:path";
import * as fc from "fast-check";
import { expect } from "vitest";
import { changingWorld, lastPages } from "../support/changing-worlds.js";
import { runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { range, writeGroups } from "../support/policy-worlds.js";
import {
  lastSamples,
  type Pages,
  replay,
  type Snapshot,
  samplesOf,
  writeEvents,
  writeLabels,
  writeSnapshots,
} from "../support/scenario.js";
import { onlyRow, type Row, rowsOf } from "../support/table.js";

const SCANNER = { smart_scan: false, pages_to_scan: 1000 };

/** How many pages of each group are saved, after `compare`. */
async function saved(folder: string, sources: readonly string[], policy: string, timeS: number): Promise<number> {
  const options = ["--policy", policy, "--inventory", "labels.csv"];
  await succeed(["compare", ...sources, ...options, "--out", "compared", "--quiet"], { cwd: folder });
  const key = { policy, zero_pages: "counted", time_s: String(timeS) };
  return Number(onlyRow(rowsOf(path.join(folder, "compared"), "policies.csv"), key).saved_pages);
}

const savedIn = (rows: readonly Row[]) => rows.reduce((sum, { pages_sharing }) => sum + Number(pages_sharing), 0);

/** By group how many pages were copied: each count once, with the time of its first sample. */
function breaksOf(tables: Record<string, Row[]>, group: string): [timeS: number, breaks: number][] {
  const all = samplesOf(tables, group).map((row): [number, number] => [Number(row.time_s), Number(row.cow_breaks)]);
  return all.filter(([, breaks], i) => breaks !== all[i - 1]?.[1]);
}

test("by a label: the old name stays where most members do, and only the others move", async ({ folder }) => {
  // All hold 1 to 4. Red is three members, two of whom are not the first ones.
  const tenants = { a: "blue", b: "red", c: "red", d: "blue", e: "red" };
  const snapshots = Object.keys(tenants).map((member, i) => ({ member, timeS: 0, pages: [1, 2, 3, 4, 100 + i] }));
  const sources = writeSnapshots(folder, snapshots);
  const inventory = writeLabels(folder, "tenant", tenants);
  const tables = await replay(folder, {
    ...{ sources, inventory, scanner: SCANNER, policy: "one-group", sample: "20ms", until: "4s" },
    regroup: { policy: "by:tenant", every: "1s" },
  });
  // Blue's two members leave: four pages each. Its name is free, and nobody moves ever after.
  expect(breaksOf(tables, "all")).toEqual([
    [0, 0],
    [1, 2 * 4],
  ]);
  expect(breaksOf(tables, "blue")).toEqual([[1, 0]]);
  const last = lastSamples(tables);
  // Of one content the three members of red save two pages, the two of blue one.
  expect(last.map(({ group, pages_sharing }) => [group, pages_sharing])).toEqual([
    ["all", "8"],
    ["blue", "4"],
  ]);
  expect(savedIn(last)).toBe(await saved(folder, sources, "by:tenant", 0));
});

test("by similarity, as contents change", async ({ folder }) => {
  // a, b and c are alike, and d and e; at first c stands with the latter. From 3 s on a holds what these do.
  const [one, two] = [range(1, 11), range(101, 111)];
  const first: Record<string, Pages> = { a: one, b: one, c: one, d: two, e: two };
  const snapshots: Snapshot[] = Object.entries(first).map(([member, pages]) => ({ member, timeS: 0, pages }));
  const sources = writeSnapshots(folder, [...snapshots, { member: "a", timeS: 3, pages: two }]);
  writeGroups(folder, "first.csv", new Map(Object.entries({ a: "x", b: "x", c: "y", d: "y", e: "y" })));
  const tables = await replay(folder, {
    ...{ sources, scanner: SCANNER, policy: "groups:first.csv", sample: "20ms", until: "8s" },
    regroup: { policy: "similar:2", every: "2s" },
  });
  // c leaves y at 2 s, where it shared nothing. At 3 s ten merged pages of a are written; a leaves x at 4 s with nothing
  // that is merged there.
  expect(breaksOf(tables, "x")).toEqual([
    [0, 0],
    [3, 10],
  ]);
  expect(breaksOf(tables, "y")).toEqual([[0, 0]]);
  const savings = (timeS: string) =>
    ["x", "y"].map((group) => onlyRow(samplesOf(tables, group), { time_s: timeS }).pages_sharing);
  expect(savings("1.98")).toEqual(["10", "10"]);
  // At rest again, and before a changes.
  expect(savings("2.98")).toEqual(["20", "10"]);
  expect(lastSamples(tables).map(({ group, pages_sharing }) => [group, pages_sharing])).toEqual([
    ["x", "10"],
    ["y", "20"],
  ]);
});

test("a moved member's merged pages are copied, the others' are not", async ({ folder }) => {
  // Two pairs that are alike inside themselves, and a little across.
  const first: Record<string, Pages> = { a: [1, 2, 3, 9], b: [1, 4, 5, 9], c: [2, 3, 8, 10], d: [4, 5, 7, 10] };
  const snapshots: Snapshot[] = Object.entries(first).map(([member, pages]) => ({ member, timeS: 0, pages }));
  const sources = writeSnapshots(folder, snapshots);
  writeGroups(folder, "first.csv", new Map(Object.entries({ a: "x", b: "x", c: "y", d: "y" })));
  const tables = await replay(folder, {
    ...{ sources, scanner: SCANNER, policy: "groups:first.csv", sample: "20ms", until: "8s" },
    regroup: { policy: "similar:2", every: "1s" },
  });
  // a and b, which have two contents in common, are the first pair; then c has more in common with them (2, 3) than with d
  // (10). So c leaves y, where that one page of it is merged, and shares two in x.
  expect(breaksOf(tables, "x")).toEqual([[0, 0]]);
  expect(breaksOf(tables, "y")).toEqual([
    [0, 0],
    [1, 1],
  ]);
  expect(lastSamples(tables).map(({ group, pages_sharing }) => [group, pages_sharing])).toEqual([
    ["x", "4"],
    ["y", "0"],
  ]);
});

test("whatever changes: at rest what is saved is what the policy saves of the last contents", async () => {
  const members = ["a", "b", "c", "d", "e"];
  const policies = fc.constantFrom("similar:2", "similar:3", "by:tenant", "best:2");
  await fc.assert(
    fc.asyncProperty(
      changingWorld(members),
      policies,
      fc.constantFrom(3, 100),
      ({ snapshots, events }, policy, pages) =>
        inFolder(async (folder) => {
          // Nobody leaves: then the last contents are easy to tell.
          const kept = events.filter(({ event }) => event === "write" || event === "drop");
          writeEvents(folder, kept);
          const inventory = writeLabels(folder, "tenant", { a: "t", b: "u", c: "t", d: "u", e: "v" });
          const tables = await replay(folder, {
            ...(kept.length > 0 ? { events: "events.csv" } : {}),
            ...{ sources: writeSnapshots(folder, snapshots), inventory, policy: "one-group", sample: "10s" },
            scanner: { ...SCANNER, pages_to_scan: pages },
            regroup: { policy, every: "50ms" },
          });
          const last = writeSnapshots(
            folder,
            members.map((member) => ({ member, timeS: 1000, pages: lastPages(member, { snapshots, events: kept }) })),
          );
          expect(savedIn(lastSamples(tables))).toBe(await saved(folder, last, policy, 1000));
        }),
    ),
    { ...runs(8), seed: 1 },
  );
});
