import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { parquetMetadata } from "hyparquet";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import { describe, expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { randomBytes } from "../support/random.js";
import { expectRefused, expectSourcesRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const DUMP = dumpOf([TINY, 0, TINY + 1, TINY + 2, TINY]);

/** A good trace, column by column. */
const COLUMNS = {
  member: "'vm'",
  time_s: "0::DOUBLE",
  page_bytes: "4096::INTEGER",
  page: "i::BIGINT",
  fingerprint: "unhex(printf('%032x', i))",
  zero: "false",
};

/** A file that is all footer. */
function footer(...parts: Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from("PAR1"), bytes, length, Buffer.from("PAR1")]);
}

/** Has DuckDB write a trace with other columns; `undefined` leaves one out. */
async function writeTrace(
  folder: string,
  columns: Record<string, string | undefined>,
  options = "",
  rows = 10,
): Promise<string> {
  const list = Object.entries({ ...COLUMNS, ...columns }).flatMap(([name, value]) =>
    value ? [`${value} AS ${name}`] : [],
  );
  const file = path.join(folder, "bad.parquet");
  await query(`COPY (SELECT ${list.join()} FROM range(${rows}) t(i)) TO ${quote(file)} (FORMAT parquet${options})`);
  return "bad.parquet";
}

test("the good trace is read", async ({ folder }) => {
  const file = await writeTrace(folder, {});
  await succeed(["analyze", file, "--out", "out", "--quiet"], { cwd: folder });
  expect(rowsOf(path.join(folder, "out"), "self.csv")).toMatchObject([{ member: "vm", pages: "10", contents: "10" }]);
});

