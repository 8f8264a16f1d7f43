// Spectra to be damaged: written by DuckDB from SQL, and by analyze.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { query, quote } from "./duckdb.js";
import { succeed } from "./pagekin.js";
import { dumpOf, TINY } from "./pieces.js";
import { spectrumIn } from "./spectrum.js";

/** The world below, by test/traces/pyarrow/make.py. */
export const PYARROW_FOLDER = fileURLToPath(new URL("../spectrum/pyarrow", import.meta.url));

/** A row in SQL. */
export type SpectrumRowSql = Partial<
  Record<"time_s" | "page_bytes" | "zero" | "members" | "copies" | "contents", string>
>;

// A world of a (9 pages, 4 of them zero) and b (5 pages, 1 of them zero), as the footer tells it and row by row, in SQL: three
// contents of a alone, two of both, and the zero content.
export const SIZE = { page_bytes: 4096, pages: [9, 5], zero_pages: [4, 1] };
export const [A, B] = [
  { member: "a", labels: { tenant: "red" } },
  { member: "b", labels: { tenant: "blue" } },
];
export const WORLD = { time_s: 0, members: [A, B], sizes: [SIZE] };
export const ROWS: (SpectrumRowSql & Record<"zero" | "members" | "copies" | "contents", string>)[] = [
  { zero: "false", members: "['a']", copies: "[1]", contents: "3" },
  { zero: "false", members: "['a', 'b']", copies: "[1, 2]", contents: "2" },
  { zero: "true", members: "['a', 'b']", copies: "[4, 1]", contents: "1" },
];

/** What is not as above. */
export interface Parts {
  worlds?: string;
  labels?: string;
  rows?: SpectrumRowSql[];
  columns?: string;
  where?: string;
}

/** Has DuckDB write a spectrum. */
export async function writeSpectrum(folder: string, parts: Parts, options = ""): Promise<string> {
  const { worlds = JSON.stringify([WORLD]), labels = '["tenant"]', rows = ROWS, columns = "*", where = "true" } = parts;
  const selects = rows.map(
    ({ time_s = "0::DOUBLE", page_bytes = "4096::INTEGER", zero, members, copies, contents }) =>
      `SELECT ${time_s} AS time_s, ${page_bytes} AS page_bytes, ${zero} AS zero, ${members} AS members, ${copies} AS copies, ${contents} AS contents`,
  );
  const all = `SELECT ${columns} FROM (${selects.join(" UNION ALL ")}) WHERE ${where}`;
  const footer = `KV_METADATA {'pagekin.worlds': ${quote(worlds)}, 'pagekin.labels': ${quote(labels)}}`;
  await query(`COPY (${all}) TO ${quote(path.join(folder, "bad.parquet"))} (FORMAT parquet, ${footer}${options})`);
  return "bad.parquet";
}

/** Has analyze write the spectrum of three members at two times; gives its file, in the folder `out`. */
export async function saveSpectrum(folder: string): Promise<string> {
  const dumps = { a: [TINY, 0, 0, TINY + 1, TINY + 2], b: [TINY, 0, TINY + 1, TINY + 1], c: [TINY + 3, TINY] };
  const sources = Object.entries(dumps).flatMap(([name, pieces]) => {
    writeFileSync(path.join(folder, name), dumpOf(pieces));
    return [`${name}=${name}`, `${name}@15=${name}`].slice(name === "c" ? 1 : 0);
  });
  writeFileSync(path.join(folder, "labels.csv"), "member,tenant\na,red\nb,red\nc,blue\n");
  const options = ["--inventory", "labels.csv", "--page-size", "1k", "--out", "out", "--quiet"];
  await succeed(["analyze", ...sources, ...options], { cwd: folder });
  return spectrumIn(path.join(folder, "out"));
}
