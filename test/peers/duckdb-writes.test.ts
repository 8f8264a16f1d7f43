// Traces that DuckDB wrote: every column optional, the fingerprint a BYTE_ARRAY, any codec, any order of rows.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { makeFolder, removeFolder, tablesIn } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { FIVE_SIZES } from "../support/reference.js";
import { expectSpectrum } from "../support/spectrum.js";
import { rowsOf } from "../support/table.js";
import { expectThree, THREE } from "../support/three.js";
import { twinTables } from "../support/twin.js";

let folder: string;
const NAMES = THREE.map(({ name }) => name);

beforeAll(async () => {
  folder = makeFolder();
  const dumps = THREE.map(({ name, dump }) => {
    const file = path.join(folder, `${name}.raw`);
    writeFileSync(file, dump);
    return file;
  });
  await succeed(["fingerprint", ...dumps, "--out", path.join(folder, "traces"), "--quiet"]);
});

afterAll(() => removeFolder(folder));

/** Has DuckDB read our traces and write them anew; gives the new files. */
async function rewrite(form: string, select: string, options: string): Promise<string[]> {
  const files = NAMES.map((name) => path.join(folder, `${name}-${form}.parquet`));
  for (const [i, file] of files.entries()) {
    const trace = quote(path.join(folder, "traces", `${NAMES[i]}.parquet`));
    await query(`COPY (${select.replace("TRACE", trace)}) TO ${quote(file)} (FORMAT parquet, ${options})`);
  }
  return files;
}

describe.each([
  ["zstd", "SELECT * FROM TRACE", "COMPRESSION zstd"],
  ["snappy", "SELECT * FROM TRACE", "COMPRESSION snappy"],
  ["gzip", "SELECT * FROM TRACE", "COMPRESSION gzip"],
  ["nothing", "SELECT * FROM TRACE", "COMPRESSION uncompressed"],
  ["dictionaries", "SELECT * FROM TRACE", "DICTIONARY_SIZE_LIMIT 1000000, STRING_DICTIONARY_PAGE_SIZE_LIMIT 100000000"],
  ["version 2 pages without dictionaries", "SELECT * FROM TRACE", "PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 0"],
  ["version 2 pages", "SELECT * FROM TRACE", "PARQUET_VERSION v2, COMPRESSION zstd"],
  ["small row groups", "SELECT * FROM TRACE", "ROW_GROUP_SIZE 2048"],
  ["rows in another order", "SELECT * FROM TRACE ORDER BY hash(page, page_bytes)", "ROW_GROUP_SIZE 4096"],
  [
    "columns in another order and one more",
    "SELECT zero, fingerprint, page, 'x' AS note, page_bytes, time_s, member FROM TRACE",
    "COMPRESSION zstd",
  ],
])("compressed with or written as %s", (form, select, options) => {
  test("give the tables of the dumps", async () => {
    const out = path.join(folder, `out-${form}`);
    await succeed(["analyze", ...(await rewrite(form, select, options)), "--out", out, "--quiet"]);
    await expectThree(out);
  });
});

test("some page sizes of them, in any order of rows, give the tables of these sizes", async () => {
  const files = await rewrite(
    "two",
    "SELECT * FROM TRACE WHERE page_bytes IN (16384, 1024) ORDER BY hash(page)",
    "COMPRESSION zstd",
  );
  const out = path.join(folder, "out-two");
  await succeed(["analyze", ...files, "--out", out, "--quiet"]);
  const worlds = [{ timeS: 0, members: THREE }];
  expect(tablesIn(out)).toEqual(twinTables(worlds, [1024, 16384]));
  await expectSpectrum(out, worlds, [1024, 16384]);
  const one = path.join(folder, "out-one");
  await succeed(["analyze", ...files, "--page-size", "16k", "--out", one, "--quiet"]);
  expect(tablesIn(one)).toEqual(twinTables(worlds, [16384]));
  await expectSpectrum(one, worlds, [16384]);
});

test("the fingerprint of the zero page is the zero content, whatever the column zero says", async () => {
  const files = await rewrite("unmarked", "SELECT * REPLACE (false AS zero) FROM TRACE", "COMPRESSION zstd");
  const out = path.join(folder, "out-unmarked");
  await succeed(["analyze", ...files, "--out", out, "--quiet"]);
  await expectThree(out);
});

test("a fingerprint that one trace marks as zero is the zero content in all", async () => {
  // Page 2 of m1 at 4 KiB is said to be zero by m1 alone; the others hold it as an ordinary page.
  const fingerprint = (page: number) => `unhex('${String(page).padStart(32, "0")}')`;
  const row = (member: string, page: number, content: number, zero: boolean) =>
    `('${member}', 0::DOUBLE, 4096, ${page}::BIGINT, ${fingerprint(content)}, ${zero})`;
  const files = ["a", "b"].map((name) => path.join(folder, `${name}-marked.parquet`));
  const rows = [
    [row("a", 0, 1, false), row("a", 1, 2, true), row("a", 2, 3, false)],
    [row("b", 0, 2, false), row("b", 1, 2, false), row("b", 2, 4, false)],
  ];
  for (const [i, file] of files.entries()) {
    const values = `(VALUES ${rows[i].join()}) t(member, time_s, page_bytes, page, fingerprint, zero)`;
    await query(`COPY (SELECT * FROM ${values}) TO ${quote(file)} (FORMAT parquet)`);
  }
  const out = path.join(folder, "out-marked");
  await succeed(["analyze", ...files, "--out", out, "--quiet"]);
  expect(
    rowsOf(out, "self.csv").map(({ member, pages, zero_pages, contents }) => [member, pages, zero_pages, contents]),
  ).toEqual([
    ["a", "3", "1", "3"],
    ["b", "3", "2", "2"],
  ]);
  expect(rowsOf(out, "pairs.csv")).toMatchObject([{ shared_contents: "1", nonzero_shared_contents: "0" }]);
});

test("member and time come from the columns, unless the command line names them", async () => {
  const [file] = await rewrite(
    "timed",
    "SELECT * REPLACE ('böse, \"x\"' AS member, 2.5::DOUBLE AS time_s) FROM TRACE",
    "COMPRESSION zstd",
  );
  const out = path.join(folder, "out-timed");
  await succeed(["analyze", file, `other=${file}`, `third@7=${file}`, "--out", out, "--quiet"]);
  const { dump } = THREE[0];
  const worlds = [
    { timeS: 0, members: [{ name: "other", dump }] },
    { timeS: 2.5, members: [{ name: 'böse, "x"', dump }] },
    { timeS: 7, members: [{ name: "third", dump }] },
  ];
  expect(tablesIn(out)).toEqual(twinTables(worlds, FIVE_SIZES));
  await expectSpectrum(out, worlds, FIVE_SIZES);
});
