// The library: what a script may import.

import { Hasher, SEGMENT_BYTES } from "./core/hasher.js";
import { compileCore } from "./core/module.js";
import { PagekinError } from "./errors.js";
import { Crew } from "./fingerprints/crew.js";
import { type IndexedWorld, indexWorlds } from "./fingerprints/world-index.js";
import type { Sample } from "./replay/sample.js";
import type { RunResult } from "./scenarios/perform.js";
import { WorldCounter, type WorldResult } from "./sharing/count-world.js";
import { USUAL_DUMPS } from "./sources/open-dump.js";
import { closeSource, isSeekable, lookAt, placeOf } from "./sources/source.js";
import type { Spectrum } from "./spectrum/spectrum.js";
import { Inputs } from "./system/inputs.js";
import { breathe } from "./system/pace.js";
import { choosePageSizes } from "./worlds/page-sizes.js";
import { planResources } from "./worlds/resources.js";
import { openSources } from "./worlds/worlds.js";

export type { PairCount } from "./core/pairs.js";
export { EXIT, PagekinError } from "./errors.js";
export { type CompareSettings, type Comparison, comparePolicies, type PolicyResult } from "./policies/comparison.js";
export type { Capacity, HostResult, HostSettings } from "./policies/hosts.js";
export type { Grouped, Limits, Policy, PolicyContext } from "./policies/policy.js";
export { parsePolicies } from "./policies/registry.js";
export {
  type AdvisorSettings,
  type AdvisorState,
  advise,
  startOfAdvisor,
} from "./replay/controllers/advisor.js";
export type { GroupSample, Sample } from "./replay/sample.js";
export type { RunResult } from "./scenarios/perform.js";
export type { CopiesCount, Sharing } from "./sharing/count.js";
export type { WorldResult } from "./sharing/count-world.js";
export { type Grouping, groupBy } from "./sharing/grouping.js";
export type { Extremes, Growth } from "./sharing/growth.js";
export { type Score, score, type Tenants } from "./sharing/isolation.js";
export {
  type InterSharing,
  interSharing,
  nonzeroContents,
  pairRate,
  type SelfSharing,
  selfSharing,
} from "./sharing/rates.js";
export { type View, viewOf } from "./sharing/view.js";
export type { Spectrum, SpectrumMember } from "./spectrum/spectrum.js";
export { VERSION } from "./version.js";
export type { Snapshot, World } from "./worlds/world.js";

export interface SourceOptions {
  /** Powers of two from 1024 to 2 MiB, in bytes; default: the five from 1 to 16 KiB, of traces those they all hold. */
  pageSizes?: number[];
  /** A CSV that names sources, members, times and labels. */
  inventory?: string;
  /** Threads; default: the processors, fewer for little data. */
  workers?: number;
  /** Bytes of index and buckets; default: half of the memory that the process may use. */
  maxMemory?: number;
  /** Of a dump that ends early, read what is there; the rest is absent, and a note of the result says what is missing. */
  allowTruncated?: boolean;
}

export interface AnalyzeOptions extends SourceOptions {
  /** Compare the bytes of pages of equal fingerprint; an error with exit code 3 if some differ. */
  verify?: boolean;
  /** All pairs of members, also where there are more than 64. */
  allPairs?: boolean;
}

/** What the members of each world share, at each page size. Sources are named as on the command line. */
export async function analyze(sources: readonly string[], options: AnalyzeOptions = {}): Promise<WorldResult[]> {
  const results: WorldResult[] = [];
  let counter: WorldCounter | undefined;
  for await (const [indexed, module] of indexSources(sources, options)) {
    counter ??= new WorldCounter(module, options.allPairs ?? false, breathe);
    results.push(await counter.count(indexed));
  }
  return results;
}

/** The spectrum of each world at each page size, from dumps and traces; sources are named as on the command line. */
export async function spectra(sources: readonly string[], options: SourceOptions = {}): Promise<Spectrum[]> {
  const all: Spectrum[] = [];
  for await (const [indexed] of indexSources(sources, options)) all.push(...indexed.spectra);
  return all;
}

