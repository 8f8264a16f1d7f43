import { PairCounter } from "../core/pairs.js";
import type { Found, IndexedWorld } from "../fingerprints/world-index.js";
import type { World } from "../worlds/world.js";
import { countSharing, type Pause, type Sharing } from "./count.js";

/** A world and what was found in it, at each page size (ascending). */
export interface WorldResult {
  world: World;
  /** By snapshot. */
  found: Found[];
  sharing: Sharing[];
}

/** Counts what the members of a world share at each page size. allPairs: also where there are more than 64 members. */
export async function countWorld(
  { world, found, spectra }: IndexedWorld,
  module: WebAssembly.Module,
  allPairs: boolean,
  pause: Pause,
): Promise<WorldResult> {
  const counter = new PairCounter(module, world.snapshots.length);
  const sharing: Sharing[] = [];
  for (const spectrum of spectra) sharing.push(await countSharing(spectrum, counter, allPairs, pause));
  return { world, found, sharing };
}
