// The heuristic of `best` for many members, and a bound on what it can miss.

import type { Units } from "./units.js";

const MOST_ROUNDS = 50;

/** Moves single units to the group where they recover most, as long as that saves more. keepCount: no group may get empty. */
export function improve(units: Units, groupOf: Uint32Array, keepCount: boolean): Uint32Array {
  const { count, sizes, apart, maxGroup, sets } = units;
  const groups = Uint32Array.from(groupOf);
  const members = new Float64Array(count);
  const unitsIn = new Float64Array(count);
  groups.forEach((group, unit) => {
    members[group] += sizes[unit];
    unitsIn[group]++;
  });
  const setsOf: number[][] = sizes.map(() => []);
  sets.units.forEach((list, set) => {
    for (const unit of list) setsOf[unit].push(set);
  });
  const move = (unit: number): boolean => {
    const from = groups[unit];
    if (keepCount && unitsIn[from] === 1) return false;
    // Contents of the unit that each group holds without it.
    const common = new Float64Array(count);
    for (const set of setsOf[unit]) {
      const here = new Set<number>();
      for (const other of sets.units[set]) if (other !== unit) here.add(groups[other]);
      for (const group of here) common[group] += sets.contents[set];
    }
    const barred = new Set([...apart[unit]].map((other) => groups[other]));
    let best = from;
    for (let group = 0; group < count; group++) {
      if (unitsIn[group] === 0 || barred.has(group) || members[group] + sizes[unit] > maxGroup) continue;
      if (group !== from && common[group] > common[best]) best = group;
    }
    if (best === from) return false;
    groups[unit] = best;
    members[from] -= sizes[unit];
    members[best] += sizes[unit];
    unitsIn[from]--;
    unitsIn[best]++;
    return true;
  };
  for (let round = 0, moved = true; moved && round < MOST_ROUNDS; round++) {
    moved = false;
    for (let unit = 0; unit < count; unit++) if (move(unit)) moved = true;
  }
  return groups;
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
