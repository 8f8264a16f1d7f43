// Sources → snapshots with member and time → worlds: all snapshots of one time.

import { existsSync } from "node:fs";
import path from "node:path";
import { isPageSize } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import { type DumpSettings, USUAL_DUMPS } from "../sources/dump.js";
import type { Inventory } from "../sources/inventory.js";
import { Labels, type LabelValues } from "../sources/labels.js";
import { isNamed, nameOfFile, parseSource, type SourceName } from "../sources/names.js";
import { displayName, type Opened, openSource } from "../sources/open.js";
import { breathe } from "../system/pace.js";
import type { TraceHead } from "../traces/rows.js";

/** The memory of one member at one time. */
export interface Snapshot {
  opened: Opened;
  member: string;
  timeS: number;
  labels: LabelValues;
  /** Where the source is a trace. */
  trace?: (TraceHead & { fingerprintBits?: number }) | undefined;
}

/** All snapshots of one time, in the order of the sources. */
export interface World {
  timeS: number;
  snapshots: Snapshot[];
}

export interface Sources {
  worlds: World[];
  /** All snapshots in the order in which they were named. */
  snapshots: Snapshot[];
  /** Names of the inventory's labels, in their order. */
  labelNames: string[];
}

/** What stands for all members where the tables name one. */
export const ALL_MEMBERS = "*";

/** Page sizes that dumps are analyzed at unless others are asked for, in bytes. */
const DEFAULT_PAGE_SIZES = [1024, 2048, 4096, 8192, 16384];

/** The sources that worlds are read from. */
export function sourcesOf(worlds: readonly World[]): Opened[] {
  return worlds.flatMap(({ snapshots }) => snapshots.map(({ opened }) => opened));
}

/** What is to be known of each member's memory, such as what is missing of a cut dump, by the member's name. */
export function notesOfMembers(worlds: readonly World[]): string[] {
  const nameOf = ({ member, timeS }: Snapshot) => (worlds.length > 1 ? `${member} at ${timeS} s` : member);
  return worlds.flatMap(({ snapshots }) =>
    snapshots.flatMap((snapshot) => (snapshot.opened.notes ?? []).map((note) => `${nameOf(snapshot)}: ${note}`)),
  );
}

interface OpenSettings {
  /** Where relative paths begin, if not in the current folder. */
  folder?: string;
  /** The first of the sources, if it was opened before. */
  opened?: Opened | undefined;
  dumps?: DumpSettings;
}

/** Opens what the command line and the inventory name, and sorts it into worlds by time. */
export async function openSources(
  args: readonly string[],
  inventoryFile: string | undefined,
  { folder, opened, dumps = USUAL_DUMPS }: OpenSettings = {},
): Promise<Sources> {
  const inventory = inventoryFile === undefined ? undefined : await loadInventory(inventoryFile);
  const named = args.map((text) => sourceIn(text, folder));
  const names: SourceName[] = [...named, ...(inventory?.sources ?? [])];
  if (names.filter((name) => name.path === "-").length > 1) {
    throw new PagekinError("standard input is named twice", { hint: "write one of the dumps to a file" });
  }
  if (names.length === 0) {
    throw new PagekinError("no source is named", { hint: "name a dump or trace, NAME=PATH, or --inventory FILE.csv" });
  }
  const labels = new Labels(inventory);
  const snapshots: Snapshot[] = [];
  for (const [i, name] of names.entries()) {
    snapshots.push(await openSnapshot(name, labels, dumps, i === 0 ? opened : undefined));
    const turn = breathe();
    if (turn) await turn;
  }
  checkDistinct(snapshots);
  checkMaps(snapshots, dumps);
  checkAlgorithms(snapshots);
  const times = [...new Set(snapshots.map(({ timeS }) => timeS))].sort((a, b) => a - b);
  return {
    worlds: times.map((timeS) => ({ timeS, snapshots: snapshots.filter((s) => s.timeS === timeS) })),
    snapshots,
    labelNames: inventory?.labelNames ?? [],
  };
}

function sourceIn(text: string, folder: string | undefined): SourceName {
  if (folder === undefined) return parseSource(text, existsSync);
  const name = parseSource(text, (file) => existsSync(path.resolve(folder, file)));
  return name.path === "-" ? name : { ...name, path: path.resolve(folder, name.path) };
}

// What reads inventories and traces is loaded where there are some.
async function loadInventory(file: string): Promise<Inventory> {
  const { readInventory } = await import("../sources/inventory.js");
  return readInventory(file);
}

