// Small worlds and scenarios for `pagekin replay`, and the tables that come out.

import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { succeed } from "./pagekin.js";
import { type Row, rowsOf } from "./table.js";

export const PAGE = 4096;

/** Pages by number: their contents by number, 0 is the zero content; undefined: the page is not there. */
export type Pages = readonly (number | undefined)[];

/** 16 bytes in hex for a content. */
export const fingerprint = (content: number): string =>
  content === 0 ? "0".repeat(32) : createHash("md5").update(String(content)).digest("hex");

/** Writes a member's trace. */
export function writeMember(folder: string, file: string, pages: Pages): void {
  const rows = pages.flatMap((content, page) =>
    content === undefined ? [] : [`${PAGE},${page},${fingerprint(content)},${content === 0}\n`],
  );
  writeFileSync(path.join(folder, file), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
}

export interface World {
  /** By source: NAME@SECONDS. */
  sources: Readonly<Record<string, Pages>>;
  /** Keys of the scenario, sources aside. */
  scenario: Readonly<Record<string, unknown>>;
  /** Files that it names. */
  files?: Readonly<Record<string, string>>;
}

/** Replays a world in a folder; gives its tables. */
export async function replay(folder: string, { sources, scenario, files = {} }: World): Promise<Replayed> {
  const named = Object.entries(sources).map(([source, pages], i) => {
    writeMember(folder, `source-${i}.csv`, pages);
    return `${source}=source-${i}.csv`;
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  // JSON is YAML.
  writeFileSync(path.join(folder, "scenario.yaml"), JSON.stringify({ sources: named, ...scenario }));
  await succeed(["replay", "scenario.yaml", "--out", "out", "--quiet"], { cwd: folder });
  return new Replayed(path.join(folder, "out"));
}

export class Replayed {
  constructor(readonly out: string) {}

  has(table: string): boolean {
    return existsSync(path.join(this.out, `${table}.csv`));
  }

  rows(table: string): Row[] {
    return rowsOf(this.out, `${table}.csv`);
  }

  /** Decisions without their reasons. */
  decisions(): string[] {
    return this.rows("decisions").map((row) => decision(row.time_s, row.subject, row.action, row.from, row.to));
  }
}

export const decision = (
  timeS: string | number,
  subject: string,
  action: string,
  from: string | number,
  to: string | number,
): string => `${timeS} ${subject} ${action} ${from} ${to}`;

/** Pages that a row of samples.csv calls saved. */
export const reclaimed = (row: Row): number => Number(row.pages_sharing) + Number(row.ksm_zero_pages);

/** A row of samples.csv, by time and group. */
export function sampleOf(rows: readonly Row[], timeS: number, group = "*"): Row {
  const found = rows.find((row) => Number(row.time_s) === timeS && row.group === group);
  if (!found) throw new Error(`no sample of ${group} at ${timeS} s`);
  return found;
}

/** A time of whole milliseconds in seconds. */
export const fromMs = (ms: number): number => ms / 1000;
