// The heuristic of `best` for many members, and a bound on what it can miss.

import type { Pause } from "../system/pace.js";
import { Moves } from "./moves.js";
import type { Units } from "./units.js";

const MOST_ROUNDS = 50;

/** Moves single units to the group where they recover most, as long as that saves more. keepCount: no group may get empty. */
export async function improve(
  units: Units,
  groupOf: Uint32Array,
  keepCount: boolean,
  pause: Pause,
): Promise<Uint32Array> {
  const state = new Moves(units, groupOf);
  for (let round = 0, moved = true; moved && round < MOST_ROUNDS; round++) {
    moved = false;
    for (let unit = 0; unit < units.count; unit++) {
      if (state.improve(unit, keepCount)) moved = true;
      const turn = pause();
      if (turn) await turn;
    }
  }
  return state.groupOf;
}

/**
 * A bound on the pages that any grouping within the limits loses against one group. In a group all but one of the units save
 * at most what they have in common with any others, so `count` units save nothing; and a content whose holders do not fit
 * into one group is in several.
 */
export function leastCost({ count: all, sets, sizes, maxGroup }: Units, count: number | undefined): number {
  const shared = new Float64Array(all);
  let saved = 0;
  let split = 0;
  sets.units.forEach((list, set) => {
    if (list.length < 2) return;
    saved += (list.length - 1) * sets.contents[set];
    for (const unit of list) shared[unit] += sets.contents[set];
    const members = list.reduce((sum, unit) => sum + sizes[unit], 0);
    split += (Math.ceil(members / maxGroup) - 1) * sets.contents[set];
  });
  if (count === undefined) return split;
  const most = shared
    .sort()
    .subarray(count)
    .reduce((sum, contents) => sum + contents, 0);
  return Math.max(split, saved - most, 0);
}
