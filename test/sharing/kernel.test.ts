import { describe, expect } from "vitest";
import { compareWorlds } from "../support/compare.js";
import { test } from "../support/folder.js";
import { range, times, worldOf } from "../support/policy-worlds.js";
import { onlyRow, type Row } from "../support/table.js";

const COUNTERS = [
  ...["pages_shared", "pages_sharing", "pages_unshared", "ksm_zero_pages", "stable_node_chains", "stable_node_dups"],
  "general_profit",
];

// Seven copies of content 1, six of 2, ten zero pages, and three pages that are like no other.
const WORLD = worldOf({
  a: [...times(3, 1), ...times(6, 2), ...times(4, 0), 5, 6],
  b: [...times(4, 1), ...times(6, 0), 7],
});

const countersOf = (row: Row) => COUNTERS.map((column) => Number(row[column]));
const profit = (saved: number, items: number) => saved * 4096 - items * 64;

describe("all in one group, without zero pages", () => {
  test.for([
    // Of 1 three frames and a page left, of 2 three frames: two chains.
    [2, [6, 6, 4, 0, 2, 6, profit(6, 16)]],
    // Two frames each, a page of 1 left.
    [3, [4, 8, 4, 0, 2, 4, profit(8, 16)]],
    // Of 1 frames of 4 and 3, of 2 of 4 and 2.
    [4, [4, 9, 3, 0, 2, 4, profit(9, 16)]],
    // Of 1 frames of 5 and 2, of 2 a frame and a page left.
    [5, [3, 9, 4, 0, 1, 2, profit(9, 16)]],
    // Of 1 a frame and a page left, of 2 a frame.
    [6, [2, 10, 4, 0, 0, 0, profit(10, 16)]],
    [7, [2, 11, 3, 0, 0, 0, profit(11, 16)]],
  ] as const)("%s pages a frame", async ([most, counters], { folder }) => {
    const { groups } = await compareWorlds(folder, [WORLD], ["one-group"], "--max-page-sharing", String(most));
    expect(countersOf(onlyRow(groups, { zero_pages: "left-out" }))).toEqual(counters);
  });
});

test("zero pages are a content like others, or the kernel's own, in each group", async ({ folder }) => {
  const plain = await compareWorlds(folder, [WORLD], ["per-member"], "--max-page-sharing", "4");
  // Of 1 three, of 2 four and two, of zero four; two alone.
  expect(countersOf(onlyRow(plain.groups, { zero_pages: "counted", group: "a" }))).toEqual([
    ...[4, 9, 2, 0, 1, 2, profit(9, 15)],
  ]);
  // Of 1 four, of zero four and two; one alone.
  expect(countersOf(onlyRow(plain.groups, { zero_pages: "counted", group: "b" }))).toEqual([
    ...[3, 7, 1, 0, 1, 2, profit(7, 11)],
  ]);
  const mapped = await compareWorlds(folder, [WORLD], ["per-member"], "--max-page-sharing", "4", "--use-zero-pages");
  expect(countersOf(onlyRow(mapped.groups, { zero_pages: "counted", group: "a" }))).toEqual([
    ...[3, 6, 2, 4, 1, 2, profit(6 + 4, 11)],
  ]);
  expect(countersOf(onlyRow(mapped.groups, { zero_pages: "counted", group: "b" }))).toEqual([
    ...[1, 3, 1, 6, 0, 0, profit(3 + 6, 5)],
  ]);
  expect(countersOf(onlyRow(mapped.groups, { zero_pages: "left-out", group: "b" }))).toEqual([
    ...[1, 3, 1, 0, 0, 0, profit(3, 5)],
  ]);
});

test("under zero-only all other pages wait", async ({ folder }) => {
  const plain = await compareWorlds(folder, [WORLD], ["zero-only"], "--max-page-sharing", "3");
  // Three frames of three zero pages, one left.
  expect(countersOf(onlyRow(plain.groups, { zero_pages: "counted" }))).toEqual([3, 6, 17, 0, 1, 3, profit(6, 26)]);
  const mapped = await compareWorlds(folder, [WORLD], ["zero-only"], "--max-page-sharing", "3", "--use-zero-pages");
  expect(countersOf(onlyRow(mapped.groups, { zero_pages: "counted" }))).toEqual([0, 0, 16, 10, 0, 0, profit(10, 16)]);
  expect(countersOf(onlyRow(mapped.groups, { zero_pages: "left-out" }))).toEqual([0, 0, 16, 0, 0, 0, profit(0, 16)]);
});

test("a frame serves 256 pages where only --use-zero-pages is given; with neither there are no counters", async ({
  folder,
}) => {
  const world = worldOf({ a: [...times(257, 1), ...times(513, 2), ...times(300, 0), ...range(3, 10)] });
  const mapped = await compareWorlds(folder, [world], ["one-group"], "--use-zero-pages");
  const row = onlyRow(mapped.groups, { zero_pages: "counted" });
  // Of 1 one frame and a page left, of 2 two and a page left.
  expect(countersOf(row)).toEqual([3, 255 + 510, 2 + 7, 300, 1, 2, profit(765 + 300, 777)]);
  const [plain] = (await compareWorlds(folder, [world], ["one-group"])).groups;
  expect(Object.keys(plain).filter((column) => COUNTERS.includes(column))).toEqual([]);
  const columns = Object.keys(plain).filter((column) => column !== "group_number");
  expect(Object.keys(row)).toEqual([...columns, ...COUNTERS, "group_number"]);
});
