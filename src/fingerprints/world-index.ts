// The main step: hash each world's sources, then index the fingerprints of one page size after the other.

import { LEAST_PAGE_BYTES } from "../core/hasher.js";
import type { VectorChunk } from "../core/indexer.js";
import { BUCKETS } from "../core/module.js";
import { VectorSet } from "../core/vectors.js";
import { type Ledger, ledgerOf } from "../dumps/ledger.js";
import type { Memory } from "../dumps/memory.js";
import { EXIT, PagekinError } from "../errors.js";
import { displayName } from "../sources/names.js";
import { layoutOf } from "../sources/open-dump.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import { breathe } from "../system/pace.js";
import { type OpenSnapshot, type OpenWorld, readingOf, type Sources } from "../worlds/sources.js";
import { type Noted, notedOf, type Read, type World } from "../worlds/world.js";
import type { Block } from "./buckets.js";
import { planIndex } from "./content-index.js";
import type { Crew } from "./crew.js";
import { planTasks, refuseEmpty, type SourceCounts } from "./hash.js";
import { joinCounts, noCounts, type PopularCounts } from "./popular.js";
import type { Event } from "./runner.js";
import { bucketsBeyond } from "./sampled-buckets.js";
import { MOST_ZERO_KEYS } from "./trace-rows.js";
import type { Mismatch } from "./verify.js";

export interface WorldOptions {
  pageSizes: number[];
  verify: boolean;
  /** Bytes that one thread's table may take. */
  tableLimit: number;
  /** Of one page size: only the contents in the first buckets (of 256) are indexed. */
  sampled?: number;
}

/** What was found in a snapshot. Arrays go by page size. */
export interface Found extends Read {
  pages: readonly number[];
  zeroPages: readonly number[];
  /** Where every byte of its dump went; empty where a trace does not tell. */
  ledger: Ledger;
  addressSpace: string | undefined;
}

/** Each snapshot of worlds with its notes. */
export const notedIn = (worlds: readonly Pick<IndexedWorld, "world" | "found">[]): Noted[] =>
  worlds.flatMap(({ world, found }) => world.snapshots.map((snapshot, i) => notedOf(snapshot, found[i])));

/** A world and what was found in it. */
export interface IndexedWorld {
  world: World;
  /** By snapshot. */
  found: Found[];
  /** At each page size (ascending). */
  spectra: Spectrum[];
}

/** Opens, hashes and indexes one world after the other. */
export async function* indexWorlds(sources: Sources, crew: Crew, options: WorldOptions): AsyncGenerator<IndexedWorld> {
  // Worlds mostly have the same members, and a memory of the core is not collected soon.
  let vectors: VectorSet | undefined;
  for (const world of sources.worlds) {
    const opened = await sources.openWorld(world, options.verify);
    try {
      const hashed = await hashWorld(opened, crew, options);
      const members = world.snapshots.length;
      if (vectors?.members !== members) vectors = new VectorSet(crew.module, members);
      const spectra = await spectraOf(hashed, crew, vectors);
      yield {
        world,
        found: opened.snapshots.map((snapshot, i) => foundIn(snapshot, hashed.counts[i], hashed.notes[i])),
        spectra,
      };
    } finally {
      opened.close();
    }
  }
}

async function spectraOf(hashed: HashedWorld, crew: Crew, vectors: VectorSet): Promise<Spectrum[]> {
  const { world, counts, options } = hashed;
  const members = world.snapshots.map(({ member, labels }) => ({ member, labels }));
  const spectra: Spectrum[] = [];
  for (const [size, pageBytes] of options.pageSizes.entries()) {
    await indexSize(hashed, size, crew, (chunk) => vectors.add(chunk));
    spectra.push({
      timeS: world.timeS,
      pageBytes,
      members,
      pages: counts.map(({ pages }) => pages[size]),
      zeroPages: counts.map(({ zeroPages }) => zeroPages[size]),
      vectors: await vectors.take(breathe),
    });
  }
  return spectra;
}

function foundIn(snapshot: OpenSnapshot, counts: SourceCounts, known: readonly string[]): Found {
  const { dump, trace } = snapshot;
  const { pages, zeroPages } = counts;
  const isSmall = pages.every((count) => count === 0);
  const atEnd = isSmall ? [...known, "It has no complete page of the requested sizes."] : known;
  const found = { ...readingOf(snapshot, atEnd), pages, zeroPages };
  if (!dump) return { ...found, ledger: trace?.ledger ?? {}, addressSpace: trace?.addressSpace };
  const layout = layoutOf(dump.input);
  return { ...found, ledger: ledgerOf(counts, layout), addressSpace: layout?.addressSpace ?? "physical" };
}

/** A world whose fingerprints wait in buckets. */
interface HashedWorld {
  world: OpenWorld;
  options: WorldOptions;
  /** By snapshot; in each, arrays by page size. */
  counts: SourceCounts[];
  /** By snapshot what is known only since all of it was read. */
  notes: string[][];
  blocks: Block[];
  /** By page size the entries that a trace marks as the zero content. */
  zeroKeys: Uint8Array[];
  /** By snapshot what is popular among the contents that are not in the sample. */
  popular: PopularCounts[];
}

