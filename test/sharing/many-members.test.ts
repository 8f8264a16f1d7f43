// 300 members: more than a bit each fits, more holders and copies than small tables count.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder, removeFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { onlyRow, rowsOf } from "../support/table.js";

const MEMBERS = 300;
/** Contents that the first 1, 16, 31, ... members hold, one copy each; the last of them 286. */
const STEPS = Array.from({ length: 20 }, (_, i) => 1 + 15 * i);
const COMMON = TINY;
const REPEATED = TINY + 1;
const REPEATS = 1000;

const stepContent = (step: number) => TINY + 10 + step;
const ownContent = (member: number) => TINY + 1000 + member;

/** Zero, one content of all, the steps, one of its own; the last member has a content 1,000 times. */
function piecesOf(member: number): number[] {
  const steps = STEPS.filter((holders) => member < holders).map(stepContent);
  const repeated = member === MEMBERS - 1 ? new Array<number>(REPEATS).fill(REPEATED) : [];
  return [0, COMMON, COMMON, ...steps, ownContent(member), ...repeated];
}

let folder: string;
let dumps: string[];

beforeAll(() => {
  folder = makeFolder();
  dumps = Array.from({ length: MEMBERS }, (_, member) => {
    const file = path.join(folder, `m${member}.raw`);
    writeFileSync(file, dumpOf(piecesOf(member)));
    return file;
  });
});

afterAll(() => removeFolder(folder));

describe.each([
  ["one worker", ["--workers", "1"]],
  ["three workers and little memory", ["--workers", "3", "--max-memory", "1m"]],
])("with %s", (how, options) => {
  test("contents are counted by holders and copies, and pairs by what both hold", async () => {
    const out = path.join(folder, how);
    await succeed(["analyze", ...dumps, "--page-size", "1k", "--pairs", "all", "--out", out, "--quiet", ...options]);
    expect(
      rowsOf(out, "copies.csv").map(({ members, copies, contents }) => [members, copies, contents].map(Number)),
    ).toEqual([
      // Each one's own, and the first step's.
      [1, 1, MEMBERS + 1],
      [1, REPEATS, 1],
      ...STEPS.slice(1).map((holders) => [holders, holders, 1]),
      [MEMBERS, MEMBERS, 1],
      [MEMBERS, 2 * MEMBERS, 1],
    ]);

    const pages = Array.from({ length: MEMBERS }, (_, member) => piecesOf(member).length).reduce((a, b) => a + b, 0);
    expect(onlyRow(rowsOf(out, "inter.csv"), {})).toMatchObject({
      members: String(MEMBERS),
      pages: String(pages),
      contents_union: String(MEMBERS + STEPS.length + 3),
      // The second copy of the common content in each, and the repeats.
      self_saved_pages: String(MEMBERS + REPEATS - 1),
    });

    const pairs = rowsOf(out, "pairs.csv").map((row) => [row.shared_contents, row.nonzero_shared_contents].map(Number));
    const expected = Array.from({ length: MEMBERS }, (_, a) =>
      Array.from({ length: MEMBERS - 1 - a }, (_, i) => {
        const both = 1 + STEPS.filter((holders) => a + 1 + i < holders).length;
        return [both + 1, both];
      }),
    ).flat();
    expect(pairs).toEqual(expected);
  });
});
