// DuckDB reads spectrum.parquet, and finds in it what it counts itself over the traces of the same members.

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { makeFolder, removeFolder, tablesIn } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { FIVE_SIZES } from "../support/reference.js";
import { type SpectrumRow, type SpectrumWorld, spectrumFooter, spectrumIn, spectrumRows } from "../support/spectrum.js";

const TRACES = fileURLToPath(new URL("../../traces", import.meta.url));
const VERSION = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;

const trace = (name: string) => path.join(TRACES, `${name}.parquet`);
const series = (member: string) => ["000", "045", "090", "135"].map((seconds) => `${member}@${seconds}`);

/** Some traces as a table of DuckDB's. */
const tableOf = (traces: readonly string[]) => `read_parquet([${traces.map((name) => quote(trace(name))).join()}])`;

interface World {
  what: string;
  /** Names of the traces, in the order in which they are sources: not that of their names. */
  traces: string[];
  pageSizes: number[];
  times: number[];
}

const WORLDS: World[] = [
  { what: "three guests at five page sizes", traces: ["b1", "a2", "a1"], pageSizes: FIVE_SIZES, times: [0] },
  {
    what: "seven guests",
    traces: ["d1", "c2", "c1", "b2", "b1", "a2", "a1"],
    pageSizes: [4096],
    times: [0],
  },
  {
    what: "three guests at four times, of which one is not always there",
    traces: [...series("mr").reverse(), ...series("kbuild").slice(1), ...series("fio")],
    pageSizes: [4096],
    times: [0, 45, 90, 135],
  },
];

let folder: string;

beforeAll(() => {
  folder = makeFolder();
});

afterAll(() => removeFolder(folder));

/** Makes the table `vectors` of what DuckDB itself finds in traces: its copy vectors, and how many contents have each. */
async function countVectors(traces: readonly string[], pageSizes: readonly number[]): Promise<void> {
  const members = [...new Set(traces.map((name) => name.split("@")[0]))];
  await query(`CREATE OR REPLACE TABLE sources AS
    SELECT unnest([${members.map(quote).join()}]) AS member, unnest(range(${members.length})) AS number`);
  const counts = members.map((member) => `count(*) FILTER (member = ${quote(member)})`);
  await query(`CREATE OR REPLACE TABLE vectors AS
    WITH contents AS (
      SELECT time_s, page_bytes, bool_or(zero) AS zero, [${counts.join()}] AS counts
      FROM ${tableOf(traces)} WHERE page_bytes IN (${pageSizes.join()}) GROUP BY time_s, page_bytes, fingerprint),
    vectors AS (SELECT time_s, page_bytes, zero, counts, count(*) AS contents FROM contents GROUP BY ALL)
    SELECT time_s, page_bytes, zero, contents, list_filter(range(${members.length}), i -> counts[i + 1] > 0) AS numbers,
           list_transform(numbers, i -> [${members.map(quote).join()}][i + 1]) AS members,
           list_filter(counts, copies -> copies > 0) AS copies
    FROM vectors`);
}

/** Pages, zero pages and members of each time and page size, as the footer must have them. */
async function countWorlds(traces: readonly string[], pageSizes: readonly number[]): Promise<SpectrumWorld[]> {
  const rows = await query(`
    SELECT time_s, page_bytes, list(member ORDER BY number) AS members, list(pages ORDER BY number) AS pages,
           list(zero_pages ORDER BY number) AS zero_pages
    FROM (
      SELECT time_s, page_bytes, member, number, count(*)::INTEGER AS pages, count(*) FILTER (zero)::INTEGER AS zero_pages
      FROM ${tableOf(traces)} JOIN sources USING (member)
      WHERE page_bytes IN (${pageSizes.join()})
      GROUP BY ALL)
    GROUP BY ALL ORDER BY time_s, page_bytes`);
  const times = [...new Set(rows.map(({ time_s }) => time_s))];
  return times.map((time_s) => {
    const sizes = rows.filter((row) => row.time_s === time_s);
    return {
      time_s: Number(time_s),
      members: (sizes[0].members as string[]).map((member) => ({ member, labels: {} })),
      sizes: sizes.map(({ page_bytes, pages, zero_pages }) => ({ page_bytes, pages, zero_pages })),
    };
  }) as SpectrumWorld[];
}