/** Hashes all pages of a world. */
export async function hashWorld(world: OpenWorld, crew: Crew, options: WorldOptions): Promise<HashedWorld> {
  const { pageSizes, verify, sampled = BUCKETS } = options;
  if (verify) refuseTraces(world);
  crew.clearBuckets();
  const { own, shared } = planTasks(world.snapshots);
  const hashed = await crew.run("hash", { tasks: shared, pageSizes, withPlaces: verify, sampled }, undefined, own);
  const blocks = hashed.flatMap((part) => part.blocks);
  blocks.sort((a, b) => a.source - b.source || a.segment - b.segment);
  const counts = addUp(
    hashed.flatMap((part) => part.counts),
    world,
    pageSizes,
  );
  const zeroKeys = pageSizes.map((_, size) => joinKeys(hashed.map((part) => part.zeroKeys[size])));
  const popular = world.snapshots.map(() => noCounts());
  for (const part of hashed) for (const [source, more] of part.popular) joinCounts(popular[source], more);
  const notes = world.snapshots.map(() => [] as string[]);
  for (const { source, note } of hashed.flatMap((part) => part.notes)) notes[source].push(note);
  return { world, options, counts, notes, blocks, zeroKeys, popular };
}

function refuseTraces({ snapshots }: OpenWorld): void {
  const trace = snapshots.find(({ dump }) => !dump);
  if (!trace) return;
  throw new PagekinError("a trace has no bytes to compare", {
    file: displayName(trace.source.name),
    hint: "use --verify with the dumps, or leave it out",
  });
}

/** Of a world that was opened to be read again. */
function memoriesOf({ snapshots }: OpenWorld): Memory[] {
  return snapshots.map(({ dump }) => {
    if (!dump || !("memory" in dump.input)) throw new Error("a snapshot cannot be read again");
    return dump.input.memory;
  });
}

/**
 * Indexes the fingerprints of a page size (by number) and hands on the copy vectors of the nonzero contents; counts of
 * zero pages are complete afterwards. With verify, pages of one fingerprint and different bytes are an error.
 */
export async function indexSize(
  { world, options, counts, blocks, zeroKeys }: HashedWorld,
  size: number,
  crew: Crew,
  onVectors: (chunk: VectorChunk) => void,
): Promise<void> {
  let mismatch: Mismatch | undefined;
  const onEvent = (event: Event) => {
    if (event.kind === "vectors") onVectors(event.chunk);
    else if (event.kind === "zeros") counts[event.source].zeroPages[size] += event.pages;
    else mismatch ??= event.mismatch;
  };
  const { tableLimit, verify, pageSizes, sampled = BUCKETS } = options;
  const index = {
    size,
    pageBytes: pageSizes[size],
    blocks,
    zeroKeys: zeroKeys[size],
    members: world.snapshots.length,
    tableLimit,
  };
  const tasks = planIndex(blocks, size, sampled, bucketsBeyond(sampled, zeroKeys[size]));
  const memories = verify ? memoriesOf(world) : undefined;
  await crew.run("index", { ...index, tasks, verify: memories }, onEvent);
  if (mismatch) throw differs(world, mismatch);
}

function differs({ snapshots }: OpenWorld, { pageBytes, first, second }: Mismatch): PagekinError {
  const place = ({ source, address }: Mismatch["first"]) =>
    `${displayName(snapshots[source].source.name)} at 0x${address.toString(16)}`;
  return new PagekinError(
    `pages of ${pageBytes} bytes have one fingerprint and different bytes: ${place(second)} and ${place(first)}`,
    { hint: "no results were written: their counts would be wrong", exitCode: EXIT.mismatch },
  );
}

function addUp(parts: SourceCounts[], world: OpenWorld, pageSizes: number[]): SourceCounts[] {
  const sums = world.snapshots.map((_, source): SourceCounts => {
    const none = pageSizes.map(() => 0);
    return { source, pages: none, zeroPages: [...none], bytes: 0, wholeBytes: 0, zeroBytes: 0 };
  });
  for (const part of parts) {
    const sum = sums[part.source];
    sum.pages = sum.pages.map((pages, size) => pages + part.pages[size]);
    sum.zeroPages = sum.zeroPages.map((pages, size) => pages + part.zeroPages[size]);
    sum.bytes += part.bytes;
    sum.wholeBytes += part.wholeBytes;
    sum.zeroBytes += part.zeroBytes;
  }
  const hasSome = sums.some(({ pages }) => pages.some((count) => count > 0));
  for (const { source: number, pages, bytes } of sums) {
    const { source, dump } = world.snapshots[number];
    // Beside others a small one has no pages; a trace has some of another size.
    if (hasSome && (!dump || bytes >= LEAST_PAGE_BYTES)) continue;
    refuseEmpty(pages, pageSizes, { file: displayName(source.name), layout: dump && layoutOf(dump.input) });
  }
  return sums;
}

/** The entries of several maps, each once, as one array. */
function joinKeys(maps: Map<string, Uint8Array>[]): Uint8Array {
  const keys = [...new Map(maps.flatMap((map) => [...map])).values()];
  if (keys.length > MOST_ZERO_KEYS) {
    throw new PagekinError(`the sources mark more than ${MOST_ZERO_KEYS} different fingerprints as the zero page`, {
      hint: "mark only the fingerprint of the zero page",
    });
  }
  return new Uint8Array(Buffer.concat(keys));
}
