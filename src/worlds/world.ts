import { displayName, type LabelValues } from "../sources/names.js";
import { isSeekable, type Source } from "../sources/source.js";
import type { TraceHead } from "../traces/rows.js";

/** The memory of one member at one time. */
export interface Snapshot {
  source: Source;
  member: string;
  timeS: number;
  labels: LabelValues;
  /** Where the source is a trace. */
  trace: TraceHead | undefined;
  /** What is to be known of its file before it is read. */
  fileNotes?: readonly string[];
}

/** All snapshots of one time, in the order of the sources. */
export interface World {
  timeS: number;
  snapshots: readonly Snapshot[];
}

/** Bytes of all files that are to be read; undefined: nobody knows how much compressed files and pipes will hold. */
export function bytesInAll(snapshots: readonly Pick<Snapshot, "source">[]): number | undefined {
  if (!snapshots.every(({ source }) => isSeekable(source))) return undefined;
  return snapshots.reduce((sum, { source }) => sum + source.bytes, 0);
}

/** What a person should know: of the memory, such as what is missing of a cut dump; and of the file. */
export interface Notes {
  notes: readonly string[];
  fileNotes: readonly string[];
}

/** A snapshot, and what a person should know of it. */
export interface Noted extends Notes {
  snapshot: Snapshot;
}

/** What a snapshot that was read turned out to be. */
export interface Read extends Notes {
  /** As ledger.csv has it. */
  format: string;
}

export const notedOf = (snapshot: Snapshot, { format, notes, fileNotes }: Read): Noted => {
  const { source, member, timeS, labels, trace, fileNotes: known = [] } = snapshot;
  const noted = { source: { ...source, format }, member, timeS, labels, trace };
  return { snapshot: noted, notes, fileNotes: [...known, ...fileNotes] };
};

/** The same with all notes in one list. */
export const readOf = ({ snapshot, notes, fileNotes }: Noted) => ({ ...snapshot, notes: [...notes, ...fileNotes] });

/** Notes with the names of their files. */
export const notesByFile = (noted: readonly Noted[]): string[] =>
  noted.map(readOf).flatMap(({ source, notes }) => notes.map((note) => `${displayName(source.name)}: ${note}`));

/** Notes of the memory with the names of their members, and times where there are several. */
export function notesByMember(noted: readonly Noted[]): string[] {
  const hasTimes = noted.some(({ snapshot }) => snapshot.timeS !== noted[0].snapshot.timeS);
  const nameOf = ({ member, timeS }: Snapshot) => (hasTimes ? `${member} at ${timeS} s` : member);
  return noted.flatMap(({ snapshot, notes }) => notes.map((note) => `${nameOf(snapshot)}: ${note}`));
}

/** What stands for all members, or groups, where the tables name one; a column beside it tells it from one of that name. */
export const ALL_MEMBERS = "*";
