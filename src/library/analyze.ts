// From sources to what members share: the main path of `pagekin analyze`, without files.

import { FORMAT_NAMES } from "../dumps/formats/registry.js";
import { Crew } from "../fingerprints/crew.js";
import { type IndexedWorld, indexWorlds } from "../fingerprints/world-index.js";
import { WorldCounter } from "../sharing/count-world.js";
import { USUAL_DUMPS } from "../sources/open-dump.js";
import { TRACE_FORMATS } from "../sources/trace-formats.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import { breathe } from "../system/pace.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { planResources } from "../worlds/resources.js";
import { bytesInAll } from "../worlds/world.js";
import { openSources } from "../worlds/worlds.js";
import { type CallOptions, inReportingCall, type OnProgress } from "./call.js";
import {
  checkArgument,
  checkOptions,
  FLAG,
  FUNCTION,
  type Kinds,
  NUMBER,
  NUMBERS,
  oneOf,
  SIGNAL,
  SOURCES,
  TEXT,
} from "./check.js";
import type { WorldResult } from "./results.js";

export interface SourceOptions extends CallOptions {
  /** Powers of two from 1024 to 2 MiB, in bytes; default: the five from 1 to 16 KiB, for traces those that all of them hold. */
  pageSizes?: readonly number[] | undefined;
  /** A CSV file that names sources, members, times and labels. */
  inventory?: string | undefined;
  /** Memory that counts: RAM alone (default), or also the devices and firmware that a dump holds. */
  ranges?: "ram" | "all" | undefined;
  /** Format of the dumps, as `--format` has it; default: detected. */
  format?: string | undefined;
  /** Accept a dump that ends early: the rest counts as absent, and a note of the result says what is missing. */
  allowTruncated?: boolean | undefined;
  /** Threads; default: the processors, fewer for little data. */
  workers?: number | undefined;
  /** Bytes of index and buckets, at least 1 MiB; default: half of the memory that the process may use. */
  maxMemory?: number | undefined;
  onProgress?: OnProgress | undefined;
}

export interface AnalyzeOptions extends SourceOptions {
  /** Compare the bytes of pages with equal fingerprints; an error with exit code 3 if some differ. */
  verify?: boolean | undefined;
  /** All pairs of members, also where there are more than 64. */
  allPairs?: boolean | undefined;
}

const SOURCE_KINDS: Kinds<SourceOptions> = {
  pageSizes: NUMBERS,
  inventory: TEXT,
  ranges: oneOf(["ram", "all"]),
  format: oneOf([...FORMAT_NAMES, ...TRACE_FORMATS]),
  allowTruncated: FLAG,
  workers: NUMBER,
  maxMemory: NUMBER,
  onProgress: FUNCTION,
  signal: SIGNAL,
};
const ANALYZE_KINDS: Kinds<AnalyzeOptions> = { ...SOURCE_KINDS, verify: FLAG, allPairs: FLAG };

/** What the members of each world share, at each page size. Sources are named as on the command line. */
export async function analyze(sources: readonly string[], options: AnalyzeOptions = {}): Promise<WorldResult[]> {
  checkArgument("analyze", "the first argument", sources, SOURCES);
  checkOptions("analyze", options, ANALYZE_KINDS);
  const results: WorldResult[] = [];
  let counter: WorldCounter | undefined;
  await eachWorld(sources, options, async (indexed, module) => {
    counter ??= new WorldCounter(module, options.allPairs ?? false, breathe);
    results.push(await counter.count(indexed));
  });
  return results;
}

/** The spectrum of each world at each page size, from dumps and traces; sources are named as on the command line. */
export async function spectra(sources: readonly string[], options: SourceOptions = {}): Promise<Spectrum[]> {
  checkArgument("spectra", "the first argument", sources, SOURCES);
  checkOptions("spectra", options, SOURCE_KINDS);
  const all: Spectrum[] = [];
  await eachWorld(sources, options, async (indexed) => {
    all.push(...indexed.spectra);
  });
  return all;
}

function eachWorld(
  names: readonly string[],
  options: AnalyzeOptions,
  use: (indexed: IndexedWorld, module: WebAssembly.Module) => Promise<void>,
): Promise<void> {
  const { ranges = "ram", format, allowTruncated = false, verify = false } = options;
  return inReportingCall(options, async (report) => {
    const dumps = { ...USUAL_DUMPS, ranges, format, allowTruncated };
    const sources = await openSources(names, options.inventory, { dumps });
    let crew: Crew | undefined;
    try {
      const { worlds, snapshots } = sources;
      const pageSizes = choosePageSizes(worlds, options.pageSizes);
      const { workers, bucketLimit, tableLimit } = planResources(options, worlds);
      const started = await Crew.start(workers, bucketLimit);
      crew = started;
      report(bytesInAll(snapshots), () => started.bytesDone);
      for await (const indexed of indexWorlds(sources, crew, { pageSizes, tableLimit, verify }))
        await use(indexed, crew.module);
      await sources.finish();
    } finally {
      // Pipes first: the main thread may wait for one.
      sources.close();
      await crew?.close();
    }
  });
}