describe.each(WORLDS)("$what", ({ what, traces, pageSizes, times }) => {
  let file: string;
  const from = () => `FROM ${quote(file)}`;

  beforeAll(async () => {
    const out = path.join(folder, what);
    file = spectrumIn(out);
    await succeed(["analyze", ...traces.map(trace), "--page-size", pageSizes.join(), "--out", out, "--quiet"]);
    await countVectors(traces, pageSizes);
  });

  test("have the copy vectors that DuckDB counts, each once, with as many contents", async () => {
    const columns = "time_s, page_bytes, zero, members, copies, contents";
    const differs = (a: string, b: string) =>
      query(`(SELECT ${columns} FROM ${a}) EXCEPT ALL (SELECT ${columns} FROM ${b})`);
    expect(await differs("vectors", quote(file))).toEqual([]);
    expect(await differs(quote(file), "vectors")).toEqual([]);
    const [{ rows }] = await query(`SELECT count(*)::INTEGER AS rows ${from()}`);
    expect(rows).toBeGreaterThan(pageSizes.length * times.length * 10);
  });

  test("are sorted by time, page size, zero, members in the order of the sources, copies", async () => {
    const sorted = await query(`
      SELECT time_s, page_bytes, zero, members, list_transform(copies, x -> x::INTEGER) AS copies, contents::DOUBLE AS contents
      FROM vectors ORDER BY time_s, page_bytes, zero, numbers, copies`);
    expect(await spectrumRows(file)).toEqual(sorted as unknown as SpectrumRow[]);
  });

  test("have a footer that tells pages and zero pages of each member", async () => {
    expect(await spectrumFooter(file)).toEqual({
      version: VERSION,
      labels: [],
      worlds: await countWorlds(traces, pageSizes),
    });
  });

  test("have one zero content at each time and page size", async () => {
    const zeros = await query(
      `SELECT time_s, page_bytes, contents::INTEGER AS contents ${from()} WHERE zero ORDER BY time_s, page_bytes`,
    );
    expect(zeros).toEqual(
      times.flatMap((time_s) => pageSizes.map((page_bytes) => ({ time_s, page_bytes, contents: 1 }))),
    );
  });

  test("answer with WHERE and functions of lists what the traces answer", async () => {
    const page = pageSizes.at(-1);
    const last = times.at(-1);
    const [of] = await query(`
      SELECT sum(contents)::INTEGER AS frames, sum(contents * list_sum(copies))::INTEGER AS pages,
             sum(contents) FILTER (len(members) = 1)::INTEGER AS alone,
             sum(contents) FILTER (list_has_all(members, ['a1', 'a2']) OR list_has_all(members, ['mr', 'kbuild']))::INTEGER AS both
      ${from()} WHERE page_bytes = ${page} AND time_s = ${last}`);
    const [counted] = await query(`
      WITH contents AS (
        SELECT fingerprint, list(DISTINCT member) AS members, count(*) AS pages
        FROM ${tableOf(traces)}
        WHERE page_bytes = ${page} AND time_s = ${last} GROUP BY fingerprint)
      SELECT count(*)::INTEGER AS frames, sum(pages)::INTEGER AS pages, count(*) FILTER (len(members) = 1)::INTEGER AS alone,
             count(*) FILTER (list_has_all(members, ['a1', 'a2']) OR list_has_all(members, ['mr', 'kbuild']))::INTEGER AS both
      FROM contents`);
    expect(of).toEqual(counted);
    expect(of.both).toBeGreaterThan(100);
  });

  test("are the same bytes when compare writes them, from the traces and from the spectrum", async () => {
    const sizes = ["--page-size", pageSizes.join(), "--policy", "one-group", "--quiet"];
    const again = [path.join(folder, `${what} 1`), path.join(folder, `${what} 2`)];
    await succeed(["compare", ...traces.map(trace), ...sizes, "--out", again[0]]);
    await succeed(["compare", file, ...sizes, "--out", again[1]]);
    for (const out of again) expect(readFileSync(spectrumIn(out)).equals(readFileSync(file))).toBe(true);
  });
});

test("the columns have the contract's types, and none of them a null", async () => {
  const file = spectrumIn(path.join(folder, WORLDS[0].what));
  const rows = await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${quote(file)})`);
  expect(rows.map(({ column_name, column_type }) => [column_name, column_type])).toEqual([
    ["time_s", "DOUBLE"],
    ["page_bytes", "INTEGER"],
    ["zero", "BOOLEAN"],
    ["members", "VARCHAR[]"],
    ["copies", "UINTEGER[]"],
    ["contents", "BIGINT"],
  ]);
  const schema = await query(
    `SELECT DISTINCT repetition_type FROM parquet_schema(${quote(file)}) WHERE name <> 'spectrum'`,
  );
  expect(schema.map(({ repetition_type }) => repetition_type).sort()).toEqual(["REPEATED", "REQUIRED"]);
});

describe("DuckDB writes the spectrum anew", () => {
  const policies = ["one-group", "per-member", "zero-only", "similar:2", "best:2"].map(
    (policy) => `--policy=${policy}`,
  );
  const compare = (source: string, out: string) =>
    succeed(["compare", source, "--page-size", "1k,4k", ...policies, "--add", "a1", "--out", out, "--quiet"]);

  test.for([
    ["zstd", "", "COMPRESSION zstd"],
    ["snappy", "", "COMPRESSION snappy"],
    ["version 2 pages in small row groups", "", "PARQUET_VERSION v2, ROW_GROUP_SIZE 2048"],
    ["rows in another order", "ORDER BY hash(members, copies, page_bytes)", "COMPRESSION zstd"],
  ] as const)("%s: compare gives the same tables", async ([form, order, options]) => {
    const file = spectrumIn(path.join(folder, WORLDS[0].what));
    const values = await query(
      `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${quote(file)})`,
    );
    const footer = values.map(({ key, value }) => `${quote(String(key))}: ${quote(String(value))}`).join();
    const [anew, out, expected] = ["parquet", "anew", "expected"].map((end) => path.join(folder, `${form}.${end}`));
    await query(
      `COPY (SELECT * FROM ${quote(file)} ${order}) TO ${quote(anew)} (FORMAT parquet, ${options}, KV_METADATA {${footer}})`,
    );
    await compare(file, expected);
    await compare(anew, out);
    expect(tablesIn(out)).toEqual(tablesIn(expected));
    if (order === "") expect(await spectrumRows(spectrumIn(out))).toEqual(await spectrumRows(spectrumIn(expected)));
  });
});
