// The second half of the main step: blocks by bucket → copy vectors of contents. Every thread runs indexTasks.

import { INDEX_CHUNK, type Indexer, type Repeats } from "../core/indexer.js";
import { BUCKETS, ENTRY_BYTES } from "../core/module.js";
import { PagekinError } from "../errors.js";
import { breathe } from "../system/pace.js";
import { type Block, copyEntries, copyPlaces, entryAt } from "./buckets.js";

/** Entries that one table is meant for: such a table fits a processor's second-level cache. */
const TABLE_ENTRIES = 24 * 1024;
const MANY_BLOCKS = 200;
const MOST_WIDENING = 3;
const MOST_PART_BITS = 24;

/** The buckets from..to. */
export interface IndexTask {
  from: number;
  to: number;
}

/** The tasks of a page size: the first `sampled` buckets, and some beyond. */
export function planIndex(
  blocks: readonly Block[],
  size: number,
  sampled = BUCKETS,
  beyond: readonly number[] = [],
): IndexTask[] {
  const entries = blocks.reduce((sum, block) => sum + entryAt(block, size, BUCKETS), 0);
  if (entries === 0) return [];
  // A task visits every block, so where there are many it takes more at a time.
  const target = TABLE_ENTRIES * Math.min(MOST_WIDENING, Math.max(1, blocks.length / MANY_BLOCKS));
  const width = Math.min(BUCKETS, Math.max(1, Math.floor((BUCKETS * target) / entries)));
  const tasks: IndexTask[] = [];
  for (let from = 0; from < sampled; from += width) tasks.push({ from, to: Math.min(sampled, from + width) });
  return [...tasks, ...beyond.map((from) => ({ from, to: from + 1 }))];
}

export interface IndexContext {
  /** Number of the page size. */
  size: number;
  indexer: Indexer;
  /** In the order of their members, then of their segments. */
  blocks: readonly Block[];
  /** Entries that are the zero content. */
  zeroKeys: Uint8Array;
  /** Called for pages that are the zero content though their fingerprint does not tell. */
  onZeros(source: number, pages: number): void;
  /** With --verify: pages whose content was there before. */
  onRepeats?: ((repeats: Repeats) => Promise<void>) | undefined;
}

/** Indexes the tasks that `next` hands out. */
export async function indexTasks(next: () => IndexTask | undefined, context: IndexContext): Promise<void> {
  for (let task = next(); task; task = next()) await indexPart(task, 0, 0, context);
  context.indexer.flushVectors();
}

/** Indexes those fingerprints of a bucket range that are of `part` of 2^bits; in two halves if the table fills up. */
async function indexPart(task: IndexTask, bits: number, part: number, context: IndexContext): Promise<void> {
  if (await fillTable(task, bits, part, context)) {
    context.indexer.collect();
    return;
  }
  if (bits === MOST_PART_BITS)
    throw new PagekinError("too many fingerprints are alike to be indexed in so little memory", {
      hint: "give more --max-memory",
    });
  await indexPart(task, bits + 1, part * 2, context);
  await indexPart(task, bits + 1, part * 2 + 1, context);
}

async function fillTable(task: IndexTask, bits: number, part: number, context: IndexContext): Promise<boolean> {
  const { size, indexer, blocks, zeroKeys, onZeros, onRepeats } = context;
  const { from, to } = task;
  let entries = 0;
  for (const block of blocks) entries += entryAt(block, size, to) - entryAt(block, size, from);
  indexer.begin(entries / 2 ** bits + zeroKeys.length / ENTRY_BYTES, bits, part, zeroKeys);
  const zeros = new Map<number, number>();
  for (let b = 0; b < blocks.length; b++) {
    const block = blocks[b];
    const last = entryAt(block, size, to);
    for (let at = entryAt(block, size, from); at < last; at += INDEX_CHUNK) {
      const count = Math.min(INDEX_CHUNK, last - at);
      copyEntries(block, size, at, at + count, indexer.input);
      if (onRepeats) {
        copyPlaces(block, size, at, at + count, indexer.places.subarray(0, count));
        const repeats = indexer.insertTracked(count, block.source, b);
        if (!repeats) return false;
        await onRepeats(repeats);
      } else {
        if (!indexer.insert(count, block.source)) return false;
        const met = indexer.zerosMet();
        if (met > 0) zeros.set(block.source, (zeros.get(block.source) ?? 0) + met);
      }
      const turn = breathe();
      if (turn) await turn;
    }
  }
  for (const [source, pages] of zeros) onZeros(source, pages);
  return true;
}
