// Fingerprints that were chosen so that a fixed choice of places in tables would bring all of them to one.

import path from "node:path";
import { analyze } from "pagekin";
import { expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { test } from "../support/folder.js";
import { soon } from "../support/limits.js";
import { replay } from "../support/scenario.js";

const PAGES = 200_000;

/** A trace of pages that all differ, but begin with one byte and have two equal halves; each is there twice. */
async function writeAlike(folder: string): Promise<string> {
  const file = path.join(folder, "alike.parquet");
  const half = "'07' || substr(md5(i::VARCHAR), 1, 14)";
  await query(`COPY (
    SELECT 'm' AS member, 0::DOUBLE AS time_s, 4096::INTEGER AS page_bytes, row_number() OVER () - 1 AS page,
      unhex(${half} || ${half}) AS fingerprint, false AS zero
    FROM range(${PAGES}) t(i), range(2)
  ) TO ${quote(file)} (FORMAT parquet)`);
  return file;
}

test("are indexed as quickly as any others", async ({ folder }) => {
  const file = await writeAlike(folder);
  const [world] = await soon(() => analyze([file], { workers: 1 }));
  expect(world?.sharing[0]).toMatchObject({ pages: [2 * PAGES], nonzeroContents: [PAGES], nonzeroUnion: PAGES });
});

test("are numbered as quickly for a replay", async ({ folder }) => {
  const sources = [`m=${await writeAlike(folder)}`];
  const scanner = { pages_to_scan: 2 * PAGES };
  const tables = await soon(() => replay(folder, { sources, until: "3 passes", scanner }));
  expect(tables["samples.csv"].slice(-1)[0]).toMatchObject({
    pages_shared: String(PAGES),
    pages_sharing: String(PAGES),
  });
});

test("do not even differ in the order of results", async ({ folder }) => {
  const file = await writeAlike(folder);
  const read = async (maxMemory: number) => (await analyze([file], { workers: 2, maxMemory }))[0]?.sharing;
  expect(await read(2 ** 20)).toEqual(await read(2 ** 30));
});
