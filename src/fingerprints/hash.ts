// The first half of the main step: bytes or trace rows → fingerprints → blocks by bucket. Every thread runs hashTasks.

import { closeSync, openSync, readSync } from "node:fs";
import { CHUNK_BYTES, type Hasher, SEGMENT_BYTES } from "../core/hasher.js";
import { fromSystem, PagekinError } from "../errors.js";
import { breathe } from "../pace.js";
import { type Extent, planRaw } from "../sources/formats/raw.js";
import { bytesOf, displayName, type Opened } from "../sources/open.js";
import type { Block, BlockStore } from "./buckets.js";
import { appendTrace, type ZeroKeys } from "./trace-rows.js";

/** A piece of work: an extent's segment of a plain file, or all of a compressed file, a pipe or a trace. */
export type HashTask = { source: number; opened: Opened } & (
  | { kind: "segment"; segment: number; extent: Extent }
  | { kind: "stream" }
  | { kind: "trace" }
);

/** What was found in (a part of) a source; the parts of one source add up. Arrays go by page size. */
export interface SourceCounts {
  source: number;
  pages: number[];
  zeroPages: number[];
  nonzeroBytes: number;
  storedZeroBytes: number;
  tailBytes: number;
}

export interface HashResult {
  counts: SourceCounts[];
  blocks: Block[];
  zeroKeys: ZeroKeys;
}

export interface HashContext {
  hasher: Hasher;
  store: BlockStore;
  withPlaces: boolean;
  onBytes(bytes: number): void;
}

const LEDGER_PAGE = 4096;

/** Hashes the tasks that `next` hands out. */
export async function hashTasks(next: () => HashTask | undefined, context: HashContext): Promise<HashResult> {
  const result: HashResult = { counts: [], blocks: [], zeroKeys: context.hasher.pageSizes.map(() => new Map()) };
  for (let task = next(); task; task = next()) {
    const { source, opened } = task;
    const { hasher, onBytes } = context;
    const onSegment = ({ segment, ...counts }: SegmentEnd) => {
      result.counts.push({ source, ...counts });
      keepBlock(source, segment, context, result);
    };
    try {
      if (task.kind === "segment") await hashSegment(opened, task.segment, task.extent, hasher, onBytes, onSegment);
      else if (task.kind === "stream") await hashStream(opened, hasher, onBytes, onSegment);
      else await hashTrace(task, context, result);
    } catch (error) {
      throw fromSystem(error, displayName(opened.name));
    }
  }
  return result;
}

/** A segment whose fingerprints are in the hasher. */
export interface SegmentEnd extends Omit<SourceCounts, "source"> {
  segment: number;
}

/** Hashes an extent of a plain file as one segment. */
async function hashSegment(
  opened: Opened,
  segment: number,
  extent: Extent,
  hasher: Hasher,
  onBytes: (bytes: number) => void,
  onSegment: (end: SegmentEnd) => void,
): Promise<void> {
  const fd = opened.fd ?? openSync(opened.name.path, "r");
  try {
    hasher.begin();
    for (let done = 0; done < extent.bytes; ) {
      const bytes = Math.min(CHUNK_BYTES, extent.bytes - done);
      readWhole(fd, hasher.input.subarray(0, bytes), extent.offset + done, displayName(opened.name));
      hasher.hash(bytes - (bytes % 1024));
      done += bytes;
      onBytes(bytes);
      const turn = breathe();
      if (turn) await turn;
    }
  } finally {
    if (opened.fd === undefined) closeSync(fd);
  }
  onSegment(endOf(segment, extent.bytes, hasher));
}

/** Reads until the target is full. */
export function readWhole(fd: number, target: Uint8Array, offset: number, file: string): void {
  for (let done = 0; done < target.length; ) {
    const got = readSync(fd, target, done, target.length - done, offset + done);
    if (got === 0) {
      throw new PagekinError("the file became shorter while it was read", {
        file,
        offset: offset + done,
        hint: "wait until the dump is complete",
      });
    }
    done += got;
  }
}