async function* indexSources(
  sources: readonly string[],
  options: SourceOptions & { verify?: boolean },
): AsyncGenerator<[IndexedWorld, WebAssembly.Module]> {
  const dumps = { ...USUAL_DUMPS, allowTruncated: options.allowTruncated ?? false };
  const opened = await openSources(sources, options.inventory, { dumps });
  let crew: Crew | undefined;
  try {
    const { worlds } = opened;
    const pageSizes = choosePageSizes(worlds, options.pageSizes);
    const { workers, bucketLimit, tableLimit } = planResources(options, worlds);
    crew = await Crew.start(workers, bucketLimit);
    const settings = { pageSizes, tableLimit, verify: options.verify ?? false };
    for await (const indexed of indexWorlds(opened, crew, settings)) yield [indexed, crew.module];
    await opened.finish();
  } finally {
    crew?.close();
    opened.close();
  }
}

/** What a run of a scenario came to. Groups and members are numbers; times are nanoseconds. */
export interface ReplayedRun extends Omit<RunResult, "samples"> {
  samples: Sample[];
  /** `main`, `key=value,...` under vary, or its name. */
  name: string;
  members: string[];
}

/** Replays a scenario (a YAML file, docs/replay.md). workers: runs at once; default: one after the other. */
export async function replay(scenario: string, { workers = 1 }: { workers?: number } = {}): Promise<ReplayedRun[]> {
  const [{ openScenario, replayScenario }, { eachSample }] = await Promise.all([
    import("./scenarios/scenario-runs.js"),
    import("./replay/samples.js"),
  ]);
  const nothing = () => {};
  const settings = { threads: workers, onBytes: nothing, onStart: nothing };
  const { runs, results, members } = await replayScenario(await openScenario(scenario), settings);
  const names = members.map(({ name }) => name);
  return runs.map(({ name }, run) => ({
    name,
    members: names,
    ...results[run],
    samples: [...eachSample(results[run].samples)],
  }));
}

/** The spectra that a spectrum.parquet holds. */
export async function readSpectra(path: string): Promise<Spectrum[]> {
  const inputs = new Inputs();
  const [source, { readSpectrum }] = await Promise.all([lookAt({ path }, inputs), import("./spectrum/read.js")]);
  try {
    const saved = isSeekable(source) ? await readSpectrum(placeOf(source)) : undefined;
    await inputs.refuseChanged();
    if (saved) return saved.spectra;
  } finally {
    closeSource(source);
  }
  throw new PagekinError("not a saved spectrum", { file: path, hint: "pagekin analyze and compare write one" });
}

/** A page's fingerprint (XXH3-128 in hex, as xxhsum -H2 prints it), and whether the page is zero. */
export interface PageFingerprint {
  fingerprint: string;
  zero: boolean;
}

/** The fingerprints of the whole pages that bytes hold, by page size (bytes). */
export function fingerprintPages(bytes: Uint8Array, pageSizes: readonly number[]): Map<number, PageFingerprint[]> {
  const sizes = choosePageSizes([], pageSizes);
  const hasher = new Hasher(compileCore(), sizes);
  const pages = new Map(sizes.map((size): [number, PageFingerprint[]] => [size, []]));
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
    const segment = bytes.subarray(at, at + SEGMENT_BYTES);
    hasher.begin();
    for (let done = 0; done < segment.length; done += hasher.input.length) {
      const chunk = segment.subarray(done, done + hasher.input.length);
      hasher.input.set(chunk);
      hasher.hash(chunk.length - (chunk.length % 1024));
    }
    const { pages: counts } = hasher.counts();
    for (const [i, size] of sizes.entries())
      for (const page of pagesOf(hasher, i, counts[i])) pages.get(size)?.push(page);
  }
  return pages;
}

function pagesOf(hasher: Hasher, size: number, count: number): PageFingerprint[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const pages = Array.from({ length: count }, () => ({ fingerprint: "", zero: true }));
  const zero = hex(hasher.zeroFingerprint(size));
  const { fingerprints, places } = hasher.toCanonical(size);
  places.forEach((place, i) => {
    pages[place] = { fingerprint: hex(fingerprints.subarray(16 * i, 16 * i + 16)), zero: false };
  });
  return pages.map((page) => (page.zero ? { fingerprint: zero, zero: true } : page));
}
