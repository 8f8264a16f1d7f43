// The first half of the main step: bytes or trace rows → fingerprints → blocks by bucket. Every thread runs hashTasks.

import type { Hasher } from "../core/hasher.js";
import { BUCKETS } from "../core/module.js";
import type { Layout } from "../dumps/layout.js";
import type { LedgerCounts } from "../dumps/ledger.js";
import type { Memory } from "../dumps/memory.js";
import { fromSystem, PagekinError } from "../errors.js";
import { displayName } from "../sources/names.js";
import { isPipe, type Source } from "../sources/source.js";
import type { OpenSnapshot } from "../worlds/sources.js";
import type { Block, BlockStore } from "./buckets.js";
import { countPopular, noCounts, type PopularCounts } from "./popular.js";
import { inSample, outOfSample } from "./sampled-buckets.js";
import { hashSegment, hashStream, type SegmentEnd, segmentsOf } from "./segments.js";
import { appendTrace, type ZeroKeys } from "./trace-rows.js";

/** A piece of work: a segment of memory, or all of a raw dump that is not read by address, or of a trace. */
export type HashTask = {
  /** Number of the snapshot in its world, and how errors call it. */
  source: number;
  shownAs: string;
} & (
  | { kind: "segment"; memory: Memory; segment: number }
  | { kind: "stream"; stream: Source }
  | { kind: "trace"; trace: Source }
);

/** What was found in (a part of) a source; the parts of one source add up. Arrays go by page size. */
export interface SourceCounts extends LedgerCounts {
  source: number;
  pages: number[];
  zeroPages: number[];
}

export interface HashResult {
  counts: SourceCounts[];
  blocks: Block[];
  zeroKeys: ZeroKeys;
  /** What is known of a source only when all of it was read. */
  notes: { source: number; note: string }[];
  /** By source what is popular among the contents that are not in the sample. */
  popular: Map<number, PopularCounts>;
}

export interface HashContext {
  hasher: Hasher;
  store: BlockStore;
  withPlaces: boolean;
  /** Of one page size: the first buckets, whose contents are the sample; BUCKETS: all. */
  sampled: number;
  /** See countPopular. */
  keySeed: number;
  onBytes(bytes: number): void;
}

/** Hashes the tasks that `next` hands out. */
export async function hashTasks(next: () => HashTask | undefined, context: HashContext): Promise<HashResult> {
  const zeroKeys = context.hasher.pageSizes.map(() => new Map());
  const result: HashResult = { counts: [], blocks: [], zeroKeys, notes: [], popular: new Map() };
  for (let task = next(); task; task = next()) {
    const { source, shownAs } = task;
    const { hasher, onBytes } = context;
    const onSegment = ({ segment, runs: _, ...counts }: SegmentEnd) => {
      result.counts.push({ source, ...counts });
      keepBlock(task, segment, context, result);
    };
    const onNote = (note: string) => result.notes.push({ source, note });
    const hooks = { onBytes, onSegment, onNote };
    try {
      if (task.kind === "segment") await hashSegment(task.memory, task.segment, hasher, hooks);
      else if (task.kind === "stream") await hashStream(task.stream, hasher, hooks);
      else await hashTrace(task, context, result);
    } catch (error) {
      throw fromSystem(error, shownAs);
    }
  }
  return result;
}

function keepBlock({ source, kind }: HashTask, segment: number, context: HashContext, result: HashResult): void {
  const { hasher, withPlaces, sampled, keySeed } = context;
  let view = hasher.toBlock(withPlaces);
  if (sampled < BUCKETS) {
    const popular = result.popular.get(source) ?? noCounts();
    result.popular.set(source, popular);
    countPopular(popular, outOfSample(view, sampled), keySeed);
    // Of a trace it may turn out later which fingerprint is that of the zero page.
    if (kind !== "trace") view = inSample(view, sampled);
  }
  if (view.entries.length > 0) result.blocks.push(context.store.keep(source, segment, view));
}

async function hashTrace(
  task: Extract<HashTask, { kind: "trace" }>,
  context: HashContext,
  result: HashResult,
): Promise<void> {
  const { source, trace } = task;
  const { hasher } = context;
  let segment = 0;
  const counts = { source, bytes: 0, wholeBytes: 0, zeroBytes: 0 };
  const end = () => {
    const { pages, zeroPages } = hasher.counts();
    result.counts.push({ ...counts, pages, zeroPages });
    keepBlock(task, segment++, context, result);
  };
  hasher.begin();
  await appendTrace(trace, hasher, result.zeroKeys, {
    onBytes: context.onBytes,
    onFull: () => {
      end();
      hasher.begin();
    },
  });
  end();
}

/** The tasks of a world: memory by segments, everything else whole. What comes through pipes only the main thread can read. */
export function planTasks(snapshots: readonly OpenSnapshot[]): { own: HashTask[]; shared: HashTask[] } {
  const tasks = { own: [] as HashTask[], shared: [] as HashTask[] };
  for (const [number, { source, dump }] of snapshots.entries()) {
    const about = { source: number, shownAs: displayName(source.name) };
    if (!dump) {
      tasks.shared.push({ ...about, kind: "trace", trace: source });
    } else if ("stream" in dump.input) {
      const { stream } = dump.input;
      tasks[isPipe(stream) ? "own" : "shared"].push({ ...about, kind: "stream", stream });
    } else {
      const { memory } = dump.input;
      const segments = segmentsOf(memory.layout);
      for (let segment = 0; segment < segments; segment++)
        tasks.shared.push({ ...about, kind: "segment", memory, segment });
    }
  }
  return tasks;
}

/** A source without one whole page of any size is an error. hint: what helps where the source has but pieces of pages. */
export function refuseEmpty(
  pages: readonly number[],
  pageSizes: readonly number[],
  { file, layout }: { file: string; layout: Layout | undefined },
  hint = Math.min(...pageSizes) > 1024 ? "choose a smaller --page-size" : "take the dump again",
): void {
  if (pages.some((count) => count > 0)) return;
  const { describedBytes = 0, outsideBytes = 0, absentBytes = 0 } = layout ?? {};
  const isElsewhere = describedBytes === 0 && outsideBytes > 0;
  const isAbsent = describedBytes === 0 && absentBytes > 0;
  const elsewhere = `${outsideBytes} bytes of it are outside RAM: count them with --ranges all`;
  const absent = `all ${absentBytes} bytes that it describes are absent: take the dump again, or name the part that has them`;
  throw new PagekinError(`has no complete page of ${Math.min(...pageSizes)} bytes`, {
    file,
    hint: isElsewhere ? elsewhere : isAbsent ? absent : hint,
  });
}
