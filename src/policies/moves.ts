// Groups of units of which single ones move.

import type { Units } from "./units.js";

/**
 * Makes `count` groups of more: the largest stay, the units of the others go where there is room, each to the group with
 * which it has most contents in common. Undefined: some unit finds no room.
 */
export function pack(units: Units, groupOf: Uint32Array, count: number): Uint32Array | undefined {
  const state = new Moves(units, groupOf);
  const bySize = [...new Set(groupOf)].sort((a, b) => state.members[b] - state.members[a] || a - b);
  const kept = new Set(bySize.slice(0, count));
  const moving = [...units.sizes.keys()].filter((unit) => !kept.has(groupOf[unit]));
  // Those that fit into few groups first.
  const choosy = (unit: number) => units.apart[unit].size;
  moving.sort((a, b) => choosy(b) - choosy(a) || units.sizes[b] - units.sizes[a] || a - b);
  for (const unit of moving) {
    const common = state.commonOf(unit);
    let best: number | undefined;
    for (const group of kept) {
      if (state.isOpen(unit, group) && (best === undefined || common[group] > common[best])) best = group;
    }
    if (best === undefined) return undefined;
    state.move(unit, best);
  }
  return state.groupOf;
}

/** Groups of units, and what moving one changes. */
export class Moves {
  readonly groupOf: Uint32Array;
  /** Members of each group, and its units. */
  readonly members: Float64Array;
  private readonly unitsIn: Float64Array;
  private readonly setsOf: number[][];
  /** For each set, by group: how many of its units are there. */
  private readonly here: Map<number, number>[];

  constructor(
    private readonly units: Units,
    groupOf: Uint32Array,
  ) {
    const { count, sizes, sets } = units;
    this.groupOf = Uint32Array.from(groupOf);
    this.members = new Float64Array(count);
    this.unitsIn = new Float64Array(count);
    this.groupOf.forEach((group, unit) => {
      this.members[group] += sizes[unit];
      this.unitsIn[group]++;
    });
    this.setsOf = sizes.map(() => []);
    this.here = sets.units.map((list, set) => {
      const counts = new Map<number, number>();
      for (const unit of list) {
        this.setsOf[unit].push(set);
        counts.set(this.groupOf[unit], (counts.get(this.groupOf[unit]) ?? 0) + 1);
      }
      return counts;
    });
  }

  /** By group: the contents of a unit that others there hold. */
  commonOf(unit: number): Float64Array {
    const common = new Float64Array(this.units.count);
    const own = this.groupOf[unit];
    for (const set of this.setsOf[unit]) {
      for (const [group, count] of this.here[set]) {
        if (group !== own || count > 1) common[group] += this.units.sets.contents[set];
      }
    }
    return common;
  }

  /** Whether a group has room for a unit, and nothing that must be apart from it. */
  isOpen(unit: number, group: number): boolean {
    const { sizes, apart, maxGroup } = this.units;
    if (this.members[group] + sizes[unit] > maxGroup) return false;
    for (const other of apart[unit]) if (this.groupOf[other] === group) return false;
    return true;
  }

  move(unit: number, group: number): void {
    const from = this.groupOf[unit];
    for (const set of this.setsOf[unit]) {
      const counts = this.here[set];
      const left = (counts.get(from) ?? 0) - 1;
      if (left > 0) counts.set(from, left);
      else counts.delete(from);
      counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    this.members[from] -= this.units.sizes[unit];
    this.members[group] += this.units.sizes[unit];
    this.unitsIn[from]--;
    this.unitsIn[group]++;
    this.groupOf[unit] = group;
  }

  /** Moves a unit to where it recovers most, if that is not where it is. */
  improve(unit: number, keepCount: boolean): boolean {
    const from = this.groupOf[unit];
    if (keepCount && this.unitsIn[from] === 1) return false;
    const common = this.commonOf(unit);
    let best = from;
    for (let group = 0; group < common.length; group++) {
      if (common[group] > common[best] && this.unitsIn[group] > 0 && this.isOpen(unit, group)) best = group;
    }
    if (best === from) return false;
    this.move(unit, best);
    return true;
  }
}
