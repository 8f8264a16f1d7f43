// CSV traces: hashes that other tools made.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { FIVE_SIZES, referencePages } from "../support/reference.js";
import { expectSourcesRefused } from "../support/refused.js";
import { onlyRow, rowsOf } from "../support/table.js";
import { expectThree, THREE } from "../support/three.js";
import { because, HAS_ZSTD, zstd } from "../support/tools.js";

/** A dump's pages at all five sizes, with the hashes of hash-wasm cut to some bytes. */
function csvOf(dump: Buffer, columns: string[], bytes: number, constant: Record<string, string> = {}): string {
  const rows = FIVE_SIZES.flatMap((pageBytes) =>
    referencePages(dump, pageBytes).map(({ fingerprint, zero }, page) => {
      const hex = fingerprint.slice(0, 2 * bytes);
      // A cut fingerprint says nothing of its page size, and the sizes must not mix.
      const row: Record<string, string> = {
        ...constant,
        page_bytes: `${pageBytes}`,
        page: `${page}`,
        fingerprint: hex,
        zero: `${zero}`,
      };
      return columns.map((column) => row[column]).join();
    }),
  );
  return [columns.join(), ...rows].map((row) => `${row}\n`).join("");
}

const ALL = ["member", "time_s", "page_bytes", "page", "fingerprint", "zero"];
const FEWEST = ["page_bytes", "page", "fingerprint", "zero"];

describe("three members' pages as CSV give the tables of their dumps", () => {
  const forms: [
    form: string,
    extension: string,
    bytes: number,
    columns: string[],
    pack: (text: string) => string | Buffer,
  ][] = [
    ["with all columns", ".csv", 16, ALL, (text) => text],
    ["with columns in another order", ".csv", 16, [...ALL].reverse(), (text) => text],
    ["with the fewest columns that tell as much, hashes of 8 bytes", ".csv", 8, FEWEST, (text) => text],
    ["compressed with gzip", ".csv.gz", 16, ALL, (text) => gzipSync(text)],
    ["with lines that end in CR LF", ".csv", 16, ALL, (text) => text.replaceAll("\n", "\r\n")],
    [
      "with quoted fields and a byte order mark",
      ".csv",
      16,
      ALL,
      (text) => `\ufeff${text.replace(/[^,\n]+/g, '"$&"')}`,
    ],
    [
      "with hashes in capitals and no last end of line",
      ".csv",
      16,
      FEWEST,
      (text) => text.replace(/,([0-9a-f]{32}),/g, (hex) => hex.toUpperCase()).trimEnd(),
    ],
  ];

  test.for(forms)("%s", async ([, extension, bytes, columns, pack], { folder }) => {
    const files = THREE.map(({ name, dump }) => {
      const file = path.join(folder, `${name}${extension}`);
      writeFileSync(file, pack(csvOf(dump, columns, bytes, { member: name, time_s: "0" })));
      return file;
    });
    const out = path.join(folder, "out");
    await succeed(["analyze", ...files, "--out", out, "--quiet"]);
    await expectThree(out);
    expect(rowsOf(out, "ledger.csv").map(({ format }) => format)).toEqual(["csv", "csv", "csv"]);
  });

  test.skipIf(!HAS_ZSTD)(`compressed with zstd${because(HAS_ZSTD, "zstd is not installed")}`, async ({ folder }) => {
    const files = THREE.map(({ name, dump }) => {
      const file = path.join(folder, `${name}.csv.zst`);
      writeFileSync(file, zstd(Buffer.from(csvOf(dump, FEWEST, 16))));
      return file;
    });
    const out = path.join(folder, "out");
    await succeed(["analyze", ...files, "--out", out, "--quiet"]);
    await expectThree(out);
  });
});

