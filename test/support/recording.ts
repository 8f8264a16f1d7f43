// Recordings of the real ksmd (test/support/ksmd/along/README.md) as scenarios.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const FOLDER = fileURLToPath(new URL("ksmd/along/", import.meta.url));
/** Virtual time: a batch every 20 ms; what happens after a batch, half-way; the state after it, three quarters on. */
const BATCH_S = 0.02;

interface Event {
  op: "write" | "enter" | "exit" | "drop" | "unmerge";
  member: string;
  after_sample: number;
  pages: number[];
  ids: number[];
  start: number;
  count: number;
}

interface Run {
  world: string;
  start: string[];
  settings: Record<string, number>;
  events: string | null;
}

export interface Expected {
  /** As samples.csv writes it. */
  time: string;
  counters: Record<string, string>;
}

const COUNTERS = [
  "pages_scanned",
  "full_scans",
  "pages_shared",
  "pages_sharing",
  "pages_unshared",
  "pages_volatile",
  "pages_skipped",
  "ksm_zero_pages",
  "stable_node_chains",
  "stable_node_dups",
  "general_profit",
];

const json = (name: string) => JSON.parse(readFileSync(path.join(FOLDER, name), "utf8"));
const unzipped = (name: string) => gunzipSync(readFileSync(path.join(FOLDER, name)));

/** Writes a recording's scenario.yaml and its sources to a folder; gives what the kernel's counters were, and when. */
export function writeRecording(folder: string, kernel: string, name: string): Expected[] {
  const run: Run = json(`${kernel}-${name}.json`);
  const events: Event[] = run.events ? JSON.parse(unzipped(`${kernel}-${name}.events.json.gz`).toString()) : [];
  const lines = readFileSync(path.join(FOLDER, `${kernel}-${name}.csv`), "utf8")
    .trim()
    .split("\n");
  const [header, ...rows] = lines.map((line) => line.split(","));
  const happened = new Set(events.map((event) => event.after_sample));
  const quarters = [0];
  let batches = 0;
  for (let line = 1; line < rows.length; line++) {
    if (!happened.has(line - 1)) batches++;
    quarters.push((batches - 1) * 4 + (happened.has(line - 1) ? 3 : 0));
  }
  const clock = (line: number) => (line === 0 ? 0 : ((quarters[line] + 2) * BATCH_S) / 4);
  const entered = new Map(events.filter(({ op }) => op === "enter").map((event) => [event.member, event]));
  const members = [...run.start, ...[...entered.keys()].filter((member) => !run.start.includes(member))];
  writeMembers(folder, kernel, run.world, members);
  const sources = members.map((member) => {
    const event = entered.get(member);
    return `  - ${member}@${seconds(event ? clock(event.after_sample) : 0)}=${member}.csv`;
  });
  const settings = Object.entries(run.settings).filter(([key]) => kernel !== "k61" || key !== "smart_scan");
  const scenario = [
    "sources:",
    ...sources,
    `until: ${seconds(batches * BATCH_S)}s`,
    "sample: 5ms",
    "scanner:",
    `  rules: ${kernel === "k61" ? "linux-6.1" : "linux-6.11"}`,
    ...settings.map(([key, value]) => `  ${key}: ${value}`),
    ...(events.length > 0 ? ["events: events.csv"] : []),
  ];
  writeFileSync(path.join(folder, "scenario.yaml"), `${scenario.join("\n")}\n`);
  if (events.length > 0) writeFileSync(path.join(folder, "events.csv"), eventRows(events, clock));
  return rows.slice(1).map((row, i) => ({
    time: seconds((quarters[i + 1] * BATCH_S) / 4),
    counters: Object.fromEntries(
      COUNTERS.flatMap((counter) => {
        const value = row[header.indexOf(counter)];
        return header.includes(counter) && value ? [[counter, value]] : [];
      }),
    ),
  }));
}

const seconds = (value: number) => String(Number(value.toFixed(6)));

function writeMembers(folder: string, kernel: string, world: string, members: readonly string[]): void {
  const bytes = unzipped(`${kernel}-world-${world}.ids.gz`);
  const ids = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let at = 0;
  for (const { name, pages } of json(`${kernel}-world-${world}.json`).members as { name: string; pages: number }[]) {
    const rows = Array.from(ids.subarray(at, at + pages), (id, page) => `4096,${page},${fingerprint(id)},${id === 0}`);
    if (members.includes(name)) {
      writeFileSync(path.join(folder, `${name}.csv`), `page_bytes,page,fingerprint,zero\n${rows.join("\n")}\n`);
    }
    at += pages;
  }
}

function eventRows(events: readonly Event[], clock: (line: number) => number): string {
  const rows = events.flatMap((event) => {
    const head = `${seconds(clock(event.after_sample))},${event.member}`;
    if (event.op === "write") return event.pages.map((page, i) => `${head},write,${page},${fingerprint(event.ids[i])}`);
    if (event.op === "drop") return Array.from({ length: event.count }, (_, i) => `${head},drop,${event.start + i},`);
    return event.op === "enter" ? [] : [`${head},${event.op},,`];
  });
  return `time_s,member,event,page,fingerprint\n${rows.join("\n")}\n`;
}

const WORD = (1n << 64n) - 1n;

/** 16 bytes in hex that compare as the recorded pages do. */
export function fingerprint(id: number): string {
  if (id === 0) return "0".repeat(32);
  let x = (BigInt(id) + 0x9e3779b97f4a7c15n) & WORD;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & WORD;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & WORD;
  return (x ^ (x >> 31n)).toString(16).padStart(16, "0").padEnd(32, "0");
}
