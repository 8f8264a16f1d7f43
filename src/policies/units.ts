// What `similar` and `best` put into groups: members, or those that must be together as one.

import { PagekinError, quoted } from "../errors.js";
import { type Grouping, numberGroups } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";
import type { Limits } from "./policy.js";

/** Some members have no grouping of the kind that a policy makes. */
export class NoGrouping extends PagekinError {}

export interface Units {
  /** Number of units. */
  count: number;
  /** By member: its unit. */
  of: Uint32Array;
  /** Members of each unit. */
  sizes: number[];
  /** By unit: those that may not be in one group with it. */
  apart: Set<number>[];
  maxGroup: number;
  sets: UnitSets;
}

/** Each set of units that hold some contents together. */
export interface UnitSets {
  units: Uint32Array[];
  contents: Float64Array;
}

/** Joins the members that must be together. Limits that contradict each other are an error. */
export function unitsOf(view: View, { together, apart, maxGroup }: Limits): Units {
  const numbers = new Map(view.members.map(({ member }, number) => [member, number]));
  const present = (list: readonly string[]) => list.flatMap((name) => numbers.get(name) ?? []);
  const leader = view.members.map((_, number) => number);
  for (const list of together.map(present)) {
    for (const member of list) {
      const [from, to] = [leader[member], leader[list[0]]];
      for (const [one, its] of leader.entries()) if (its === from) leader[one] = to;
    }
  }
  const { groups, of } = numberGroups(leader);
  const sizes = groups.map(() => 0);
  for (const unit of of) sizes[unit]++;
  const units: Units = {
    count: groups.length,
    of,
    sizes,
    apart: groups.map(() => new Set()),
    maxGroup,
    sets: unitSets(view, of),
  };
  for (const list of apart.map(present)) keepApart(units, view, list);
  if (sizes.some((size) => size > maxGroup)) {
    throw new PagekinError(`--together asks for more than ${maxGroup} members in a group`, {
      hint: "raise --max-group",
    });
  }
  return units;
}

function keepApart({ of, apart }: Units, { members }: View, list: readonly number[]): void {
  for (const [i, a] of list.entries()) {
    for (const b of list.slice(i + 1)) {
      if (of[a] === of[b]) {
        throw new PagekinError(
          `members ${quoted(members[a].member)} and ${quoted(members[b].member)} are to be together and apart`,
          {
            hint: "change --together or --apart",
          },
        );
      }
      apart[of[a]].add(of[b]);
      apart[of[b]].add(of[a]);
    }
  }
}

function unitSets({ sets }: View, of: Uint32Array): UnitSets {
  const { starts, holders, contents } = sets;
  const units = Array.from(contents, (_, set) => {
    const here = holders.subarray(starts[set], starts[set + 1]).map((member) => of[member]);
    return Uint32Array.from(new Set(here));
  });
  return { units, contents };
}

/** Members as units that are to make `count` groups; an error where it is plain that they cannot. */
export function unitsFor(view: View, limits: Limits, count: number): Units {
  const all = view.members.length;
  if (all < count) throw tooFew(view, count);
  const units = unitsOf(view, limits);
  const { maxGroup } = limits;
  if (units.count < count) {
    const what = `--together leaves ${units.count} sets of members, fewer than ${count} groups`;
    throw new NoGrouping(what, { hint: "ask for fewer groups" });
  }
  if (count * maxGroup < all) {
    throw new NoGrouping(`${count} groups of at most ${maxGroup} members (--max-group) cannot hold ${all} members`, {
      hint: "ask for more groups",
    });
  }
  return units;
}

/** The grouping of members from that of units. */
export function groupingOf({ of }: Units, groupOfUnit: ArrayLike<number>): Grouping {
  return numberGroups(Array.from(of, (unit) => groupOfUnit[unit]));
}

/** Pages that a grouping of units saves: those inside the units' members, and what their groups share. */
export function savedPages({ pages }: View, { sets }: Units, groupOfUnit: ArrayLike<number>): number {
  let saved = pages.reduce((sum, count) => sum + count, 0);
  sets.units.forEach((units, set) => {
    saved -= sets.contents[set] * new Set(Array.from(units, (unit) => groupOfUnit[unit])).size;
  });
  return saved;
}

function tooFew(view: View, asked: number): PagekinError {
  const { length } = view.members;
  return new NoGrouping(
    `time ${view.timeS} has ${length} ${length === 1 ? "member" : "members"}, too few for ${asked} groups`,
    {
      hint: "ask for fewer groups",
    },
  );
}