/** Writes a CSV with pages of 4 KiB and these fingerprints; a `*` behind one marks it as zero. */
function writeHashes(folder: string, name: string, fingerprints: string[]): string {
  const rows = fingerprints.map((text, page) => `4096,${page},${text.replace("*", "")},${text.includes("*")}\n`);
  writeFileSync(path.join(folder, `${name}.csv`), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
  return `${name}.csv`;
}

test("without the column zero no page is known to be zero", async ({ folder }) => {
  const [{ fingerprint: zero }] = referencePages(Buffer.alloc(4096), 4096);
  writeFileSync(path.join(folder, "vm.csv"), `page_bytes,page,fingerprint\n4096,0,${zero}\n4096,1,${zero}\n`);
  await succeed(["analyze", "vm.csv", "--out", "out", "--quiet"], { cwd: folder });
  const self = onlyRow(rowsOf(path.join(folder, "out"), "self.csv"), {});
  expect(self).toMatchObject({ member: "vm", pages: "2", zero_pages: "0", contents: "1" });
});

test("a fingerprint that one source marks as zero is the zero content everywhere", async ({ folder }) => {
  const sources = [
    writeHashes(folder, "a", ["01", "00*", "02", "01"]),
    writeHashes(folder, "b", ["00", "00", "02"]),
    writeHashes(folder, "c", ["03", "00", "01"]),
  ];
  await succeed(["analyze", ...sources, "--out", "out", "--quiet"], { cwd: folder });
  const out = path.join(folder, "out");
  expect(
    rowsOf(out, "self.csv").map(({ member, pages, zero_pages, contents }) => [member, pages, zero_pages, contents]),
  ).toEqual([
    ["a", "4", "1", "3"],
    ["b", "3", "2", "2"],
    ["c", "3", "1", "3"],
  ]);
  expect(rowsOf(out, "pairs.csv").map((row) => [row.shared_contents, row.nonzero_shared_contents])).toEqual([
    ["2", "1"],
    ["2", "1"],
    ["1", "0"],
  ]);
  // Nonzero pages: 3 + 1 + 2; their contents: 2 + 1 + 2, in all 3.
  expect(onlyRow(rowsOf(out, "inter.csv"), {}).nonzero_inter_sharing_rate).toBe("0.333333");
});

test("fingerprints of different lengths never stand for one content", async ({ folder }) => {
  // The last is what a short one looks like with zeros, or with its length, behind it.
  const short = writeHashes(folder, "a", ["aa", "aa00", "aa0000", `aa${"00".repeat(15)}`, `aa${"00".repeat(14)}01`]);
  await succeed(["analyze", short, "--out", "out", "--quiet"], { cwd: folder });
  expect(onlyRow(rowsOf(path.join(folder, "out"), "self.csv"), {})).toMatchObject({ pages: "5", contents: "5" });
});

test("of short fingerprints the summary says how many false equals to expect", async ({ folder }) => {
  // 2,000 pages of 32 bits: 2000^2 / 2^33 = 0.00047.
  const hashes = Array.from({ length: 2000 }, (_, i) => (i * 1000).toString(16).padStart(8, "0"));
  const source = writeHashes(folder, "a", hashes);
  const { stdout } = await pagekin(["analyze", source, "--out", "out"], { cwd: folder });
  expect(stdout).toMatch(/32 bits.*0\.00047 false equals/);
});

test("member and time come from the columns, then from the file's name, unless the command line names them", async ({
  folder,
}) => {
  const header = "member,time_s,page_bytes,page,fingerprint\n";
  writeFileSync(path.join(folder, "x@3.csv"), `${header}"a, b",15.50,4096,0,aa\n`);
  writeFileSync(path.join(folder, "y@3.csv"), `${header},,4096,0,aa\n`);
  await succeed(["analyze", "x@3.csv", "y@3.csv", "z=x@3.csv", "--out", "out", "--quiet"], { cwd: folder });
  const rows = rowsOf(path.join(folder, "out"), "self.csv");
  expect(rows.map(({ time_s, member }) => [time_s, member])).toEqual([
    ["0", "z"],
    ["3", "y"],
    ["15.5", "a, b"],
  ]);
});

describe("refused are", () => {
  const cells: [cell: string, line: string][] = [
    ["page_bytes", "many,1,aa,false,0"],
    ["page_bytes", ",1,aa,false,0"],
    ["page_bytes", "-4096,1,aa,false,0"],
    ["page_bytes", "3000,1,aa,false,0"],
    ["page_bytes", "512,1,aa,false,0"],
    ["page_bytes", "4194304,1,aa,false,0"],
    ["page", "4096,x,aa,false,0"],
    ["page", "4096,-1,aa,false,0"],
    ["fingerprint", "4096,1,,false,0"],
    ["fingerprint", "4096,1,abc,false,0"],
    ["fingerprint", "4096,1,xy,false,0"],
    ["fingerprint", `4096,1,${"ab".repeat(17)},false,0`],
    ["zero", "4096,1,aa,maybe,0"],
    ["time_s", "4096,1,aa,false,noon"],
  ];

  test.for(cells)("a bad cell in %s: %s", async ([cell, line], { folder }) => {
    const good = "4096,0,aa,false,0";
    writeFileSync(
      path.join(folder, "bad.csv"),
      `page_bytes,page,fingerprint,zero,time_s\n${good}\n${good}\n${line}\n${good}\n`,
    );
    await expectSourcesRefused(folder, ["bad.csv"], ["bad.csv", /line 4\b/, cell]);
  });

  test("a row of fewer cells", async ({ folder }) => {
    writeFileSync(path.join(folder, "bad.csv"), "page_bytes,page,fingerprint\n4096,0,aa\n4096\n");
    await expectSourcesRefused(folder, ["bad.csv"], ["bad.csv", /line 3\b/]);
  });

  test.for(["page_bytes", "page", "fingerprint"])("a CSV without the column %s", async (column, { folder }) => {
    const columns = ["page_bytes", "page", "fingerprint", "zero"].filter((name) => name !== column);
    writeFileSync(path.join(folder, "bad.csv"), `${columns.join()}\n1,2,3\n`);
    await expectSourcesRefused(folder, ["bad.csv"], ["bad.csv", /column|not a CSV trace/]);
  });

  test("a CSV that is something else, or empty", async ({ folder }) => {
    writeFileSync(path.join(folder, "bad.csv"), "name,age\nx,3\n");
    await expectSourcesRefused(folder, ["bad.csv"], ["bad.csv", /not a CSV trace/]);
    writeFileSync(path.join(folder, "none.csv"), "page_bytes,page,fingerprint\n");
    await expectSourcesRefused(folder, ["none.csv"], ["none.csv", /no rows/]);
  });

  test("several snapshots in one CSV", async ({ folder }) => {
    writeFileSync(
      path.join(folder, "bad.csv"),
      "member,page_bytes,page,fingerprint\na,4096,0,aa\na,4096,1,aa\nb,4096,0,aa\n",
    );
    await expectSourcesRefused(folder, ["bad.csv"], ["bad.csv", /line 4\b/, /several snapshots/]);
  });

  test("a CSV beside dumps, or beside traces", async ({ folder }) => {
    const csv = writeHashes(folder, "a", ["aa"]);
    writeFileSync(path.join(folder, "vm.raw"), dumpOf([TINY, TINY, TINY, TINY]));
    await expectSourcesRefused(folder, ["vm.raw", csv], [csv, /do not mix/], { pageSizes: [4096] });
    await succeed(["fingerprint", "vm.raw", "--out", "traces", "--quiet"], { cwd: folder });
    await expectSourcesRefused(folder, ["traces/vm.parquet", csv], [csv, /do not mix/]);
  });

  test("a page size that the CSV lacks", async ({ folder }) => {
    const csv = writeHashes(folder, "a", ["aa"]);
    await expectSourcesRefused(folder, [csv], [csv, "1024", /it has 4096/], { pageSizes: [1024] });
  });

  test("a cut .csv.gz", async ({ folder }) => {
    const bytes = gzipSync(csvOf(THREE[0].dump, FEWEST, 16));
    writeFileSync(path.join(folder, "bad.csv.gz"), bytes.subarray(0, bytes.length - 100));
    await expectSourcesRefused(folder, ["bad.csv.gz"], ["bad.csv.gz", /ends early/]);
  });

  test("--verify", async ({ folder }) => {
    const csv = writeHashes(folder, "a", ["aa"]);
    await expectSourcesRefused(folder, [csv], [csv, /no bytes to compare/], { verify: true });
  });
});
