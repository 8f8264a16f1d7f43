// The first half of the main step: bytes or trace rows → fingerprints → blocks by bucket. Every thread runs hashTasks.

import type { Hasher } from "../core/hasher.js";
import { BUCKETS } from "../core/module.js";
import type { Layout } from "../dumps/layout.js";
import type { LedgerCounts } from "../dumps/ledger.js";
import { fromSystem, PagekinError } from "../errors.js";
import { displayName, isTrace, type Opened } from "../sources/open.js";
import type { Block, BlockStore } from "./buckets.js";
import { inSample, outOfSample } from "./content-sample.js";
import { countPopular, noCounts, type PopularCounts } from "./popular.js";
import { hashSegment, hashStream, type SegmentEnd, segmentsOf } from "./segments.js";
import { appendTrace, type ZeroKeys } from "./trace-rows.js";

/** A piece of work: a segment of a dump that can be read at any place, or all of a compressed raw dump, a pipe or a trace. */
export type HashTask = { source: number } & (
  | { kind: "segment"; segment: number; opened: Opened & { layout: Layout } }
  | { kind: "stream"; opened: Opened }
  | { kind: "trace"; opened: Opened }
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
  onBytes(bytes: number): void;
}

/** Hashes the tasks that `next` hands out. */
export async function hashTasks(next: () => HashTask | undefined, context: HashContext): Promise<HashResult> {
  const zeroKeys = context.hasher.pageSizes.map(() => new Map());
  const result: HashResult = { counts: [], blocks: [], zeroKeys, notes: [], popular: new Map() };
  for (let task = next(); task; task = next()) {
    const { source, opened } = task;
    const { hasher, onBytes } = context;
    const onSegment = ({ segment, runs: _, ...counts }: SegmentEnd) => {
      result.counts.push({ source, ...counts });
      keepBlock(task, segment, context, result);
    };
    const onNote = (note: string) => result.notes.push({ source, note });
    const hooks = { onBytes, onSegment, onNote };
    try {
      if (task.kind === "segment") await hashSegment(task.opened, task.segment, hasher, hooks);
      else if (task.kind === "stream") await hashStream(opened, hasher, hooks);
      else await hashTrace(task, context, result);
    } catch (error) {
      throw fromSystem(error, displayName(opened.name));
    }
  }
  return result;
}

function keepBlock({ source, kind }: HashTask, segment: number, context: HashContext, result: HashResult): void {
  const { hasher, withPlaces, sampled } = context;
  let view = hasher.toBlock(withPlaces);
  if (sampled < BUCKETS) {
    const popular = result.popular.get(source) ?? noCounts();
    result.popular.set(source, popular);
    countPopular(popular, outOfSample(view, sampled));
    // Of a trace it may turn out later which fingerprint is that of the zero page.
    if (kind !== "trace") view = inSample(view, sampled);
  }
  if (view.entries.length > 0) result.blocks.push(context.store.keep(source, segment, view));
}

async function hashTrace(task: HashTask, context: HashContext, result: HashResult): Promise<void> {
  const { source, opened } = task;
  const { hasher } = context;
  let segment = 0;
  const counts = { source, bytes: 0, wholeBytes: 0, zeroBytes: 0 };
  const end = () => {
    const { pages, zeroPages } = hasher.counts();
    result.counts.push({ ...counts, pages, zeroPages });
    keepBlock(task, segment++, context, result);
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

/** The tasks of a world's sources: plain dumps by segments, everything else whole. */
export function planTasks(sources: readonly Opened[]): HashTask[] {
  return sources.flatMap((opened, source): HashTask[] => {
    const { layout } = opened;
    if (layout) {
      const plain = { ...opened, layout };
      return Array.from({ length: segmentsOf(layout) }, (_, segment) => ({
        kind: "segment",
        source,
        opened: plain,
        segment,
      }));
    }
    return [{ kind: isTrace(opened) ? "trace" : "stream", source, opened }];
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
