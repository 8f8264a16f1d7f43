import { PairCounter } from "../core/pairs.js";
import type { Found, IndexedWorld } from "../fingerprints/world-index.js";
import type { Pause } from "../system/pace.js";
import type { World } from "../worlds/world.js";
import { countSharing } from "./count.js";
import type { Sharing } from "./sharing.js";

/** A world and what was found in it, at each page size (ascending). */
export interface WorldResult {
  world: World;
  /** By snapshot. */
  found: Found[];
  sharing: Sharing[];
}

/** Counts what the members of worlds share at each page size. */
export class WorldCounter {
  private counter: PairCounter | undefined;

  /** allPairs: also where there are more than 64 members. */
  constructor(
    private readonly module: WebAssembly.Module,
    private readonly allPairs: boolean,
    private readonly pause: Pause,
  ) {}

  async count({ world, found, spectra }: IndexedWorld): Promise<WorldResult> {
    const members = world.snapshots.length;
    // Worlds mostly have the same members, and a memory of the core is not collected soon.
    const counter = this.counter?.members === members ? this.counter : new PairCounter(this.module, members);
    this.counter = counter;
    const sharing: Sharing[] = [];
    for (const spectrum of spectra) sharing.push(await countSharing(spectrum, counter, this.allPairs, this.pause));
    return { world, found, sharing };
  }
}