describe("refused are", () => {
  test.for([
    ["junk between the magics", Buffer.concat([Buffer.from("PAR1"), randomBytes(4000, 3), Buffer.from("PAR1")])],
    ["a magic alone", Buffer.from("PAR1")],
    ["a magic and no end", Buffer.concat([Buffer.from("PAR1"), randomBytes(4000, 4)])],
    ["two magics and nothing between them", Buffer.from("PAR1\0\0\0\0PAR1")],
    // The footers below would keep hyparquet busy for hours. A field of 64 bits is 0x16, one that is a list of lists 0x19.
    ["a footer with a number of a megabyte", footer(Buffer.from([0x16]), Buffer.alloc(2 ** 20, 0xff))],
    [
      "a footer of lists in lists, each of a thousand million",
      footer(Buffer.from([0x19]), Buffer.alloc(2 ** 20, Buffer.from([0xf9, 0x80, 0x80, 0x80, 0x80, 0x04]))),
    ],
    ["a footer longer than the file", Buffer.from("PAR1\0\0\0\x09\0\0\0PAR1", "latin1")],
  ] as const)("%s", async ([, bytes], { folder }) => {
    writeFileSync(path.join(folder, "bad.parquet"), bytes);
    await expectSourcesRefused(folder, ["bad.parquet"], ["bad.parquet", /Parquet/]);
  });

  test("a trace cut anywhere", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), DUMP);
    await succeed(["fingerprint", "vm.raw", "--out", "traces", "--quiet"], { cwd: folder });
    const bytes = readFileSync(path.join(folder, "traces", "vm.parquet"));
    for (const length of [4, bytes.length >> 1, bytes.length - 8, bytes.length - 1]) {
      writeFileSync(path.join(folder, "bad.parquet"), bytes.subarray(0, length));
      await expectSourcesRefused(folder, ["bad.parquet"], ["bad.parquet", /Parquet/]);
    }
  });

  test.for(Object.keys(COLUMNS))("a Parquet file without the column %s", async (column, { folder }) => {
    const file = await writeTrace(folder, { [column]: undefined });
    await expectSourcesRefused(folder, [file], [file, column]);
  });

  test("a Parquet file that has nothing of a trace", async ({ folder }) => {
    const file = path.join(folder, "bad.parquet");
    await query(`COPY (SELECT 1 AS a, 'x' AS b) TO ${quote(file)} (FORMAT parquet)`);
    await expectSourcesRefused(folder, [file], [file, /no column/]);
  });

  test("a trace without rows", async ({ folder }) => {
    const file = await writeTrace(folder, {}, "");
    await query(
      `COPY (SELECT * FROM ${quote(path.join(folder, file))} WHERE page < 0) TO ${quote(path.join(folder, "none.parquet"))} (FORMAT parquet)`,
    );
    await expectSourcesRefused(folder, ["none.parquet"], ["none.parquet", /no rows/]);
  });

  test.for([
    ["member", "CASE WHEN i = 7 THEN 'other' ELSE 'vm' END"],
    ["time_s", "CASE WHEN i = 7 THEN 15 ELSE 0 END::DOUBLE"],
  ] as const)("several snapshots in one file: two values of %s", async ([column, value], { folder }) => {
    const file = await writeTrace(folder, { [column]: value });
    await expectSourcesRefused(folder, [file], [file, /several snapshots/, column]);
  });

  test("several snapshots in row groups of their own", async ({ folder }) => {
    const file = path.join(folder, "bad.parquet");
    const { member: _member, ...rest } = COLUMNS;
    const list = Object.entries(rest).map(([name, value]) => `${value} AS ${name}`);
    const select = `SELECT CASE WHEN i < 4096 THEN 'a' ELSE 'b' END AS member, ${list.join()} FROM range(8192) t(i) ORDER BY i`;
    await query(`COPY (${select}) TO ${quote(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
    await expectSourcesRefused(folder, ["bad.parquet"], ["bad.parquet", /several snapshots/]);
  });

  test.for([
    ["a fingerprint of 15 bytes", "fingerprint", "unhex(printf('%030x', i))", /16 bytes/],
    ["fingerprints as hex", "fingerprint", "printf('%032x', i)", /16 bytes/],
    ["no fingerprint in one row", "fingerprint", "CASE WHEN i <> 3 THEN unhex(printf('%032x', i)) END", /16 bytes/],
    ["zero as a text", "zero", "'yes'", /zero/],
    ["zero unknown in one row", "zero", "CASE WHEN i <> 3 THEN false END", /zero/],
    ["no time in one row", "time_s", "CASE WHEN i <> 3 THEN 0 END::DOUBLE", /time_s/],
    ["no member in one row", "member", "CASE WHEN i <> 3 THEN 'vm' END", /member/],
    ["a time before 0", "time_s", "-1::DOUBLE", /time_s/],
    ["no member", "member", "''", /member/],
    ["member a number", "member", "17", /member/],
    ["a page size that is none", "page_bytes", "3000", /3000/],
    ["a page size below 1 KiB", "page_bytes", "512", /512/],
    ["a page size above 2 MiB", "page_bytes", "4194304", /4194304/],
    ["no page size in one row", "page_bytes", "CASE WHEN i <> 3 THEN 4096 END", /page_bytes|page size/],
  ] as const)("%s", async ([, column, value, says], { folder }) => {
    const file = await writeTrace(folder, { [column]: value });
    await expectSourcesRefused(folder, [file], [file, says]);
  });

  test("fingerprints of another algorithm or key beside a dump's", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm2.raw"), DUMP);
    const other = await writeTrace(folder, {}, ", KV_METADATA {'pagekin.algorithm': 'blake3'}");
    await expectSourcesRefused(folder, ["vm2.raw", other], [other, "blake3", "xxh3-128"], { pageSizes: [4096] });
    const keyed = await writeTrace(
      folder,
      {},
      ", KV_METADATA {'pagekin.algorithm': 'xxh3-128', 'pagekin.key_id': 'k7'}",
    );
    await expectSourcesRefused(folder, ["vm2.raw", keyed], [keyed, "k7"], { pageSizes: [4096] });
  });

  test("columns that lie one over the other: a small file that would be ten million rows", async ({ folder }) => {
    const fingerprint = "unhex(md5(i::VARCHAR))";
    const good = readFileSync(path.join(folder, await writeTrace(folder, { fingerprint }, "", 10_000)));
    const metadata = parquetMetadata(new Uint8Array(good), { geoparquet: false });
    metadata.row_groups = Array.from({ length: 1000 }, () => metadata.row_groups[0]);
    const writer = new ByteWriter();
    writeMetadata(writer, metadata);
    writeFileSync(
      path.join(folder, "bad.parquet"),
      Buffer.concat([
        good.subarray(0, -8 - good.readUInt32LE(good.length - 8)),
        Buffer.from(writer.getBuffer()),
        Buffer.from("PAR1"),
      ]),
    );
    await expectSourcesRefused(folder, ["bad.parquet"], ["bad.parquet", /its columns are longer than the file/]);
  });

  test("a compressed trace", async ({ folder }) => {
    const file = await writeTrace(folder, {});
    writeFileSync(path.join(folder, "bad.gz"), gzipSync(readFileSync(path.join(folder, file))));
    await expectSourcesRefused(folder, ["bad.gz"], ["bad.gz", /compressed Parquet/]);
  });

  test("traces given to fingerprint", async ({ folder }) => {
    const file = await writeTrace(folder, {});
    await expectRefused(folder, ["fingerprint", file], [file, /trace already/]);
  });
});
