import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { madeDumps } from "../support/made-dumps.js";
import { succeed } from "../support/pagekin.js";
import { FIVE_SIZES } from "../support/reference.js";
import { onlyRow, rate, rowsOf } from "../support/table.js";

test("SEMMA's worked example: three copies of P in VM1 and VM2, three of Q in VM3", async ({ folder }) => {
  madeDumps.writeSemma(folder);
  const out = path.join(folder, "out");
  const names = ["VM1", "VM2", "VM3"];
  const dumps = names.map((name) => path.join(folder, `${name}.raw`));
  const summary = await succeed(["analyze", ...dumps, "--page-size", "4k", "--out", out]);

  const self = rowsOf(out, "self.csv");
  expect(self.map(({ member, self_sharing_rate }) => [member, self_sharing_rate])).toEqual(
    names.map((name) => [name, "0.666667"]),
  );
  const inter = rowsOf(out, "inter.csv");
  expect(inter.map(({ pages, inter_sharing_rate }) => [pages, inter_sharing_rate])).toEqual([["9", "0.111111"]]);
  expect(summary).toContain("66.67 %");
  expect(summary).toContain("11.11 %");
});

test("the small world has the counts that its plan has", async ({ folder }) => {
  madeDumps.writeWorld(folder);
  const out = path.join(folder, "out");
  const plan = madeDumps.planWorld();
  const files = ["web.raw", "db.raw", "cache.raw", "batch.raw.gz"].map((file) => path.join(folder, file));
  await succeed(["analyze", ...files, "--out", out]);

  const [self, pairs, inter] = ["self.csv", "pairs.csv", "inter.csv"].map((file) => rowsOf(out, file));
  const expected = Object.entries(madeDumps.expected(plan));
  expect(expected.map(([size]) => Number(size))).toEqual(FIVE_SIZES);
  for (const [page_bytes, { members, pairs: expectedPairs, set }] of expected) {
    for (const [member, { pages, zero_pages, contents }] of Object.entries(members)) {
      expect(onlyRow(self, { page_bytes, member })).toMatchObject({
        pages: String(pages),
        zero_pages: String(zero_pages),
        contents: String(contents),
        self_sharing_rate: rate(pages - contents, pages),
      });
    }
    for (const [both, { shared_contents, nonzero_shared_contents }] of Object.entries(expectedPairs)) {
      const [member_a, member_b] = both.split("+");
      expect(onlyRow(pairs, { page_bytes, member_a, member_b })).toMatchObject({
        shared_contents: String(shared_contents),
        nonzero_shared_contents: String(nonzero_shared_contents),
      });
    }
    expect(onlyRow(inter, { page_bytes })).toMatchObject({
      pages: String(set.pages),
      contents_sum: String(set.contents_sum),
      contents_union: String(set.contents_union),
    });
  }
});
