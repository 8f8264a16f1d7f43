// What a grouping leaves of sharing, and what it exposes: exact, from the sets of holders. Definitions: docs/policies.md.

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
  const count = grouping.groups.length;
  const members = new Uint32Array(count);
  const pages = new Float64Array(count);
  grouping.of.forEach((group, member) => {
    members[group]++;
    pages[group] += view.pages[member];
  });
  const { frames, exposed, total } = walk(view.sets, grouping, tenants);
  const groups = grouping.groups.map((_, group) => ({
    members: members[group],
    pages: pages[group],
    frames: frames[group],
    saved: pages[group] - frames[group],
    exposure: { contents: exposed.contents[group], pages: exposed.pages[group], byTwo: exposed.byTwo[group] },
  }));
  const sum = (of: (group: Shares) => number) => groups.reduce((all, group) => all + of(group), 0);
  return {
    pages: sum((group) => group.pages),
    frames: sum((group) => group.frames),
    saved: sum((group) => group.saved),
    exposure: total,
    groups,
  };
}

const noExposure = (): Exposure => ({ contents: 0, pages: 0, byTwo: 0 });

/** Frames and exposure, by group, and the exposure of all. */
interface Walked {
  frames: Float64Array;
  exposed: Record<keyof Exposure, Float64Array>;
  total: Score["exposure"];
}

/** Goes once through all sets. */
function walk({ starts, holders, pages, contents }: HolderSets, grouping: Grouping, tenants: Tenants): Walked {
  const count = grouping.groups.length;
  const sums = () => new Float64Array(count);
  const frames = sums();
  const exposed = { contents: sums(), pages: sums(), byTwo: sums() };
  // Of all groups; plain numbers, since a field of an object costs more than the rest of a step.
  let allContents = 0;
  let allPages = 0;
  let allByTwo = 0;
  let allPairs = 0;
  const groupOf = grouping.of;
  const cells = tenantsOfGroups(grouping, tenants);
  const cellOf = cells.of;
  const meeting = cells.apart ? undefined : new TenantPairs(tenants, count);
  // What of the current set was met: 0 or 1 for groups, and for tenants in groups; tenants and pages of each group; the
  // groups, in the order in which they came. Sums instead of branches, which a processor could not foresee here.
  const groupMet = new Uint8Array(count);
  const cellMet = new Uint8Array(cells.count);
  const tenantsHere = new Uint32Array(count);
  const pagesHere = sums();
  const present = new Uint32Array(count + 1);
  for (let set = 0; set < contents.length; set++) {
    let groupsHere = 0;
    let pairs = 0;
    meeting?.begin();
    for (let at = starts[set]; at < starts[set + 1]; at++) {
      const member = holders[at];
      const group = groupOf[member];
      present[groupsHere] = group;
      groupsHere += 1 - groupMet[group];
      groupMet[group] = 1;
      pagesHere[group] += pages[at];
      const cell = cellOf[member];
      const isNew = 1 - cellMet[cell];
      cellMet[cell] = 1;
      // Where tenants are in one group only, each that comes meets all that are there.
      if (!meeting) pairs += isNew * tenantsHere[group];
      else if (isNew) pairs += meeting.add(group, tenants[member]);
      tenantsHere[group] += isNew;
    }
    for (let at = starts[set]; at < starts[set + 1]; at++) cellMet[cellOf[holders[at]]] = 0;
    let anyExposed = 0;
    let anyByTwo = 0;
    for (let i = 0; i < groupsHere; i++) {
      const group = present[i];
      frames[group] += contents[set];
      if (tenantsHere[group] > 1) {
        anyExposed = 1;
        exposed.contents[group] += contents[set];
        exposed.pages[group] += pagesHere[group];
        allPages += pagesHere[group];
        if (tenantsHere[group] === 2) {
          anyByTwo = 1;
          exposed.byTwo[group] += contents[set];
        }
      }
      groupMet[group] = 0;
      tenantsHere[group] = 0;
      pagesHere[group] = 0;
    }
    allContents += anyExposed * contents[set];
    allByTwo += anyByTwo * contents[set];
    allPairs += pairs * contents[set];
  }
  const total = { contents: allContents, pages: allPages, byTwo: allByTwo, pairs: allPairs };
  return { frames, exposed, total };
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

/** Up to so many tenants a table of their pairs is quicker than a map, and takes 16 MiB at most. */
const FEW_TENANTS = 2048;

class PairTable {
  private readonly rounds: Uint32Array;

  constructor(tenants: number) {
    this.rounds = new Uint32Array(tenants * tenants);
  }

  get(pair: number): number {
    return this.rounds[pair];
  }

  set(pair: number, round: number): this {
    this.rounds[pair] = round;
    return this;
  }
}

/** Counts, for one set at a time, the pairs of tenants that meet in one group or several; each pair once. */
class TenantPairs {
  /** The tenants that were met, and for each the one before it in the same group (its place + 1). */
  private readonly met: Uint32Array;
  private readonly before: Uint32Array;
  private readonly lastOfGroup: Uint32Array;
  /** For each pair the round in which it was met last. */
  private readonly seen: PairTable | Map<number, number>;
  private readonly width: number;
  private round = 0;
  private count = 0;

  constructor(tenants: Tenants, groups: number) {
    this.width = tenants.reduce((most, tenant) => Math.max(most, tenant + 1), 0);
    this.seen = this.width <= FEW_TENANTS ? new PairTable(this.width) : new Map();
    this.met = new Uint32Array(tenants.length);
    this.before = new Uint32Array(tenants.length);
    this.lastOfGroup = new Uint32Array(groups);
  }

  begin(): void {
    this.round++;
    this.count = 0;
    this.lastOfGroup.fill(0);
  }

  /** A tenant is met in a group for the first time; gives the pairs that are new by it. */
  add(group: number, tenant: number): number {
    let met = 0;
    for (let at = this.lastOfGroup[group]; at > 0; at = this.before[at - 1]) {
      const other = this.met[at - 1];
      const pair = Math.min(tenant, other) * this.width + Math.max(tenant, other);
      if (this.seen.get(pair) === this.round) continue;
      this.seen.set(pair, this.round);
      met++;
    }
    this.met[this.count] = tenant;
    this.before[this.count] = this.lastOfGroup[group];
    this.lastOfGroup[group] = ++this.count;
    return met;
  }
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
