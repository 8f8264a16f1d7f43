// What the library's functions give, without what pagekin needs for itself.

import type { Ledger } from "../dumps/ledger.js";
import type { Shareout, TimedDecision } from "../replay/course.js";
import type { Sample } from "../replay/sample.js";
import type { Score } from "../sharing/isolation.js";
import type { Sharing } from "../sharing/sharing.js";

/** The file that a snapshot is read from. */
export interface SourceFile {
  name: { readonly path: string };
  /** `raw`, `elf`, ..., `parquet`; a name of `--format`. */
  format: string;
  /** Of the file; 0 for a pipe. */
  bytes: number;
}

/** The memory of one member at one time. */
export interface Snapshot {
  source: SourceFile;
  member: string;
  /** Seconds; 0 where no time is given. */
  timeS: number;
  /** The inventory's labels. */
  labels: Readonly<Record<string, string>>;
}

/** All snapshots of one time, in the order of the sources. */
export interface World {
  timeS: number;
  snapshots: readonly Snapshot[];
}

/** What was found in a snapshot. Arrays go by page size. */
export interface Found {
  /** As ledger.csv has it. */
  format: string;
  pages: readonly number[];
  zeroPages: readonly number[];
  /** Where every byte of its dump went, in bytes; empty where a trace does not tell. */
  ledger: Readonly<Ledger>;
  addressSpace: string | undefined;
  /** What a person should know of the memory, such as what is missing of a truncated dump, and of the file. */
  notes: readonly string[];
  fileNotes: readonly string[];
}

/** A world and what was found in it, at each page size (ascending). */
export interface WorldResult {
  world: World;
  /** By snapshot. */
  found: readonly Found[];
  sharing: Sharing[];
}

/** What a run of a scenario came to. Groups and members are numbers; times are nanoseconds. */
export interface ReplayedRun {
  /** `main`, `key=value,...` under vary, or its name. */
  name: string;
  /** Their names, by number. */
  members: readonly string[];
  groups: readonly string[];
  samples: readonly Sample[];
  shareouts: readonly Shareout[];
  decisions: readonly TimedDecision[];
  /** What tenants of one group have in common at the end. */
  exposure: Score["exposure"];
}
