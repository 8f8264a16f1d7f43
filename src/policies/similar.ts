import { pairNumber, pairTable } from "../sharing/merges.js";
import type { Pause } from "../system/pace.js";
import { groupCount } from "./argument.js";
import { improve } from "./best-search.js";
import { fitInto } from "./fit.js";
import { pack } from "./moves.js";
import type { Grouper, Limits, PolicyEntry } from "./policy.js";
import { groupingOf, type Units, unitsFor } from "./units.js";

/**
 * K groups by similarity of memory: from single members on, the two groups whose union recovers most pages are joined, of
 * equal ones the first, until K are left (where --apart and --max-group stand in the way, what is over goes where there is
 * room). Source: GRP (2011), section 5.2, grouping by memory fingerprints.
 */
export const similar: PolicyEntry = {
  name: "similar",
  forms: ["similar:K"],
  limited: true,
  make(text, { limits }) {
    const count = groupCount("similar", text);
    return { kind: "grouping", group: groupSimilar(count, limits), least: count };
  },
};

function groupSimilar(count: number, limits: Limits): Grouper {
  return async (view, pause) => {
    const units = unitsFor(view, limits, count);
    return groupingOf(units, await joinInto(units, count, pause));
  };
}

/**
 * Groups joined until `count` are left. Where the limits keep all that are left from being joined, the largest stay, and the
 * units of the others go where there is room. Where there is none, all are placed anew, and move to where they recover most.
 */
export async function joinInto(units: Units, count: number, pause: Pause): Promise<Uint32Array> {
  const { groupOf, left } = await agglomerate(units, count, pause);
  if (left === count) return groupOf;
  return pack(units, groupOf, count) ?? improve(units, await fitInto(units, count, pause), true, pause);
}

/**
 * The group of each unit (named by one of its units), and how many groups are left: `count`, or more where the limits keep
 * all of them apart. count undefined: joins as long as that recovers pages.
 */
export async function agglomerate(
  units: Units,
  count: number | undefined,
  pause: Pause,
): Promise<{ groupOf: Uint32Array; left: number }> {
  const state = await Agglomeration.of(units, pause);
  while (count === undefined || state.left > count) {
    const pair = state.bestPair();
    if (!pair || (count === undefined && pair.recovered === 0)) break;
    state.join(pair.a, pair.b);
    const turn = pause();
    if (turn) await turn;
  }
  return state;
}

class Agglomeration {
  readonly groupOf: Uint32Array;
  left: number;
  private readonly alive: boolean[];
  private readonly sizes: number[];
  private readonly apart: Set<number>[];
  /** Pages that joining each pair recovers. */
  private readonly recovered: Float64Array;
  /** The groups that hold each set, and the sets that each group holds. */
  private readonly groupsOfSet: Set<number>[];
  private readonly setsOfGroup: number[][];
  /** By group the later one with which it recovers most, of equal ones the first; -1: none may be joined to it. */
  private readonly partner: Int32Array;

  private constructor(private readonly units: Units) {
    const { count, sizes, apart, sets } = units;
    this.left = count;
    this.groupOf = Uint32Array.from({ length: count }, (_, unit) => unit);
    this.alive = sizes.map(() => true);
    this.sizes = [...sizes];
    this.apart = apart.map((set) => new Set(set));
    this.recovered = pairTable(count);
    this.partner = new Int32Array(count).fill(-1);
    this.groupsOfSet = sets.units.map((list) => new Set(list));
    this.setsOfGroup = sizes.map(() => []);
  }

  static async of(units: Units, pause: Pause): Promise<Agglomeration> {
    const state = new Agglomeration(units);
    const { sets, count } = units;
    for (const [set, list] of sets.units.entries()) {
      for (const unit of list) state.setsOfGroup[unit].push(set);
      for (let i = 0; i < list.length; i++) {
        for (let j = i + 1; j < list.length; j++) state.recovered[state.pair(list[i], list[j])] += sets.contents[set];
      }
      const turn = pause();
      if (turn) await turn;
    }
    for (let group = 0; group < count; group++) {
      state.findPartner(group);
      const turn = pause();
      if (turn) await turn;
    }
    return state;
  }

  private pair(a: number, b: number): number {
    return a < b ? pairNumber(a, b, this.units.count) : pairNumber(b, a, this.units.count);
  }

  bestPair(): { a: number; b: number; recovered: number } | undefined {
    let best: { a: number; b: number; recovered: number } | undefined;
    for (let a = 0; a < this.units.count; a++) {
      const b = this.partner[a];
      if (!this.alive[a] || b < 0) continue;
      const recovered = this.recovered[this.pair(a, b)];
      if (!best || recovered > best.recovered) best = { a, b, recovered };
    }
    return best;
  }

  private findPartner(group: number): void {
    this.partner[group] = -1;
    for (let other = group + 1; other < this.units.count; other++) this.offer(group, other);
  }

  /** Makes a later group another's partner if that is better than the one it has. */
  private offer(group: number, other: number): void {
    if (!this.alive[other]) return;
    const recovered = this.recovered[this.pair(group, other)];
    const known = this.partner[group];
    const best = known < 0 ? -1 : this.recovered[this.pair(group, known)];
    if (recovered < best || (recovered === best && other >= known)) return;
    if (this.sizes[group] + this.sizes[other] > this.units.maxGroup || this.apart[group].has(other)) return;
    this.partner[group] = other;
  }

  /** Joins group b to group a. */
  join(a: number, b: number): void {
    const { contents } = this.units.sets;
    for (let other = 0; other < this.units.count; other++) {
      if (other !== a && other !== b && this.alive[other]) {
        this.recovered[this.pair(a, other)] += this.recovered[this.pair(b, other)];
      }
    }
    for (const set of this.setsOfGroup[b]) {
      const groups = this.groupsOfSet[set];
      groups.delete(b);
      if (!groups.has(a)) {
        groups.add(a);
        this.setsOfGroup[a].push(set);
        continue;
      }
      // What a third group has in common with both was counted with each of the two.
      for (const other of groups) if (other !== a) this.recovered[this.pair(a, other)] -= contents[set];
    }
    for (const other of this.apart[b]) {
      this.apart[a].add(other);
      this.apart[other].add(a);
    }
    this.sizes[a] += this.sizes[b];
    this.alive[b] = false;
    this.left--;
    for (const [unit, group] of this.groupOf.entries()) if (group === b) this.groupOf[unit] = a;
    // Only pairs with one of the two have changed; b stands behind a.
    this.findPartner(a);
    for (let other = 0; other < b; other++) {
      if (!this.alive[other] || other === a) continue;
      const known = this.partner[other];
      if (known === a || known === b) this.findPartner(other);
      else if (other < a) this.offer(other, a);
    }
  }
}
