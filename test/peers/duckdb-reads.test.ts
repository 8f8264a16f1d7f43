// DuckDB reads what `pagekin fingerprint` writes.

import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { FIVE_SIZES, fingerprintOf, referencePages } from "../support/reference.js";
import { rowsOf } from "../support/table.js";
import { THREE } from "../support/three.js";
import { twinUnion } from "../support/twin.js";

const VERSION = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
/** At 1 KiB this has more pages than a row group holds, and it has more than 64 MiB. */
const LARGE_BYTES = 130 * 1024 * 1024;

let folder: string;
let traces: string;

const trace = (name: string) => quote(path.join(traces, `${name}.parquet`));

beforeAll(async () => {
  folder = makeFolder();
  traces = path.join(folder, "traces");
  const sources = THREE.map(({ name, dump }, i) => {
    const file = path.join(folder, `${name}.raw`);
    writeFileSync(file, dump);
    return `${name}@${i * 0.5}=${file}`;
  });
  const large = path.join(folder, "large.raw");
  const fd = openSync(large, "w");
  writeSync(fd, randomBytes(4096, 1), 0, 4096, 100 * 1024 * 1024);
  writeSync(fd, randomBytes(4096, 2), 0, 4096, LARGE_BYTES - 4096);
  closeSync(fd);
  await succeed(["fingerprint", ...sources, large, "--out", traces, "--quiet"]);
});

afterAll(() => removeFolder(folder));

const NAMES = ["m1", "m2@0.5", "m3@1"];

describe.each(THREE.map((member, i) => ({ ...member, file: NAMES[i], timeS: i * 0.5 })))(
  "$file",
  ({ name, dump, file, timeS }) => {
    test("has a row for each page of each size, with its fingerprint and whether it is zero", async () => {
      const rows = await query(
        `SELECT member, time_s, page_bytes, page::INTEGER AS page, lower(hex(fingerprint)) AS fingerprint, zero
       FROM ${trace(file)}`,
      );
      const expected = FIVE_SIZES.flatMap((page_bytes) =>
        referencePages(dump, page_bytes).map((page, number) => ({
          member: name,
          time_s: timeS,
          page_bytes,
          page: number,
          ...page,
        })),
      );
      expect(rows).toEqual(expected);
    });

    test("is narrowed by WHERE", async () => {
      const rows = await query(
        `SELECT page::INTEGER AS page, lower(hex(fingerprint)) AS fingerprint, zero
       FROM ${trace(file)} WHERE page_bytes = 4096 AND page BETWEEN 100 AND 199 ORDER BY page`,
      );
      const expected = referencePages(dump, 4096).slice(100, 200);
      expect(rows).toEqual(expected.map((page, i) => ({ page: 100 + i, ...page })));
    });

    test("has as many distinct fingerprints as contents", async () => {
      const rows = await query(
        `SELECT page_bytes, COUNT(DISTINCT fingerprint)::INTEGER AS contents FROM ${trace(file)} GROUP BY ALL ORDER BY 1`,
      );
      expect(rows).toEqual(
        FIVE_SIZES.map((page_bytes) => ({ page_bytes, contents: twinUnion([{ name, dump }], page_bytes) })),
      );
    });
  },
);

test("a folder of traces is one table, whose contents are those of all members together", async () => {
  const glob = quote(path.join(traces, "m*.parquet"));
  const rows = await query(
    `SELECT page_bytes, COUNT(DISTINCT member)::INTEGER AS members, COUNT(DISTINCT fingerprint)::INTEGER AS contents
     FROM ${glob} GROUP BY ALL ORDER BY 1`,
  );
  expect(rows).toEqual(
    FIVE_SIZES.map((page_bytes) => ({ page_bytes, members: 3, contents: twinUnion(THREE, page_bytes) })),
  );
});

