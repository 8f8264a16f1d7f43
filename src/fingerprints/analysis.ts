// The main step for one world: hash its sources, then index the fingerprints bucket by bucket.

import { PagekinError } from "../errors.js";
import type { VectorChunk } from "../core/indexer.js";
import { displayName, toSeekable } from "../sources/open.js";
import type { Crew } from "./crew.js";
import { planTasks, type SourceCounts } from "./hash.js";
import { planIndex } from "./index.js";
import type { Event } from "./runner.js";
import type { Mismatch } from "./verify.js";
import type { World } from "./worlds.js";

export interface AnalysisOptions {
  pageSizes: number[];
  verify: boolean;
  /** Bytes that one thread's table may take. */
  tableLimit: number;
}

/** What was found in a world: counts by snapshot (in each, arrays by page size), and mismatches of --verify. */
export interface WorldCounts {
  counts: SourceCounts[];
  mismatch: Mismatch | undefined;
}

/** Hashes and indexes a world; hands on the copy vectors of each page size as they come. */
export async function analyzeWorld(
  world: World,
  crew: Crew,
  { pageSizes, verify, tableLimit }: AnalysisOptions,
  onVectors: (size: number, chunk: VectorChunk) => void,
): Promise<WorldCounts> {
  const opened = world.snapshots.map((snapshot) => snapshot.opened);
  const sources = verify ? await Promise.all(opened.map(toSeekable)) : opened;
  crew.clearBuckets();
  const tasks = planTasks(sources);
  const own = tasks.filter((task) => task.opened.pipe);
  const shared = tasks.filter((task) => !task.opened.pipe);
  const hashed = await crew.run("hash", { tasks: shared, pageSizes, withPlaces: verify }, undefined, own);

  const counts = addUp(hashed.flatMap((part) => part.counts), world, pageSizes);
  const blocks = hashed.flatMap((part) => part.blocks);
  blocks.sort((a, b) => a.source - b.source || a.segment - b.segment);
  const zeroKeys = pageSizes.map((_, size) => joinKeys(hashed.map((part) => part.zeroKeys[size])));

  let mismatch: Mismatch | undefined;
  const onEvent = (event: Event) => {
    if (event.kind === "vectors") onVectors(event.size, event.chunk);
    else if (event.kind === "zeros") counts[event.source].zeroPages[event.size] += event.pages;
    else mismatch ??= event.mismatch;
  };
  const index = { pageSizes, blocks, zeroKeys, members: sources.length, tableLimit };
  await crew.run("index", { ...index, tasks: planIndex(blocks, pageSizes), verify: verify ? sources : undefined }, onEvent);
  return { counts, mismatch };
}

function addUp(parts: SourceCounts[], world: World, pageSizes: number[]): SourceCounts[] {
  const sums = world.snapshots.map((_, source): SourceCounts => {
    const none = pageSizes.map(() => 0);
    return { source, pages: none, zeroPages: [...none], nonzeroBytes: 0, storedZeroBytes: 0, tailBytes: 0 };
  });
  for (const part of parts) {
    const sum = sums[part.source];
    sum.pages = sum.pages.map((pages, size) => pages + part.pages[size]);
    sum.zeroPages = sum.zeroPages.map((pages, size) => pages + part.zeroPages[size]);
    sum.nonzeroBytes += part.nonzeroBytes;
    sum.storedZeroBytes += part.storedZeroBytes;
    sum.tailBytes += part.tailBytes;
  }
  for (const { source, pages } of sums) {
    if (pages.some((count) => count > 0)) continue;
    throw new PagekinError(`holds no whole page of ${Math.min(...pageSizes)} bytes`, {
      file: displayName(world.snapshots[source].opened.name),
      hint: "choose a smaller --page-size, or take the dump again",
    });
  }
  return sums;
}

/** The entries of several maps, each once, as one array. */
function joinKeys(maps: Map<string, Uint8Array>[]): Uint8Array {
  const keys = [...new Map(maps.flatMap((map) => [...map])).values()];
  return new Uint8Array(Buffer.concat(keys));
}
