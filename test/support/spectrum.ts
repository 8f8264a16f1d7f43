// spectrum.parquet as DuckDB reads it, and what a twin that compares whole pages says must be in it.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { query, quote } from "./duckdb.js";
import { type TwinWorld, twinSpectrum } from "./twin.js";

const VERSION = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;

/** A copy vector at one time and page size. */
export interface SpectrumRow {
  time_s: number;
  page_bytes: number;
  /** Whether this is the zero content. */
  zero: boolean;
  members: string[];
  copies: number[];
  contents: number;
}

/** What the footer tells of one world. */
export interface SpectrumWorld {
  time_s: number;
  members: { member: string; labels: Record<string, string> }[];
  sizes: { page_bytes: number; pages: number[]; zero_pages: number[] }[];
}

export interface SpectrumFooter {
  version: string;
  labels: string[];
  worlds: SpectrumWorld[];
}

export const SPECTRUM = "spectrum.parquet";
export const spectrumIn = (folder: string) => path.join(folder, SPECTRUM);

/** The rows of a saved spectrum, in the order in which they lie in the file. */
export async function spectrumRows(file: string): Promise<SpectrumRow[]> {
  const columns = "* EXCLUDE (file_row_number) REPLACE (contents::DOUBLE AS contents)";
  const rows = await query(
    `SELECT ${columns} FROM read_parquet(${quote(file)}, file_row_number = true) ORDER BY file_row_number`,
  );
  return rows as unknown as SpectrumRow[];
}

/** What the footer of a saved spectrum tells; a key of pagekin's that the contract does not know is an error. */
export async function spectrumFooter(file: string): Promise<SpectrumFooter> {
  const rows = await query(
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${quote(file)})`,
  );
  const text = Object.fromEntries(rows.map(({ key, value }) => [key, String(value)]));
  expect(Object.keys(text).sort()).toEqual(["pagekin.labels", "pagekin.version", "pagekin.worlds"]);
  return {
    version: text["pagekin.version"],
    labels: JSON.parse(text["pagekin.labels"]),
    worlds: JSON.parse(text["pagekin.worlds"]),
  };
}

/** Makes sure that a result folder's spectrum holds what the members' dumps have in common, and what the footer must tell. */
export async function expectSpectrum(
  folder: string,
  worlds: readonly TwinWorld[],
  pageSizes: readonly number[],
  labelNames: string[] = [],
  scale = 1,
): Promise<void> {
  const expected = twinSpectrum(worlds, pageSizes, labelNames, scale);
  expect(await spectrumRows(spectrumIn(folder))).toEqual(expected.rows);
  const footer = await spectrumFooter(spectrumIn(folder));
  // A label that a member does not have is empty, or is not there.
  const worldsOfFooter = footer.worlds.map((world) => ({
    ...world,
    members: world.members.map(({ member, labels }) => ({
      member,
      labels: Object.fromEntries(labelNames.map((name) => [name, labels[name] ?? ""])),
    })),
  }));
  expect({ ...footer, worlds: worldsOfFooter }).toEqual({
    version: VERSION,
    labels: labelNames,
    worlds: expected.worlds,
  });
}

/** A check of spectra that must all be the same to the byte, of which the first is looked into. */
export function sameSpectrum(
  ...expected: Parameters<typeof expectSpectrum> extends [string, ...infer Rest] ? Rest : never
) {
  let first: Buffer | undefined;
  return async (folder: string): Promise<void> => {
    if (!first) {
      await expectSpectrum(folder, ...expected);
      first = readFileSync(spectrumIn(folder));
    }
    expect(readFileSync(spectrumIn(folder)).equals(first)).toBe(true);
  };
}
