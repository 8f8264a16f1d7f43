// What a scenario's files hold: members with their pages, events, usage, curves. Contents of all are numbered together.

import { Hasher } from "../core/hasher.js";
import { quoted } from "../errors.js";
import { EVENT_COLUMNS, parseEvents } from "../replay/events.js";
import { membersOf, type ReplayEvent, type ReplayMember, type ReplaySnapshot } from "../replay/members.js";
import { type RunScenario, ScenarioFault } from "../replay/scenario/parse.js";
import type { Scenario } from "../replay/scenario/schema.js";
import { isOnClock, NANOSECONDS, OFF_CLOCK } from "../replay/time.js";
import { parseUsage, USAGE_COLUMNS, type UsageRow } from "../replay/usage-file.js";
import { CURVE_COLUMNS, type Curve, parseCurve } from "../replay/workload.js";
import { isTrace } from "../sources/source.js";
import { breathe } from "../system/pace.js";
import { type CsvRow, readRows } from "../text/read-csv.js";
import { traceFormatOf } from "../traces/registry.js";
import { writeFingerprint } from "../traces/rows.js";
import { readingOf, type Sources } from "../worlds/sources.js";
import { type Noted, notedOf, type Snapshot } from "../worlds/world.js";
import { ContentTable, listPages, type PageList } from "./page-list.js";

/** Files of all runs, by the name that scenarios have for them. */
export interface Loaded {
  members: ReplayMember[];
  /** What a person should know of each snapshot. */
  noted: Noted[];
  events: Map<string, ReplayEvent[]>;
  usage: Map<string, UsageRow[]>;
  curves: Map<string, Curve>;
}

export interface LoadSettings {
  module: WebAssembly.Module;
  runs: readonly RunScenario[];
  /** The path of a file that a scenario names. */
  inFolder(name: string): string;
  onBytes(bytes: number): void;
  /** Whether pages and contents are to be in memory that threads can share. */
  isShared: boolean;
}

export async function load(sources: Sources, settings: LoadSettings): Promise<Loaded> {
  const { module, runs, inFolder, onBytes, isShared } = settings;
  const scenarios = runs.map(({ scenario }) => scenario);
  const names = new Set(sources.snapshots.map(({ member }) => member));
  const eachFile = async <T>(
    nameOf: (scenario: Scenario) => readonly (string | undefined)[],
    columns: readonly string[],
    parse: (rows: CsvRow[], file: string) => T | Promise<T>,
  ) => {
    const parsed = new Map<string, T>();
    for (const name of new Set(scenarios.flatMap(nameOf))) {
      if (name === undefined) continue;
      const file = inFolder(name);
      parsed.set(name, await parse(await readRows(file, sources.inputs, columns), file));
    }
    return parsed;
  };
  const usage = await eachFile(
    (scenario) => [scenario.usage],
    USAGE_COLUMNS,
    (rows, file) => parseUsage(rows, file, names, breathe),
  );
  const curves = await eachFile(
    ({ members }) => [...members.values()].map(({ workload }) => workload?.curve),
    CURVE_COLUMNS,
    (rows, file) => parseCurve(rows, file, breathe),
  );
  const table = new ContentTable();
  const [{ page_size: pageBytes }] = scenarios;
  const hasher = new Hasher(module, [pageBytes]);
  const [{ source: first }] = sources.snapshots;
  const isForeign = isTrace(first) && (await traceFormatOf(first)).isForeign;
  if (!isForeign) table.markZero(table.number(hasher.zeroFingerprint(0), 0));
  const { lists, noted } = await listAll(sources, hasher, table, onBytes);
  const events = await eachFile(
    (scenario) => [scenario.events],
    EVENT_COLUMNS,
    (rows, file) => parseEvents(rows, file, { members: names, ...fingerprintsOf(table, isForeign) }, breathe),
  );
  const places = await table.places();
  for (const { contents } of lists) {
    for (let i = 0; i < contents.length; i++) contents[i] = places[contents[i]];
    const turn = breathe();
    if (turn) await turn;
  }
  const allEvents = [...events.values()].flat();
  for (const event of allEvents) event.content = places[event.content];
  const members = await membersOf(lists, allEvents, breathe);
  return { members: isShared ? members.map(inSharedMemory) : members, noted, events, usage, curves };
}

