// Scenarios of small worlds: their sources, and the tables of a replay of them.

import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { succeed } from "./pagekin.js";
import { type Row, rowsOf } from "./table.js";

/** Contents by page number; null: a page that is not there. Content 0 is the zero page. */
export type Pages = readonly (number | null)[];

export interface Snapshot {
  member: string;
  timeS: number;
  pages: Pages;
}

export interface Event {
  timeS: number;
  member: string;
  event: "write" | "drop" | "exit" | "unmerge";
  page?: number;
  /** Of a write. That 0 is the zero page is known where a snapshot has one. */
  content?: number;
}

export type Scenario = Record<string, unknown>;

const fingerprint = (content: number) => createHash("md5").update(String(content)).digest("hex");

/** Writes snapshots into a folder; gives the sources that name them. */
export function writeSnapshots(folder: string, snapshots: readonly Snapshot[]): string[] {
  return snapshots.map(({ member, timeS, pages }) => {
    const rows = pages.flatMap((content, page) =>
      content === null ? [] : [`4096,${page},${fingerprint(content)},${content === 0}\n`],
    );
    const file = `${member}-${timeS}.csv`;
    writeFileSync(path.join(folder, file), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
    return `${member}@${timeS}=${file}`;
  });
}

/** Writes events.csv into a folder. */
export function writeEvents(folder: string, events: readonly Event[]): void {
  const rows = events.map(({ timeS, member, event, page, content }) =>
    [timeS, member, event, page ?? "", content === undefined ? "" : fingerprint(content)].join(),
  );
  writeFileSync(path.join(folder, "events.csv"), ["time_s,member,event,page,fingerprint", ...rows, ""].join("\n"));
}

/** Writes a label of each member, for `inventory:` beside sources. */
export function writeLabels(folder: string, label: string, labels: Readonly<Record<string, string>>): string {
  const rows = Object.entries(labels).map(([member, value]) => `${member},${value}\n`);
  writeFileSync(path.join(folder, "labels.csv"), `member,${label}\n${rows.join("")}`);
  return "labels.csv";
}

/** Replays a scenario of a folder; all its tables by the names of their files. `name` keeps several apart. */
export async function replay(
  folder: string,
  scenario: Scenario,
  name = "main",
  ...options: string[]
): Promise<Record<string, Row[]>> {
  writeScenario(folder, scenario, name);
  const out = path.join(folder, `${name}-out`);
  await succeed(["replay", `${name}.yaml`, "--out", out, "--quiet", ...options], { cwd: folder });
  const files = readdirSync(out).filter((file) => file.endsWith(".csv"));
  return Object.fromEntries(files.map((file) => [file, rowsOf(out, file)]));
}

/** YAML takes what JSON writes. */
export function writeScenario(folder: string, scenario: Scenario, name: string): void {
  writeFileSync(path.join(folder, `${name}.yaml`), JSON.stringify(scenario));
}

/** The samples of a group; `*`: of all. */
export const samplesOf = (tables: Record<string, Row[]>, group: string, run = "main"): Row[] =>
  tables["samples.csv"].filter((row) => row.group === group && row.run === run);

/** The last sample of each group, in their order; `*` is left out. */
export function lastSamples(tables: Record<string, Row[]>, run = "main"): Row[] {
  const rows = tables["samples.csv"].filter((row) => row.run === run && row.group !== "*");
  return rows.filter(({ time_s }) => time_s === rows[rows.length - 1].time_s);
}

/** Numbers of a row, by column. */
export const numbersOf = <C extends string>(row: Row, columns: readonly C[]) =>
  Object.fromEntries(columns.map((column) => [column, Number(row[column])])) as Record<C, number>;
