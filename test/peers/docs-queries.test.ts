// The queries that the documents show, in DuckDB, and the numbers that they say come out.

import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { query } from "../support/duckdb.js";
import { inFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Query {
  document: string;
  /** The line that introduces the query. */
  about: string;
  sql: string;
  /** Numbers that this line promises, in brackets: (11,590 of 49,152). */
  promised: number[];
}

function queriesOf(document: string): Query[] {
  const text = readFileSync(path.join(ROOT, document), "utf8");
  return [...text.matchAll(/^([^\n]+)\n\n```sql\n(.*?)^```$/gms)].map(([, about, sql]) => {
    const brackets = /\(([\d,]+)(?: of ([\d,]+))?\)[^()]*$/.exec(about) ?? [];
    const promised = brackets.slice(1).filter((number) => number !== undefined);
    return { document, about, sql, promised: promised.map((number) => Number(number.replaceAll(",", ""))) };
  });
}

const queries = ["docs/traces.md", "docs/files.md", "docs/library.md", "traces/README.md"].flatMap(queriesOf);

test("there are queries, and numbers to check", () => {
  expect(queries.length).toBeGreaterThan(4);
  expect(queries.flatMap(({ promised }) => promised).length).toBeGreaterThan(2);
});

describe.each(queries)("$document: $about", ({ sql, promised }) => {
  test("works", () =>
    inFolder(async (folder) => {
      // Paths are relative to a clone; what is written goes elsewhere.
      mkdirSync(path.join(folder, "demo-out"));
      if (sql.includes("'demo-out/guests/")) {
        const out = path.join(folder, "demo-out", "guests");
        await succeed(["analyze", "--inventory", path.join(ROOT, "traces/guests.csv"), "--out", out, "--quiet"]);
      }
      const there = sql.replaceAll("'traces/", `'${ROOT}traces/`).replaceAll("'demo-out/", `'${folder}/demo-out/`);
      const rows = await query(there);
      expect(rows.length).toBeGreaterThan(0);
      const values = rows.flatMap((row) => Object.values(row).map(Number));
      expect(values).toEqual(expect.arrayContaining(promised));
    }));
});