/** The name on the command line replaces both name and time; else a trace's own columns count, then the file's name. */
async function openSnapshot(
  name: SourceName,
  labels: Labels,
  dumps: DumpSettings,
  already: Opened | undefined,
): Promise<Snapshot> {
  const source = already ?? (await openSource(name, dumps));
  const trace =
    source.format === "parquet"
      ? await (await import("../traces/parquet-read.js")).readParquetHead(source)
      : source.format === "csv"
        ? await (await import("../traces/csv.js")).readCsvHead(source)
        : undefined;
  const opened = trace ? { ...source, notes: trace.notes, fileNotes: trace.fileNotes } : source;
  const fromFile = nameOfFile(name.path);
  const member = name.member ?? trace?.member ?? fromFile.member;
  const timeS = name.timeS ?? trace?.timeS ?? fromFile.timeS;
  if (member === ALL_MEMBERS) {
    throw new PagekinError(`no member can be named ${member}: it stands for all in the tables`, {
      file: displayName(name),
      hint: "give it a name: NAME=PATH",
    });
  }
  return { opened, member, timeS, labels: labels.of(member, timeS, name.labels), trace };
}

function checkDistinct(snapshots: readonly Snapshot[]): void {
  const seen = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    const key = JSON.stringify([snapshot.member, snapshot.timeS]);
    const other = seen.get(key);
    if (other) {
      throw new PagekinError(
        `member ${snapshot.member} is there twice at time ${snapshot.timeS} (also ${displayName(other.opened.name)})`,
        { file: displayName(snapshot.opened.name), hint: "give it a name or time of its own: NAME@SECONDS=PATH" },
      );
    }
    seen.set(key, snapshot);
  }
}

/** Maps of resident pages must be for dumps that are there, and each for one. */
export function checkMaps(
  snapshots: readonly Pick<Snapshot, "member" | "timeS" | "trace">[],
  { resident }: DumpSettings,
): void {
  for (const [name, map] of resident) {
    const [snapshot, ...more] = name === "" ? snapshots : snapshots.filter((one) => isNamed(name, one));
    if (!snapshot) {
      throw new PagekinError(`--resident names ${name}, which has no source`, { hint: "name one of the members" });
    }
    if (more.length > 0 && name === "") {
      throw new PagekinError("--resident MAP is for one dump", { hint: "write NAME=MAP for each dump" });
    }
    if (more.length > 0) {
      const what = `--resident names ${name}, of which there are ${1 + more.length} dumps`;
      throw new PagekinError(what, { hint: "write NAME@SECONDS=MAP for each of them" });
    }
    if (snapshot.trace)
      throw new PagekinError("a trace has no pages to leave out", { file: map, hint: "give the dump itself" });
  }
}

function checkAlgorithms(snapshots: readonly Snapshot[]): void {
  const kindOf = ({ trace }: Snapshot) =>
    trace ? `${trace.algorithm}${trace.keyId ? `, key ${trace.keyId}` : ""}` : "xxh3-128";
  const first = snapshots[0];
  const other = snapshots.find((snapshot) => kindOf(snapshot) !== kindOf(first));
  if (!other) return;
  throw new PagekinError(
    `its fingerprints (${kindOf(other)}) do not mix with those of ${displayName(first.opened.name)} (${kindOf(first)})`,
    { file: displayName(other.opened.name), hint: "analyze them apart" },
  );
}

/**
 * The page sizes of a run: those asked for, or the default ones; where sources are traces, those that all of them hold.
 * A trace that lacks a size asked for is an error that names those it has.
 */
export function choosePageSizes(worlds: readonly World[], askedFor: readonly number[] | undefined): number[] {
  const asked = askedFor && checkPageSizes(askedFor);
  const traces = worlds.flatMap(({ snapshots }) => snapshots).filter(({ trace }) => trace);
  if (!asked) {
    const sizes =
      traces.length === 0
        ? DEFAULT_PAGE_SIZES
        : (traces[0].trace?.pageSizes ?? []).filter((size) =>
            traces.every(({ trace }) => trace?.pageSizes.includes(size)),
          );
    if (sizes.length > 0) return sizes;
    throw new PagekinError(`the traces have no page size in common (${listSizes(traces)})`, {
      hint: "analyze them apart",
    });
  }
  for (const { opened, trace } of traces) {
    const missing = asked.filter((size) => !trace?.pageSizes.includes(size));
    if (missing.length > 0) {
      throw new PagekinError(`the trace has no pages of ${missing.join(", ")} bytes`, {
        file: displayName(opened.name),
        hint: `it has ${trace?.pageSizes.join(", ")}: choose of these`,
      });
    }
  }
  return asked;
}

/** Ascending, each once; an error if one is not a power of two from 1 KiB to 2 MiB. */
function checkPageSizes(asked: readonly number[]): number[] {
  const wrong = asked.find((bytes) => !isPageSize(bytes));
  if (wrong !== undefined) {
    throw new PagekinError(`${wrong} bytes is no page size`, {
      hint: "give powers of two from 1k to 2m with --page-size",
    });
  }
  if (asked.length === 0) throw new PagekinError("no page size is asked for", { hint: "give one, such as 4096" });
  return [...new Set(asked)].sort((a, b) => a - b);
}

function listSizes(traces: readonly Snapshot[]): string {
  const lists = traces.map(({ opened, trace }) => `${displayName(opened.name)}: ${trace?.pageSizes.join(" ")}`);
  return lists.length > 3 ? `${lists.slice(0, 3).join("; ")}; ...` : lists.join("; ");
}
