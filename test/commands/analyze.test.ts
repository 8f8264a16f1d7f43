import path from "node:path";
import * as fc from "fast-check";
import { expect } from "vitest";
import { cases } from "../support/cases.js";
import { inFolder, tablesIn, test } from "../support/folder.js";
import { madeDumps } from "../support/made-dumps.js";
import { succeed } from "../support/pagekin.js";
import { ALL_SIZES, FIVE_SIZES } from "../support/reference.js";
import { expectSpectrum } from "../support/spectrum.js";
import { onlyRow, rate, rowsOf } from "../support/table.js";
import { twinTables } from "../support/twin.js";
import { worlds, writeDumps } from "../support/worlds.js";

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

test("every byte of the tables, and every row of the spectrum, is what a comparison of whole pages gives", async () => {
  const sizeLists = fc.constantFrom(FIVE_SIZES, [4096], [1024, 16384], ALL_SIZES);
  await fc.assert(
    fc.asyncProperty(worlds, sizeLists, (all, pageSizes) => {
      // A dump without a whole page is an error.
      fc.pre(all.every(({ members }) => members.every(({ dump }) => dump.length >= pageSizes[0])));
      return inFolder(async (folder) => {
        const out = path.join(folder, "out");
        // The order of the sources is that of the worlds turned round: rows are sorted by time all the same.
        const sources = [...all].reverse().flatMap(({ timeS, members }) => writeDumps(folder, members, timeS));
        await succeed(["analyze", ...sources, "--page-size", pageSizes.join(), "--out", out, "--quiet"]);
        expect(tablesIn(out)).toEqual(twinTables(all, pageSizes));
        await expectSpectrum(out, all, pageSizes);
      });
    }),
    { numRuns: cases(25) },
  );
});
