import { PairCounter } from "../core/pairs.js";
import type { Found, IndexedWorld } from "../fingerprints/world-index.js";
import type { World } from "../worlds/world.js";
import { countSharing, type Sharing } from "./count.js";

/** A world and what was found in it, at each page size (ascending). */
export interface WorldResult {
  world: World;
  /** By snapshot. */
  found: Found[];
  sharing: Sharing[];
}

/** Counts what the members of a world share at each page size. allPairs: also where there are more than 64 members. */
export function countWorld(
  { world, found, spectra }: IndexedWorld,
  module: WebAssembly.Module,
  allPairs: boolean,
): WorldResult {
  const counter = new PairCounter(module, world.snapshots.length);
  return { world, found, sharing: spectra.map((spectrum) => countSharing(spectrum, counter, allPairs)) };
}
