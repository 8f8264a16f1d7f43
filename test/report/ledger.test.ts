import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { cases } from "../support/cases.js";
import { inFolder, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { ALL_SIZES, FIVE_SIZES } from "../support/reference.js";
import { onlyRow, type Row, rowsOf } from "../support/table.js";

/** Judged page by page of 4 KiB, by looking at every byte. */
function ledgerOf(dump: Buffer): Row {
  const whole = dump.length - (dump.length % 4096);
  let zero = 0;
  for (let at = 0; at < whole; at += 4096) if (dump.subarray(at, at + 4096).every((byte) => byte === 0)) zero += 4096;
  return {
    nonzero_bytes: String(whole - zero),
    stored_zero_bytes: String(zero),
    elided_zero_bytes: "0",
    absent_bytes: "0",
    outside_ram_bytes: "0",
    repeated_bytes: "0",
    tail_bytes: String(dump.length - whole),
  };
}

async function analyzeDump(folder: string, dump: Buffer, pageSize: string): Promise<string> {
  const out = path.join(folder, "out");
  writeFileSync(path.join(folder, "vm.raw"), dump);
  await succeed(["analyze", "vm.raw", "--page-size", pageSize, "--out", "out", "--quiet", "--force"], { cwd: folder });
  return out;
}

// A zero KiB, zero pages of 4 and 16 KiB that start on and off the border of a page of their size.
const PIECES = [TINY, 0, 0, 0, ...new Array<number>(30).fill(0), 1, 0, 0, 0, 0, 0, 0, TINY + 1];

describe.each(ALL_SIZES.slice(0, 8))("page size %i", (pageBytes) => {
  const repeated = Array.from({ length: Math.max(1, pageBytes / 16384) }, () => PIECES).flat();
  const tails = [0, 1, 1023, 1024, 4095, 4096, pageBytes - 1, pageBytes + 1];

  test("a tail goes to the ledger by 4 KiB and makes no page of that size", async ({ folder }) => {
    const dumps = [...new Set(tails)].map((tailBytes) => dumpOf(repeated, tailBytes));
    const files = dumps.map((dump, i) => {
      writeFileSync(path.join(folder, `vm${i}.raw`), dump);
      return `vm${i}.raw`;
    });
    await succeed(["analyze", ...files, "--page-size", String(pageBytes), "--out", "out", "--quiet"], { cwd: folder });
    const out = path.join(folder, "out");
    const common = { time_s: "0", format: "raw", address_space: "physical" };
    expect(rowsOf(out, "ledger.csv")).toEqual(
      dumps.map((dump, i) => ({ ...common, member: `vm${i}`, source: files[i], ...ledgerOf(dump) })),
    );
    expect(rowsOf(out, "self.csv").map(({ pages }) => Number(pages))).toEqual(
      dumps.map(({ length }) => Math.floor(length / pageBytes)),
    );
  });
});

test("the bytes of a ledger add up to those of the file, whatever is asked for", async () => {
  const input = fc.tuple(
    fc.array(fc.oneof(fc.constant(0), fc.nat(TINY + 2)), { minLength: 16, maxLength: 80, size: "max" }),
    fc.nat(4096),
    fc.constantFrom("1k", "16k", "2k,8k", "1k,2k,4k,8k,16k"),
  );
  await fc.assert(
    fc.asyncProperty(input, ([pieces, tailBytes, pageSize]) =>
      inFolder(async (folder) => {
        const dump = dumpOf(pieces, tailBytes);
        const [row] = rowsOf(await analyzeDump(folder, dump, pageSize), "ledger.csv");
        expect(row).toMatchObject(ledgerOf(dump));
        const bytes = Object.entries(row).filter(([column]) => column.endsWith("_bytes"));
        expect(bytes.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(dump.length);
      }),
    ),
    { numRuns: cases(12) },
  );
});

test("a dump that is a tail alone at 4 KiB has pages of 1 KiB", async ({ folder }) => {
  const dump = dumpOf([TINY, TINY, 0], 500);
  const out = await analyzeDump(folder, dump, FIVE_SIZES.join());
  expect(rowsOf(out, "self.csv").map(({ pages, zero_pages }) => [pages, zero_pages])).toEqual([
    ["3", "1"],
    ["1", "0"],
    ["0", "0"],
    ["0", "0"],
    ["0", "0"],
  ]);
  expect(onlyRow(rowsOf(out, "ledger.csv"), {})).toMatchObject({
    nonzero_bytes: "0",
    stored_zero_bytes: "0",
    tail_bytes: "3572",
  });
});

test("a trace says of its dump what the dump's own ledger says", async ({ folder }) => {
  const dump = dumpOf(PIECES, 77);
  writeFileSync(path.join(folder, "vm.raw"), dump);
  const traces = path.join(folder, "traces");
  await succeed(["fingerprint", path.join(folder, "vm.raw"), "--out", traces, "--quiet"]);
  const out = path.join(folder, "out");
  const trace = path.join(traces, "vm.parquet");
  await succeed(["analyze", trace, "--out", out, "--quiet"]);
  expect(rowsOf(out, "ledger.csv")).toEqual([
    { time_s: "0", member: "vm", source: trace, format: "parquet", address_space: "physical", ...ledgerOf(dump) },
  ]);
});