/** Hashes a compressed file or a pipe from front to back. */
async function hashStream(
  opened: Opened,
  hasher: Hasher,
  onBytes: (bytes: number) => void,
  onSegment: (end: SegmentEnd) => void,
): Promise<void> {
  let segment = 0;
  let inSegment = 0;
  let filled = 0;
  hasher.begin();
  for await (const chunk of bytesOf(opened)) {
    for (let at = 0; at < chunk.length; ) {
      const bytes = Math.min(chunk.length - at, CHUNK_BYTES - filled);
      hasher.input.set(chunk.subarray(at, at + bytes), filled);
      at += bytes;
      filled += bytes;
      if (filled < CHUNK_BYTES) break;
      hasher.hash(filled);
      inSegment += filled;
      filled = 0;
      if (inSegment === SEGMENT_BYTES) {
        onSegment(endOf(segment++, inSegment, hasher));
        hasher.begin();
        inSegment = 0;
      }
    }
    onBytes(chunk.length);
    const turn = breathe();
    if (turn) await turn;
  }
  hasher.hash(filled - (filled % 1024));
  onSegment(endOf(segment, inSegment + filled, hasher));
}

function endOf(segment: number, bytes: number, hasher: Hasher): SegmentEnd {
  const { pages, zeroPages, zeroLedgerPages } = hasher.counts();
  const storedZeroBytes = zeroLedgerPages * LEDGER_PAGE;
  const tailBytes = bytes % LEDGER_PAGE;
  return { segment, pages, zeroPages, nonzeroBytes: bytes - tailBytes - storedZeroBytes, storedZeroBytes, tailBytes };
}

/** Hashes all of a dump, segment after segment. */
export async function hashSource(
  opened: Opened,
  hasher: Hasher,
  onBytes: (bytes: number) => void,
  onSegment: (end: SegmentEnd) => void,
): Promise<void> {
  for (const task of planTasks([opened])) {
    if (task.kind === "segment") await hashSegment(opened, task.segment, task.extent, hasher, onBytes, onSegment);
    else if (task.kind === "stream") await hashStream(opened, hasher, onBytes, onSegment);
  }
}

function keepBlock(source: number, segment: number, context: HashContext, result: HashResult): void {
  const view = context.hasher.toBlock(context.withPlaces);
  if (view.entries.length > 0) result.blocks.push(context.store.keep(source, segment, view));
}

async function hashTrace({ source, opened }: HashTask, context: HashContext, result: HashResult): Promise<void> {
  const { hasher } = context;
  let segment = 0;
  const counts = { source, nonzeroBytes: 0, storedZeroBytes: 0, tailBytes: 0 };
  const end = () => {
    const { pages, zeroPages } = hasher.counts();
    result.counts.push({ ...counts, pages, zeroPages });
    keepBlock(source, segment++, context, result);
  };
  hasher.begin();
  await appendTrace(opened, hasher, result.zeroKeys, {
    onBytes: context.onBytes,
    onFull: () => {
      end();
      hasher.begin();
    },
  });
  end();
}

/** The tasks of a world's sources: plain files by segments, everything else whole. */
export function planTasks(sources: readonly Opened[]): HashTask[] {
  return sources.flatMap((opened, source): HashTask[] => {
    if (opened.format !== "raw") return [{ kind: "trace", source, opened }];
    if (opened.pipe || opened.compression !== "none") return [{ kind: "stream", source, opened }];
    return planRaw(opened.fileBytes)
      .flatMap(splitExtent)
      .map((extent, segment) => ({ kind: "segment", source, opened, segment, extent }));
  });
}

function splitExtent({ address, offset, bytes }: Extent): Extent[] {
  const parts = Math.max(1, Math.ceil(bytes / SEGMENT_BYTES));
  return Array.from({ length: parts }, (_, i) => {
    const at = i * SEGMENT_BYTES;
    return { address: address + at, offset: offset + at, bytes: Math.min(SEGMENT_BYTES, bytes - at) };
  });
}

/** A source without one whole page of any size is an error. */
export function refuseEmpty(pages: readonly number[], pageSizes: readonly number[], opened: Opened): void {
  if (pages.some((count) => count > 0)) return;
  const smallest = Math.min(...pageSizes);
  throw new PagekinError(`holds no whole page of ${smallest} bytes`, {
    file: displayName(opened.name),
    hint: smallest > 1024 ? "choose a smaller --page-size" : "take the dump again",
  });
}
