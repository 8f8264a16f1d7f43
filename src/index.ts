// The library: what a script may import.

import { Hasher, SEGMENT_BYTES } from "./core/hasher.js";
import { compileCore } from "./core/module.js";
import { Crew } from "./fingerprints/crew.js";
import { planResources } from "./fingerprints/resources.js";
import { indexWorlds } from "./fingerprints/world-index.js";
import { choosePageSizes, openSources } from "./fingerprints/worlds.js";
import { countWorld, type WorldResult } from "./sharing/world.js";

export type { PairCount } from "./core/pairs.js";
export { EXIT, PagekinError } from "./errors.js";
export type { Snapshot, World } from "./fingerprints/worlds.js";
export type { CopiesCount, Sharing } from "./sharing/count.js";
export {
  type InterSharing,
  interSharing,
  nonzeroContents,
  pairRate,
  type SelfSharing,
  selfSharing,
} from "./sharing/rates.js";
export type { WorldResult } from "./sharing/world.js";
export { VERSION } from "./version.js";

export interface AnalyzeOptions {
  /** Powers of two from 1024 to 2 MiB, in bytes; default: the five from 1 to 16 KiB, of traces those they all hold. */
  pageSizes?: number[];
  /** A CSV that names sources, members, times and labels. */
  inventory?: string;
  /** Threads; default: the processors, fewer for little data. */
  workers?: number;
  /** Bytes of index and buckets; default: half of the machine's memory. */
  maxMemory?: number;
  /** Compare the bytes of pages of equal fingerprint; an error with exit code 3 if some differ. */
  verify?: boolean;
  /** All pairs of members, also where there are more than 64. */
  allPairs?: boolean;
}

/** What the members of each world share, at each page size. Sources are named as on the command line. */
export async function analyze(sources: readonly string[], options: AnalyzeOptions = {}): Promise<WorldResult[]> {
  const { worlds } = await openSources(sources, options.inventory);
  const pageSizes = choosePageSizes(worlds, options.pageSizes);
  const { workers, bucketLimit, tableLimit } = planResources(options, worlds);
  const crew = await Crew.start(workers, bucketLimit);
  try {
    const settings = { pageSizes, tableLimit, verify: options.verify ?? false };
    const results: WorldResult[] = [];
    for await (const indexed of indexWorlds(worlds, crew, settings)) {
      results.push(countWorld(indexed, crew.module, options.allPairs ?? false));
    }
    return results;
  } finally {
    crew.close();
  }
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
