// The main step: hash each world's sources, then index the fingerprints of one page size after the other.

import { closeSync } from "node:fs";
import type { VectorChunk } from "../core/indexer.js";
import { BUCKETS } from "../core/module.js";
import { VectorSet } from "../core/vectors.js";
import { EXIT, PagekinError } from "../errors.js";
import { planDump } from "../sources/dump.js";
import { addFileNote, displayName, type Opened } from "../sources/open.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import type { World } from "../worlds/worlds.js";
import type { Block } from "./buckets.js";
import { planIndex } from "./content-index.js";
import { bucketsBeyond, type ContentSample, sampleOf } from "./content-sample.js";
import type { Crew } from "./crew.js";
import { planTasks, refuseEmpty, type SourceCounts } from "./hash.js";
import { joinCounts, noCounts, type PopularCounts } from "./popular.js";
import type { Event } from "./runner.js";
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

/** A world and what was found in it. */
export interface IndexedWorld {
  world: World;
  /** By snapshot. */
  counts: SourceCounts[];
  /** At each page size (ascending). */
  spectra: Spectrum[];
}

/** Hashes and indexes one world after the other. */
export async function* indexWorlds(
  worlds: readonly World[],
  crew: Crew,
  options: WorldOptions,
): AsyncGenerator<IndexedWorld> {
  for (const world of worlds) {
    const hashed = await hashWorld(world, crew, options);
    const { counts } = hashed;
    const vectors = new VectorSet(crew.module, counts.length);
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
        vectors: vectors.take(),
      });
    }
    closeCopies(hashed);
    yield { world, counts, spectra };
  }
}

/** Hashes a world and indexes a sample of its contents, at one page size. */
export async function sampleWorld(
  world: World,
  crew: Crew,
  options: Omit<WorldOptions, "verify"> & { sampled: number },
): Promise<ContentSample> {
  const hashed = await hashWorld(world, crew, { ...options, verify: false });
  const { counts, popular, zeroKeys } = hashed;
  const vectors = new VectorSet(crew.module, counts.length);
  await indexSize(hashed, 0, crew, (chunk) => vectors.add(chunk));
  const pages = counts.map((own) => own.pages[0]);
  const zeroPages = counts.map((own) => own.zeroPages[0]);
  return sampleOf({ pages, zeroPages, vectors: vectors.take() }, options.sampled, popular, zeroKeys[0]);
}

/** A world whose fingerprints wait in buckets. */
interface HashedWorld {
  world: World;
  options: WorldOptions;
  /** By snapshot; in each, arrays by page size. */
  counts: SourceCounts[];
  blocks: Block[];
  /** By page size the entries that a trace marks as the zero content. */
  zeroKeys: Uint8Array[];
  /** By snapshot what is popular among the contents that are not in the sample. */
  popular: PopularCounts[];
  /** What was read: the sources, or with verify plain copies of those that cannot be read again. */
  sources: Opened[];
}

/** Hashes all pages of a world. */
async function hashWorld(world: World, crew: Crew, options: WorldOptions): Promise<HashedWorld> {
  const { pageSizes, verify, sampled = BUCKETS } = options;
  const sources: Opened[] = [];
  for (const { opened, trace } of world.snapshots) {
    if (verify && trace) {
      throw new PagekinError("a trace has no bytes to compare", {
        file: displayName(opened.name),
        hint: "use --verify with the dumps, or leave it out",
      });
    }
    const source = verify && !opened.layout ? await planDump(opened) : opened;
    opened.fileNotes = source.fileNotes;
    sources.push(source);
  }
  crew.clearBuckets();
  const tasks = planTasks(sources);
  const own = tasks.filter((task) => task.opened.pipe);
  const shared = tasks.filter((task) => !task.opened.pipe);
  const hashed = await crew.run("hash", { tasks: shared, pageSizes, withPlaces: verify, sampled }, undefined, own);
  for (const { source, note } of hashed.flatMap((part) => part.notes))
    addFileNote(world.snapshots[source].opened, note);
  const blocks = hashed.flatMap((part) => part.blocks);
  blocks.sort((a, b) => a.source - b.source || a.segment - b.segment);
  const counts = addUp(
    hashed.flatMap((part) => part.counts),
    world,
    pageSizes,
  );
  const zeroKeys = pageSizes.map((_, size) => joinKeys(hashed.map((part) => part.zeroKeys[size])));
  const popular = sources.map(noCounts);
  for (const part of hashed) for (const [source, more] of part.popular) joinCounts(popular[source], more);
  return { world, options, counts, blocks, zeroKeys, popular, sources };
}

/**
 * Indexes the fingerprints of a page size (by number) and hands on the copy vectors of the nonzero contents; counts of
 * zero pages are complete afterwards. With verify, pages of one fingerprint and different bytes are an error.
 */
async function indexSize(
  { world, options, counts, blocks, zeroKeys, sources }: HashedWorld,
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
    members: sources.length,
    tableLimit,
  };
  const tasks = planIndex(blocks, size, sampled, bucketsBeyond(sampled, zeroKeys[size]));
  await crew.run("index", { ...index, tasks, verify: verify ? sources : undefined }, onEvent);
  if (mismatch) throw differs(world, mismatch);
}

/** Closes the plain copies that verify needed. */
function closeCopies({ world, sources }: HashedWorld): void {
  sources.forEach(({ fd }, i) => {
    if (fd !== undefined && fd !== world.snapshots[i].opened.fd) closeSync(fd);
  });
}

function differs({ snapshots }: World, { pageBytes, first, second }: Mismatch): PagekinError {
  const place = ({ source, address }: Mismatch["first"]) =>
    `${displayName(snapshots[source].opened.name)} at 0x${address.toString(16)}`;
  return new PagekinError(
    `pages of ${pageBytes} bytes have one fingerprint and different bytes: ${place(second)} and ${place(first)}`,
    { hint: "no results were written: their counts would be wrong", exitCode: EXIT.mismatch },
  );
}

function addUp(parts: SourceCounts[], world: World, pageSizes: number[]): SourceCounts[] {
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
  for (const { source, pages } of sums) refuseEmpty(pages, pageSizes, world.snapshots[source].opened);
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