test("the columns have the contract's types", async () => {
  const rows = await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${trace("m1")})`);
  expect(rows.map(({ column_name, column_type }) => [column_name, column_type])).toEqual([
    ["member", "VARCHAR"],
    ["time_s", "DOUBLE"],
    ["page_bytes", "INTEGER"],
    ["page", "BIGINT"],
    ["fingerprint", "BLOB"],
    ["zero", "BOOLEAN"],
  ]);
  const schema = await query(
    `SELECT name, type, type_length, repetition_type FROM parquet_schema(${trace("m1")}) WHERE num_children IS NULL`,
  );
  expect(schema).toEqual([
    { name: "member", type: "BYTE_ARRAY", type_length: null, repetition_type: "REQUIRED" },
    { name: "time_s", type: "DOUBLE", type_length: null, repetition_type: "REQUIRED" },
    { name: "page_bytes", type: "INT32", type_length: null, repetition_type: "REQUIRED" },
    { name: "page", type: "INT64", type_length: null, repetition_type: "REQUIRED" },
    { name: "fingerprint", type: "FIXED_LEN_BYTE_ARRAY", type_length: "16", repetition_type: "REQUIRED" },
    { name: "zero", type: "BOOLEAN", type_length: null, repetition_type: "REQUIRED" },
  ]);
});

test("the footer says how it was made", async () => {
  const rows = await query(
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${trace("m1")}) ORDER BY 1`,
  );
  const { dump } = THREE[0];
  const pages = referencePages(dump, 4096);
  const zero = 4096 * pages.filter((page) => page.zero).length;
  const footer = Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  const { "pagekin.ledger": ledger, ...rest } = footer;
  expect(rest).toEqual({
    "pagekin.version": VERSION,
    "pagekin.algorithm": "xxh3-128",
    "pagekin.key_id": "",
    "pagekin.address_space": "physical",
    "pagekin.source": "m1.raw",
    "pagekin.page_sizes": JSON.stringify(FIVE_SIZES),
    "pagekin.file_notes": expect.stringMatching(`^\\["The length of the file, ${dump.length} bytes, .*"\\]$`),
  });
  expect(JSON.parse(String(ledger))).toMatchObject({
    nonzero_bytes: 4096 * pages.length - zero,
    stored_zero_bytes: zero,
    tail_bytes: dump.length % 4096,
  });
});

describe("a trace of 130 MiB", () => {
  test("has row groups of at most 128 Ki rows, each of one page size", async () => {
    const groups = await query(
      `SELECT row_group_id::INTEGER AS id, any_value(row_group_num_rows)::INTEGER AS rows FROM parquet_metadata(${trace("large")})
       GROUP BY ALL ORDER BY 1`,
    );
    const rows = groups.map((group) => Number(group.rows));
    expect(rows.reduce((a, b) => a + b, 0)).toBe(FIVE_SIZES.reduce((sum, size) => sum + LARGE_BYTES / size, 0));
    expect(Math.max(...rows)).toBe(131072);
  });

  test("is sorted by page size and page, without a gap", async () => {
    const rows = await query(
      `SELECT page_bytes, COUNT(*)::INTEGER AS pages, MIN(page)::INTEGER AS first, MAX(page)::INTEGER AS last,
              MIN(file_row_number - page)::INTEGER AS low, MAX(file_row_number - page)::INTEGER AS high
       FROM read_parquet(${trace("large")}, file_row_number = true) GROUP BY page_bytes ORDER BY page_bytes`,
    );
    let before = 0;
    const expected = FIVE_SIZES.map((page_bytes) => {
      const pages = LARGE_BYTES / page_bytes;
      const row = { page_bytes, pages, first: 0, last: pages - 1, low: before, high: before };
      before += pages;
      return row;
    });
    expect(rows).toEqual(expected);
  });

  test("has zero pages but for the two that were written", async () => {
    const rows = await query(
      `SELECT page::INTEGER AS page, lower(hex(fingerprint)) AS fingerprint FROM ${trace("large")}
       WHERE page_bytes = 4096 AND NOT zero ORDER BY page`,
    );
    expect(rows).toEqual([
      { page: 25600, fingerprint: fingerprintOf(randomBytes(4096, 1)) },
      { page: LARGE_BYTES / 4096 - 1, fingerprint: fingerprintOf(randomBytes(4096, 2)) },
    ]);
    const zeros = await query(
      `SELECT DISTINCT page_bytes, lower(hex(fingerprint)) AS fingerprint FROM ${trace("large")} WHERE zero ORDER BY 1`,
    );
    expect(zeros).toEqual(
      FIVE_SIZES.map((page_bytes) => ({ page_bytes, fingerprint: fingerprintOf(Buffer.alloc(page_bytes)) })),
    );
  });

  test("is read back as it was", async () => {
    const out = path.join(folder, "out");
    await succeed(["analyze", path.join(traces, "large.parquet"), "--out", out, "--quiet"]);
    const rows = rowsOf(out, "self.csv").map(({ page_bytes, pages, zero_pages, contents }) => [
      page_bytes,
      pages,
      zero_pages,
      contents,
    ]);
    // Two stretches of 4 KiB are not zero: at each size as many pages as they touch, all different.
    const expected = FIVE_SIZES.map((size) => {
      const [pages, nonzero] = [LARGE_BYTES / size, Math.max(2, 8192 / size)];
      return [size, pages, pages - nonzero, nonzero + 1].map(String);
    });
    expect(rows).toEqual(expected);
  });
});