/** Fingerprints in events are of the sources' algorithm: of other tools' traces they may be short. */
function fingerprintsOf(table: ContentTable, isForeign: boolean) {
  const pattern = isForeign ? /^([0-9a-f]{2}){1,16}$/i : /^[0-9a-f]{32}$/i;
  const bytes = new Uint8Array(16);
  return {
    contentOf(hex: string) {
      if (!pattern.test(hex)) return undefined;
      writeFingerprint(hex, bytes, 0);
      return table.number(bytes, 0);
    },
    fingerprintHint: isForeign ? "give 1 to 16 bytes in hex" : "give 16 bytes in hex",
  };
}

function inSharedMemory(member: ReplayMember): ReplayMember {
  const pages = new Float64Array(new SharedArrayBuffer(member.pages.byteLength));
  pages.set(member.pages);
  const snapshots = member.snapshots.map(({ ns, contents }) => {
    const shared = new Uint32Array(new SharedArrayBuffer(contents.byteLength));
    shared.set(contents);
    return { ns, contents: shared };
  });
  return { ...member, pages, snapshots };
}

/** One dump is open at a time. */
async function listAll(
  sources: Sources,
  hasher: Hasher,
  table: ContentTable,
  onBytes: (bytes: number) => void,
): Promise<{ lists: ReplaySnapshot[]; noted: Noted[] }> {
  const lists: ReplaySnapshot[] = [];
  const noted: Noted[] = [];
  const latest = new Map<string, PageList>();
  for (const snapshot of sources.worlds.flatMap(({ snapshots }) => snapshots)) {
    const { source, member, labels, timeS, trace } = snapshot;
    const dump = trace ? undefined : await sources.openDump(snapshot);
    try {
      const atEnd: string[] = [];
      const onNote = (note: string) => atEnd.push(note);
      const list = await listPages(source, dump, hasher, table, { onBytes, onNote });
      const before = latest.get(member);
      // The snapshots of a machine mostly have the same pages: one list of them is enough.
      const pages = before && isSame(before.pages, list.pages) ? before.pages : list.pages;
      latest.set(member, { pages, contents: list.contents });
      lists.push({ member, labels, ns: Math.round(timeS * NANOSECONDS), pages, contents: list.contents });
      noted.push(notedOf(snapshot, readingOf({ ...snapshot, dump }, atEnd)));
    } finally {
      dump?.close();
    }
  }
  return { lists, noted };
}

const isSame = (a: Float64Array, b: Float64Array) => a.length === b.length && a.every((page, i) => page === b[i]);

/** The snapshots that a scenario lists must be in the order of time, member by member, and none beyond the clock. */
export function checkOrder(snapshots: readonly Snapshot[], listed: number): void {
  const latest = new Map<string, number>();
  for (const [i, { member, timeS }] of snapshots.entries()) {
    const path = i < listed ? ["sources", i] : ["inventory"];
    if (!isOnClock(timeS * NANOSECONDS)) {
      const what = `the snapshot of ${quoted(member)} is at ${timeS} s, but ${OFF_CLOCK.what}`;
      throw new ScenarioFault(path, what, `${OFF_CLOCK.hint}: NAME@SECONDS=PATH, or time_s of an inventory`);
    }
    const before = latest.get(member);
    if (i < listed && before !== undefined && before > timeS) {
      const what = `the snapshot of ${quoted(member)} at ${timeS} s comes after that at ${before} s`;
      throw new ScenarioFault(path, what, "list snapshots in the order of time");
    }
    latest.set(member, timeS);
  }
}
