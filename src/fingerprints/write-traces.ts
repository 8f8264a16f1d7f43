// A dump's or live memory's fingerprints, in the order of its pages, as a trace file.

import { closeSync } from "node:fs";
import path from "node:path";
import type { Hasher } from "../core/hasher.js";
import { ENTRY_BYTES } from "../core/module.js";
import type { Run } from "../dumps/layout.js";
import { ledgerOf } from "../dumps/ledger.js";
import { fromSystem } from "../errors.js";
import { displayName } from "../sources/names.js";
import { type Hashable, layoutOf, type OpenSettings, openDump } from "../sources/open-dump.js";
import type { Source } from "../sources/source.js";
import { breathe } from "../system/pace.js";
import { openTemporary, writeTemporary } from "../system/temporary.js";
import { readFully } from "../system/transfer.js";
import type { TraceKey } from "../traces/key.js";
import { TraceWriter } from "../traces/parquet-write.js";
import { OWN_ALGORITHM } from "../traces/rows.js";
import type { Notes } from "../worlds/world.js";
import { refuseEmpty } from "./hash.js";
import { hashAll, type SegmentEnd } from "./segments.js";

/** What a trace is made of: bytes to hash, and whose they are. */
export interface TraceSource extends Notes {
  input: Hashable;
  member: string;
  timeS: number;
  /** Where the trace is written. */
  place: { path: string; shownAs: string };
  /** How errors call the source; the trace keeps the last part of it. */
  shownAs: string;
}

/** A dump that becomes a trace. Whoever takes the task opens it, so there are as many open at a time as threads. */
export interface TraceTask extends Omit<TraceSource, "input" | "shownAs" | keyof Notes> {
  /** Its number, in the order in which sources were named. */
  number: number;
  source: Source;
  settings: OpenSettings;
}

/** What was written. Arrays go by page size. */
export interface TraceFile {
  pages: number[];
  zeroPages: number[];
  /** What a person should know of the file, now that all of it was read. */
  fileNotes: readonly string[];
}

/** What was written of the dump with a number. */
export interface WrittenDump extends TraceFile {
  number: number;
  format: string;
  notes: readonly string[];
}

interface TraceContext {
  hasher: Hasher;
  key: TraceKey | undefined;
  version: string;
  onBytes(bytes: number): void;
}

/** A segment's fingerprints of one size, as they wait in the temporary file: places, then fingerprints. */
interface Waiting {
  runs: Run[];
  entries: number;
  at: number;
}

/** Opens the dumps that `next` hands out, and writes a trace of each. */
export async function writeTraces(next: () => TraceTask | undefined, context: TraceContext): Promise<WrittenDump[]> {
  const files: WrittenDump[] = [];
  for (let task = next(); task; task = next()) {
    const { source, settings, number } = task;
    const dump = await openDump(source, settings);
    try {
      const { input, format, notes, fileNotes } = dump;
      const shownAs = displayName(source.name);
      const file = await writeTrace({ ...task, input, notes, fileNotes, shownAs }, context);
      files.push({ ...file, number, format, notes });
    } finally {
      dump.close();
    }
  }
  return files;
}

export async function writeTrace(source: TraceSource, context: TraceContext): Promise<TraceFile> {
  try {
    return await write(source, context);
  } catch (error) {
    throw fromSystem(error, source.shownAs);
  }
}

async function write(
  { input, member, timeS, notes, fileNotes: known, place, shownAs }: TraceSource,
  context: TraceContext,
): Promise<TraceFile> {
  const { hasher, key, version, onBytes } = context;
  const { pageSizes } = hasher;
  const fd = openTemporary();
  try {
    const waiting: Waiting[][] = pageSizes.map(() => []);
    const sums = { bytes: 0, wholeBytes: 0, zeroBytes: 0 };
    const counts = { pages: pageSizes.map(() => 0), zeroPages: pageSizes.map(() => 0) };
    let used = 0;
    const onSegment = (end: SegmentEnd) => {
      sums.bytes += end.bytes;
      sums.wholeBytes += end.wholeBytes;
      sums.zeroBytes += end.zeroBytes;
      const runs = end.runs();
      pageSizes.forEach((_, size) => {
        const { fingerprints, places } = hasher.toCanonical(size);
        const bytes = new Uint8Array(places.buffer, places.byteOffset, places.byteLength);
        writeTemporary(fd, bytes, used);
        writeTemporary(fd, fingerprints, used + bytes.length);
        waiting[size].push({ runs, entries: places.length, at: used });
        used += bytes.length + fingerprints.length;
        counts.pages[size] += end.pages[size];
        counts.zeroPages[size] += end.zeroPages[size];
      });
    };
    const fileNotes = [...known];
    await hashAll(input, hasher, { onBytes, onSegment, onNote: (note) => fileNotes.push(note) });
    const layout = layoutOf(input);
    refuseEmpty(counts.pages, pageSizes, { file: shownAs, layout });
    const head = {
      member,
      timeS,
      algorithm: OWN_ALGORITHM,
      keyId: key?.id,
      addressSpace: layout?.addressSpace ?? "physical",
      ledger: ledgerOf(sums, layout),
      notes,
      fileNotes,
      pageSizes,
    };
    const named = key ? (await import("../traces/key.js")).cipherOf(key) : (bytes: Uint8Array) => bytes;
    const parts = layout?.parts ?? [];
    const writer = new TraceWriter(place, head, version, path.basename(shownAs));
    try {
      for (const [size, pageBytes] of pageSizes.entries()) {
        const zeroFingerprint = named(hasher.zeroFingerprint(size));
        for (const { runs, ...part } of waiting[size]) {
          const { places, fingerprints } = readWaiting(part, fd);
          writer.add({ pageBytes, runs, parts, places, fingerprints: named(fingerprints), zeroFingerprint });
          await breathe();
        }
      }
      writer.finish();
    } finally {
      writer.close();
    }
    return { ...counts, fileNotes };
  } finally {
    closeSync(fd);
  }
}

function readWaiting(
  { entries, at }: Omit<Waiting, "runs">,
  fd: number,
): { places: Uint32Array; fingerprints: Uint8Array } {
  const places = new Uint32Array(entries);
  const fingerprints = new Uint8Array(entries * ENTRY_BYTES);
  readFully(fd, new Uint8Array(places.buffer), at);
  readFully(fd, fingerprints, at + places.byteLength);
  return { places, fingerprints };
}
