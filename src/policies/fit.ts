// Whether there is a grouping into K groups within the limits at all, where joining and packing has found none.

import type { Pause } from "../system/pace.js";
import { bestOfAll, EXACT_UNITS } from "./best-exact.js";
import { NoGrouping, type Units } from "./units.js";

/** It may take exponentially long to find out. */
const MOST_STEPS = 200_000;
const CHANGE_ONE = { hint: "change --together, --apart, --max-group or the number of groups" };

/** Some grouping into exactly `count` groups. Where there is none, or none is found in time, an error says which of the two. */
export async function fitInto(units: Units, count: number, pause: Pause): Promise<Uint32Array> {
  const found = units.count <= EXACT_UNITS ? bestOfAll(units, count) : await search(units, count, pause);
  if (found === "gave up") {
    throw new NoGrouping(`no grouping into ${count} groups was found that keeps to the limits`, CHANGE_ONE);
  }
  if (found) return found;
  throw noGrouping(count);
}

/** Of `best` without a number of groups there always is one: each unit by itself. */
export function noGrouping(count: number | undefined): NoGrouping {
  return new NoGrouping(`there is no grouping into ${count} groups that keeps to the limits`, CHANGE_ONE);
}

/** Depth first: the unit that the fewest groups are open to is next (after DSATUR, Brélaz 1979). */
async function search(units: Units, count: number, pause: Pause): Promise<Uint32Array | "gave up" | undefined> {
  const state = new Search(units, count);
  /** Units in the order in which they were placed. */
  const placed = [state.next()];
  for (let step = 0; step < MOST_STEPS; step++) {
    const unit = placed[placed.length - 1];
    if (!state.placeNext(unit)) {
      placed.pop();
      if (placed.length === 0) return undefined;
    } else if (state.canFill(units.count - placed.length)) {
      if (placed.length === units.count) return Uint32Array.from(state.groupOf);
      placed.push(state.next());
    }
    const turn = pause();
    if (turn) await turn;
  }
  return "gave up";
}

const NONE = -1;

class Search {
  /** By unit; NONE: it is not placed. */
  readonly groupOf: Int32Array;
  private readonly members: Float64Array;
  private readonly unitsIn: Uint32Array;
  private used = 0;
  /** By unit and group: how many units there must be apart from it. By unit: of how many groups that is so. */
  private readonly foes: Uint32Array;
  private readonly closed: Uint32Array;

  constructor(
    private readonly units: Units,
    private readonly count: number,
  ) {
    this.groupOf = new Int32Array(units.count).fill(NONE);
    this.members = new Float64Array(count);
    this.unitsIn = new Uint32Array(count);
    this.foes = new Uint32Array(units.count * count);
    this.closed = new Uint32Array(units.count);
  }

  /** Whether so many units more are enough for groups that are empty. */
  canFill(left: number): boolean {
    return this.used + left >= this.count;
  }

  /** The unit to be placed next. */
  next(): number {
    const { sizes, apart } = this.units;
    let best = NONE;
    for (const [unit, group] of this.groupOf.entries()) {
      if (group !== NONE) continue;
      const more =
        best === NONE ||
        this.closed[unit] - this.closed[best] ||
        apart[unit].size - apart[best].size ||
        sizes[unit] - sizes[best];
      if (more === true || more > 0) best = unit;
    }
    return best;
  }

  /** Places a unit in the next group that is open to it, or takes it back where there is none. Of empty groups one is tried. */
  placeNext(unit: number): boolean {
    const before = this.groupOf[unit];
    if (before !== NONE) this.change(unit, before, -1);
    const end = Math.min(this.used + 1, this.count);
    for (let group = before + 1; group < end; group++) {
      const isOpen =
        this.foes[unit * this.count + group] === 0 &&
        this.members[group] + this.units.sizes[unit] <= this.units.maxGroup;
      if (!isOpen) continue;
      this.change(unit, group, 1);
      return true;
    }
    return false;
  }

  /** by: 1 puts a unit into a group, -1 takes it out. */
  private change(unit: number, group: number, by: 1 | -1): void {
    const { sizes, apart } = this.units;
    this.groupOf[unit] = by === 1 ? group : NONE;
    this.members[group] += by * sizes[unit];
    this.unitsIn[group] += by;
    if (this.unitsIn[group] === (by === 1 ? 1 : 0)) this.used += by;
    for (const other of apart[unit]) {
      const at = other * this.count + group;
      this.foes[at] += by;
      if (this.foes[at] === (by === 1 ? 1 : 0)) this.closed[other] += by;
    }
  }
}
