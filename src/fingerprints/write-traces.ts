// `pagekin fingerprint`: a source's fingerprints, in the order of its pages, as a trace file. One task is one source.

import { closeSync } from "node:fs";
import path from "node:path";
import type { Hasher } from "../core/hasher.js";
import { ENTRY_BYTES } from "../core/module.js";
import type { Run } from "../dumps/layout.js";
import { ledgerOf } from "../dumps/ledger.js";
import { fromSystem } from "../errors.js";
import { displayName, type Opened } from "../sources/open.js";
import { breathe } from "../system/pace.js";
import { openTemporary, writeTemporary } from "../system/temporary.js";
import type { TraceKey } from "../traces/key.js";
import { TraceWriter } from "../traces/parquet-write.js";
import { refuseEmpty } from "./hash.js";
import { hashSource, readWhole, type SegmentEnd } from "./segments.js";

export interface TraceTask {
  source: number;
  opened: Opened;
  member: string;
  timeS: number;
  /** Name of the file, and where it is written. */
  fileName: string;
  place: { path: string; shownAs: string };
}

/** What was written for a source. Arrays go by page size. */
export interface TraceFile {
  source: number;
  fileName: string;
  pages: number[];
  zeroPages: number[];
  /** What was known of its source only when all of it was read. */
  fileNotes: string[];
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

export async function writeTraces(next: () => TraceTask | undefined, context: TraceContext): Promise<TraceFile[]> {
  const files: TraceFile[] = [];
  for (let task = next(); task; task = next()) {
    try {
      files.push(await writeTrace(task, context));
    } catch (error) {
      throw fromSystem(error, displayName(task.opened.name));
    }
  }
  return files;
}

async function writeTrace(task: TraceTask, context: TraceContext): Promise<TraceFile> {
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
    const fileNotes: string[] = [];
    await hashSource(task.opened, hasher, { onBytes, onSegment, onNote: (note) => fileNotes.push(note) });
    const { member, timeS, fileName, place, opened } = task;
    refuseEmpty(counts.pages, pageSizes, opened);
    const head = {
      member,
      timeS,
      algorithm: "xxh3-128",
      keyId: key?.id,
      addressSpace: opened.layout?.addressSpace ?? "physical",
      ledger: ledgerOf(sums, opened.layout),
      notes: opened.notes ?? [],
      fileNotes: [...(opened.fileNotes ?? []), ...fileNotes],
    };
    const writer = await TraceWriter.create(place, head, version, path.basename(displayName(opened.name)));
    const named = key ? (await import("../traces/key.js")).cipherOf(key) : (bytes: Uint8Array) => bytes;
    for (const [size, pageBytes] of pageSizes.entries()) {
      const zeroFingerprint = named(hasher.zeroFingerprint(size));
      for (const part of waiting[size]) {
        const { places, fingerprints } = readWaiting(part, fd);
        writer.add({ pageBytes, runs: part.runs, places, fingerprints: named(fingerprints), zeroFingerprint });
        await breathe();
      }
    }
    writer.finish();
    return { source: task.source, fileName, ...counts, fileNotes };
  } finally {
    closeSync(fd);
  }
}

function readWaiting(part: Waiting, fd: number): { places: Uint32Array; fingerprints: Uint8Array } {
  const places = new Uint32Array(part.entries);
  const fingerprints = new Uint8Array(part.entries * ENTRY_BYTES);
  readWhole(fd, new Uint8Array(places.buffer), part.at, "temporary file");
  readWhole(fd, fingerprints, part.at + places.byteLength, "temporary file");
  return { places, fingerprints };
}
