// Which pairs are in pairs.csv: all up to 64 members, above that the 1,000 largest unless all are asked for.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { type Row, rate, rowsOf } from "../support/table.js";

/** Contents 0 to 63 of 1 KiB that a member holds, differently for each; content 0 is zero. */
const holds = (member: number) =>
  Array.from({ length: 64 }, (_, content) => content).filter((c) => (member * (c + 3)) % 7 < 3 || c === 1);

function writeMembers(folder: string, count: number): string[] {
  return Array.from({ length: count }, (_, member) => {
    const file = path.join(folder, `m${member}.raw`);
    writeFileSync(file, dumpOf(holds(member).map((content) => (content === 0 ? 0 : TINY + content))));
    return file;
  });
}

/** All pairs by the sets of their contents. */
function expectedPairs(count: number): Row[] {
  const sets = Array.from({ length: count }, (_, member) => new Set(holds(member)));
  return sets.flatMap((a, i) =>
    sets.slice(i + 1).map((b, j) => {
      const both = [...a].filter((content) => b.has(content));
      return {
        time_s: "0",
        page_bytes: "1024",
        member_a: `m${i}`,
        member_b: `m${i + 1 + j}`,
        shared_contents: String(both.length),
        inter_sharing_rate: rate(both.length, a.size + b.size),
        nonzero_shared_contents: String(both.filter((content) => content !== 0).length),
      };
    }),
  );
}

async function pairsOf(folder: string, count: number, ...options: string[]): Promise<Row[]> {
  const out = path.join(folder, "out");
  await succeed(["analyze", ...writeMembers(folder, count), "--page-size", "1k", "--out", out, "--quiet", ...options]);
  return rowsOf(out, "pairs.csv");
}

test("64 members: all 2,016", async ({ folder }) => {
  const pairs = await pairsOf(folder, 64);
  expect(pairs).toHaveLength(2016);
  expect(pairs).toEqual(expectedPairs(64));
});

test("65 members: the 1,000 largest, in the order of the sources", async ({ folder }) => {
  const pairs = await pairsOf(folder, 65);
  expect(pairs).toHaveLength(1000);
  const all = expectedPairs(65);
  const bySize = all.map(({ shared_contents }) => Number(shared_contents)).sort((a, b) => b - a);
  const least = bySize[999];
  // Which of those that are as large as the last are taken is left open, so that they are counted alone.
  const larger = (rows: Row[]) => rows.filter(({ shared_contents }) => Number(shared_contents) > least);
  expect(larger(all).length).toBeGreaterThan(0);
  expect(larger(pairs)).toEqual(larger(all));
  const chosen = new Set(pairs.map((row) => JSON.stringify(row)));
  expect(all.filter((row) => chosen.has(JSON.stringify(row)))).toEqual(pairs);
  expect(pairs.filter(({ shared_contents }) => Number(shared_contents) === least)).toHaveLength(
    1000 - larger(all).length,
  );
});

test("65 members with --pairs all: all 2,080", async ({ folder }) => {
  const pairs = await pairsOf(folder, 65, "--pairs", "all");
  expect(pairs).toHaveLength(2080);
  expect(pairs).toEqual(expectedPairs(65));
});

test("a pair's choice is made anew for each time", async ({ folder }) => {
  // 65 members at time 0, two of them at time 15: there the one pair is listed whatever its size.
  const [first, second, ...others] = writeMembers(folder, 65);
  const out = path.join(folder, "out");
  const later = [`m0@15=${first}`, `m1@15=${second}`];
  await succeed(["analyze", first, second, ...others, ...later, "--page-size", "1k", "--out", out, "--quiet"]);
  const rows = rowsOf(out, "pairs.csv");
  expect(rows.filter(({ time_s }) => time_s === "0")).toHaveLength(1000);
  expect(rows.filter(({ time_s }) => time_s === "15")).toEqual([{ ...expectedPairs(2)[0], time_s: "15" }]);
});
