// What a grouping leaves of sharing, and what it exposes: exact, from the sets of holders. Definitions: docs/definitions.md.

import type { Grouping } from "./grouping.js";
import type { HolderSets, View } from "./view.js";

/** What sharing inside groups comes to. Counts are of pages and contents. */
export interface Shares {
  pages: number;
  /** Pages that are left: in each group each content once. */
  frames: number;
  saved: number;
}

/** What one tenant could probe another's memory for. */
export interface Exposure {
  /** Contents that members of two or more tenants of one group hold; each counts once. */
  contents: number;
  /** Their pages in those groups. */
  pages: number;
  /** Of these contents those that exactly two tenants of a group hold. */
  byTwo: number;
}

/** A grouping's numbers, by group and of all. */
export interface Score extends Shares {
  exposure: Exposure & {
    /** For each content the pairs of tenants of one group that hold it. */
    pairs: number;
  };
  groups: (Shares & { members: number; exposure: Exposure })[];
}

/** Numbers of tenants, by member. */
export type Tenants = Uint32Array;

/** Scores a grouping. Time: one step for each holder of each set. */
export function score(view: View, grouping: Grouping, tenants: Tenants): Score {
  const groups = grouping.groups.map(() => ({ members: 0, pages: 0, frames: 0, saved: 0, exposure: noExposure() }));
  grouping.of.forEach((group, member) => {
    groups[group].members++;
    groups[group].pages += view.pages[member];
  });
  const exposure = walk(view.sets, grouping, tenants, groups);
  for (const group of groups) group.saved = group.pages - group.frames;
  const sum = (of: (group: Shares) => number) => groups.reduce((total, group) => total + of(group), 0);
  return {
    pages: sum(({ pages }) => pages),
    frames: sum(({ frames }) => frames),
    saved: sum(({ saved }) => saved),
    exposure,
    groups,
  };
}

export const noExposure = (): Exposure => ({ contents: 0, pages: 0, byTwo: 0 });

/** Goes once through all sets: adds frames and exposure to the groups, and gives the exposure of all. */
function walk(
  { starts, holders, pages, contents }: HolderSets,
  grouping: Grouping,
  tenants: Tenants,
  groups: { frames: number; exposure: Exposure }[],
): Score["exposure"] {
  const total = { ...noExposure(), pairs: 0 };
  const cells = tenantsOfGroups(grouping, tenants);
  // The last set in which a group, and a tenant in a group, was met; and how many tenants of the group since then.
  const groupSeen = new Int32Array(groups.length).fill(-1);
  const cellSeen = new Int32Array(cells.count).fill(-1);
  const tenantsHere = new Uint32Array(groups.length);
  const pagesHere = new Float64Array(groups.length);
  const present = new Uint32Array(groups.length);
  for (let set = 0; set < contents.length; set++) {
    let groupsHere = 0;
    for (let at = starts[set]; at < starts[set + 1]; at++) {
      const group = grouping.of[holders[at]];
      if (groupSeen[group] !== set) {
        groupSeen[group] = set;
        tenantsHere[group] = 0;
        pagesHere[group] = 0;
        present[groupsHere++] = group;
      }
      pagesHere[group] += pages[at];
      const cell = cells.of[holders[at]];
      if (cellSeen[cell] === set) continue;
      cellSeen[cell] = set;
      tenantsHere[group]++;
    }
    let exposed = false;
    let byTwo = false;
    for (let i = 0; i < groupsHere; i++) {
      const group = groups[present[i]];
      const count = tenantsHere[present[i]];
      group.frames += contents[set];
      if (count < 2) continue;
      exposed = true;
      group.exposure.contents += contents[set];
      group.exposure.pages += pagesHere[present[i]];
      total.pages += pagesHere[present[i]];
      if (count === 2) {
        byTwo = true;
        group.exposure.byTwo += contents[set];
      }
      if (cells.apart) total.pairs += contents[set] * ((count * (count - 1)) / 2);
    }
    if (exposed) {
      total.contents += contents[set];
      if (!cells.apart)
        total.pairs += contents[set] * pairsOf(holders.subarray(starts[set], starts[set + 1]), grouping, tenants);
    }
    if (byTwo) total.byTwo += contents[set];
  }
  return total;
}

/** Numbers for each tenant in each group, by member; apart: whether no tenant is in two groups. */
function tenantsOfGroups({ of }: Grouping, tenants: Tenants): { of: Uint32Array; count: number; apart: boolean } {
  const numbers = new Map<string, number>();
  const cells = of.map((group, member) => {
    const key = `${group} ${tenants[member]}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { of: cells, count: numbers.size, apart: numbers.size === new Set(tenants).size };
}

/** Pairs of tenants that meet in one group or several; each counts once. */
function pairsOf(holders: Uint32Array, { of }: Grouping, tenants: Tenants): number {
  const pairs = new Set<string>();
  for (const [i, a] of holders.entries()) {
    for (const b of holders.subarray(i + 1)) {
      const [first, second] = [tenants[a], tenants[b]];
      if (of[a] === of[b] && first !== second) pairs.add(first < second ? `${first} ${second}` : `${second} ${first}`);
    }
  }
  return pairs.size;
}

/** The score of `zero-only`, which is no grouping: all members share the zero content, and nothing else is shared. */
export function scoreZeroOnly(view: View, tenants: Tenants): Score {
  const pages = view.pages.reduce((sum, count) => sum + count, 0);
  const zeros = view.zeros.reduce((sum, count) => sum + count, 0);
  const saved = Math.max(0, zeros - 1);
  const holding = new Set([...tenants].filter((_, member) => view.zeros[member] > 0)).size;
  const exposure = holding > 1 ? { contents: 1, pages: zeros, byTwo: holding === 2 ? 1 : 0 } : noExposure();
  const shares = { pages, frames: pages - saved, saved };
  return {
    ...shares,
    exposure: { ...exposure, pairs: holding > 1 ? (holding * (holding - 1)) / 2 : 0 },
    groups: [{ ...shares, members: view.members.length, exposure: { ...exposure } }],
  };
}
