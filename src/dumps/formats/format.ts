// What every dump format is: a file beside this one, and a line in registry.ts.

import type { Packing } from "../../unpack/compression.js";
import type { DumpFile } from "../dump-file.js";
import type { ExtentList } from "../extents.js";
import type { Parts } from "../folding.js";

/** What is known of a format by its first bytes. */
interface Recognized {
  /** As ledger.csv, `inspect` and --format have it. */
  name: string;
  /** Whether a file that begins with this head (HEAD_BYTES of known.ts, less of a shorter file) is of this format. */
  probe(head: Buffer): boolean;
}

/** A container around a dump of another format. */
export interface Container extends Recognized {
  /** Finds the dump inside; its own format plans it. Headers may lie, as those of dumps. */
  unwrap(file: DumpFile): Promise<Wrapped>;
}

export interface DumpFormat extends Recognized {
  /**
   * Finds out which addresses the dump holds, and where, before any page is read. Headers may lie: whatever cannot be is a
   * PagekinError with its offset. Long loops await breathe() now and then.
   */
  plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan>;
}

/** A dump inside a container. It goes on to the end of the file. */
export interface Wrapped {
  /** Offset of its first byte. */
  offset: number;
  /** How it is compressed; undefined: it is not. */
  packing: Packing | undefined;
  /** Name of its format. */
  format: string;
  /** What else `inspect` tells of the container. */
  details: Record<string, unknown>;
}

export interface PlanSettings {
  /** A file that ends early is read as far as it goes; otherwise that is an error. */
  allowTruncated: boolean;
  /** What holes of sparse raw files are: zeros (usually), or pages that the dump does not hold, as in a diff snapshot. */
  holes?: "zero" | "absent";
}

/** Physical of machines, virtual of processes. */
export type AddressSpace = "physical" | "virtual";

/** A machine whose dump may hold memory of devices beside RAM; ranges.ts knows what its RAM looks like. */
export interface Board {
  /** hvm: Xen's PC; other: a board without a rule. */
  kind: "pc" | "hvm" | "arm" | "riscv" | "other";
  /** Who wrote the dump. */
  writer: string;
  /** Whether RAM may be missing anywhere: what no page table maps, what the guest gave back. */
  hasHoles: boolean;
  /** Whether each extent is a block of the writer's: what is next to each other in its memory is one. */
  hasBlocks: boolean;
}

/** A range of addresses, folded ones where the dump's addresses are. */
export interface Range {
  address: number;
  bytes: number;
}

export interface DumpPlan {
  /** Where the file is of another format than its first bytes say: flattened ones may be. */
  format?: string;
  addressSpace: AddressSpace;
  /** How addresses are folded; empty or undefined: not at all. */
  parts?: Parts;
  /** In the order of the file; they may overlap. */
  extents: ExtentList;
  /** Which of overlapping extents counts; the others are repeats. */
  wins: "first" | "last";
  /** Whose rules tell RAM from devices; undefined: nothing but RAM is in it. */
  board?: Board;
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
  /**
   * The same of the file, where it says nothing of what the memory holds if that is all there: traces and spectra of one dump
   * are the same however its file came.
   */
  fileNotes?: string[];
  /** Bytes of earlier copies that the plan has left out itself, where the format sends an address again. */
  repeatedBytes?: number;
  /** What else `inspect` tells. */
  details?: Record<string, unknown>;
  /** Where the file is one part of a split dump: which part. */
  part?: SplitPart;
}

/** The addresses whose pages are in a part of a split dump. */
export interface SplitPart extends Range {
  /** The same for all parts of one dump. */
  dump: string;
  /** Where the addresses of all parts end. */
  wholeEnd: number;
  /** The plan's notes without what is in other parts. */
  notes: string[];
}
