// What every dump format is: a file beside this one, and a line in registry.ts.

import type { DumpFile } from "../dump-file.js";
import type { ExtentList } from "../extents.js";

export interface DumpFormat {
  /** As ledger.csv, `inspect` and --format have it. */
  name: string;
  /** Whether a file that begins with this head (HEAD_BYTES of known.ts, less of a shorter file) is of this format. */
  probe(head: Buffer): boolean;
  /**
   * Finds out which addresses the dump holds, and where, before any page is read. Headers may lie: whatever cannot be is a
   * PagekinError with its offset. Long loops await breathe() now and then.
   */
  plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan>;
}

export interface PlanSettings {
  /** A file that ends early is read as far as it goes; otherwise that is an error. */
  allowTruncated: boolean;
  /** What holes of sparse raw files are: zeros (usually), or pages that the dump does not hold, as in a diff snapshot. */
  holes?: "zero" | "absent";
}

/** A range of addresses. */
export interface Range {
  address: number;
  bytes: number;
}

export interface DumpPlan {
  /** Physical of machines, virtual of processes. */
  addressSpace: "physical" | "virtual";
  /** In the order of the file; they may overlap. */
  extents: ExtentList;
  /** Which of overlapping extents counts; the others are repeats. */
  wins: "first" | "last";
  /** Whether this is an x86 machine's memory, with devices and firmware below 4 GiB. */
  isX86: boolean;
  /** What the dump speaks of, so that what is not described of it is absent; undefined: from its first to its last byte. */
  span?: readonly Range[];
  /** Ranges that are never RAM of their own: vsyscall, vdso and vvar of a process. */
  outside?: readonly Range[];
  /** Bytes described that have no guest address at all, of blocks that are not RAM. */
  blockBytes?: number;
  /** Bytes that lie scattered in the file, brought together: offsets of extents from the file's length on are in it. */
  extra?: Uint8Array;
  /** What a person should know: pages lost, a dump cut short. One sentence each. */
  notes: string[];
  /** The same of the file that has nothing to do with what the memory holds, if that is all there: traces and spectra of one dump
   * are the same however its file came. */
  fileNotes?: string[];
  /** Bytes of earlier copies that the plan has left out itself, where the format sends an address again. */
  repeatedBytes?: number;
  /** What else `inspect` tells. */
  details?: Record<string, unknown>;
}
