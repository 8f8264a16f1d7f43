// The groups that each policy has to make, member by member; and the most that any grouping saves, by looking at all.

import { contentsOf, framesOf, type Group, type PolicyWorld, recoveredBy, type ZeroPages } from "./policy-twin.js";

/** What `--together`, `--apart` and `--max-group` ask for. */
export interface TwinLimits {
  together: readonly (readonly string[])[];
  apart: readonly (readonly string[])[];
  maxGroup: number;
}

export const NO_LIMITS: TwinLimits = { together: [], apart: [], maxGroup: Infinity };

type Member = PolicyWorld["members"][number];

/** Members for which `same` says so are together; a group has the name of its first member. */
function groupWhere(
  { members }: PolicyWorld,
  same: (a: Member, b: Member) => boolean,
  nameOf: (first: Member) => string,
): Group[] {
  const groups: Member[][] = [];
  for (const member of members) {
    const group = groups.find(([first]) => same(first, member));
    if (group) group.push(member);
    else groups.push([member]);
  }
  return groups.map((group) => ({ name: nameOf(group[0]), members: group.map(({ name }) => name) }));
}

export const oneGroup = (world: PolicyWorld): Group[] =>
  groupWhere(
    world,
    () => true,
    () => "all",
  );

export const perMember = (world: PolicyWorld): Group[] =>
  groupWhere(
    world,
    () => false,
    ({ name }) => name,
  );

export const byValue =
  (of: (member: Member) => string) =>
  (world: PolicyWorld): Group[] =>
    groupWhere(world, (a, b) => of(a) === of(b), of);

export function esxSalting(mode: number, world: PolicyWorld): Group[] {
  if (mode === 0) return oneGroup(world);
  const saltOf = ({ labels }: Member) => labels.salt || (mode === 1 ? "0" : undefined);
  return groupWhere(
    world,
    (a, b) => saltOf(a) !== undefined && saltOf(a) === saltOf(b),
    (first) => saltOf(first) ?? first.name,
  );
}

/** The label is `yes`, or the member has not agreed. */
export function optIn(label: string, tenantLabel: string | undefined, world: PolicyWorld): Group[] {
  const agrees = ({ labels }: Member) => labels[label] === "yes";
  const tenantOf = ({ labels }: Member) => (tenantLabel && labels[tenantLabel]) || undefined;
  return groupWhere(
    world,
    (a, b) => agrees(a) === agrees(b) && (agrees(a) || (tenantOf(a) !== undefined && tenantOf(a) === tenantOf(b))),
    (first) => (agrees(first) ? "yes" : (tenantOf(first) ?? first.name)),
  );
}

/** Groups of a policy for the others, and one of those that are named, in the order of their first members. */
export const withPrivate = (
  named: readonly string[],
  world: PolicyWorld,
  groupsOf: (others: PolicyWorld) => readonly Group[],
): Group[] => setApart("private", ({ name }) => named.includes(name), world, groupsOf);

/** The label is `yes`, or the member is not excluded. */
export const isExcluded =
  (label: string) =>
  ({ labels }: Member): boolean =>
    labels[label] === "yes";

export const withExcluded = (
  label: string,
  world: PolicyWorld,
  groupsOf: (others: PolicyWorld) => readonly Group[],
): Group[] => setApart("excluded", isExcluded(label), world, groupsOf);

function setApart(
  group: string,
  isApart: (member: Member) => boolean,
  world: PolicyWorld,
  groupsOf: (others: PolicyWorld) => readonly Group[],
): Group[] {
  const own = world.members.filter(isApart).map(({ name }) => name);
  const others = world.members.filter((member) => !isApart(member));
  const rest = others.length > 0 ? groupsOf({ ...world, members: others }) : [];
  const groups = own.length > 0 ? [{ name: group, members: own }, ...rest] : [...rest];
  const place = ({ members }: Group) => world.members.findIndex(({ name }) => members.includes(name));
  return groups.sort((a, b) => place(a) - place(b));
}

const numbered = (groups: readonly (readonly string[])[]): Group[] =>
  groups.map((members, i) => ({ name: String(i + 1), members }));

const holdsBoth = (limit: readonly string[], group: readonly string[]) =>
  limit.filter((member) => group.includes(member)).length > 1;

const isAllowed = (group: readonly string[], { apart, maxGroup }: TwinLimits) =>
  group.length <= maxGroup && !apart.some((limit) => holdsBoth(limit, group));

/** From single members on, or those that must be together, the two groups that recover most are joined; undefined: no way. */
export function similar(
  count: number,
  world: PolicyWorld,
  zeroPages: ZeroPages,
  limits = NO_LIMITS,
): Group[] | undefined {
  const contents = contentsOf(world, zeroPages);
  let groups = world.members.map(({ name }) => [name]);
  for (const list of limits.together) {
    const isIn = (group: readonly string[]) => group.some((member) => list.includes(member));
    const joined = groups.filter(isIn);
    groups = groups.flatMap((group) => (group === joined[0] ? [joined.flat()] : isIn(group) ? [] : [group]));
  }
  if (!groups.every((group) => isAllowed(group, limits))) return undefined;
  while (groups.length > count) {
    let best: { a: string[]; b: string[]; recovered: number } | undefined;
    for (const [i, a] of groups.entries()) {
      for (const b of groups.slice(i + 1)) {
        const recovered = recoveredBy(contents, a, b);
        if (isAllowed([...a, ...b], limits) && recovered > (best?.recovered ?? -1)) best = { a, b, recovered };
      }
    }
    if (!best) return undefined;
    const { a, b } = best;
    groups = groups.flatMap((group) => (group === a ? [[...a, ...b]] : group === b ? [] : [group]));
  }
  return groups.length === count ? numbered(groups) : undefined;
}

/** Pages that the best grouping into exactly so many groups saves, by their number; those that cannot be are not there. */
export function mostSaved(world: PolicyWorld, zeroPages: ZeroPages, limits = NO_LIMITS): Map<number, number> {
  const names = world.members.map(({ name }) => name);
  const contents = contentsOf(world, zeroPages);
  const pages = contents.reduce((total, { copies }) => [...copies.values()].reduce((a, b) => a + b, total), 0);
  const frames = new Map<string, number>();
  const framesFor = (group: readonly string[]) => {
    const key = group.join();
    const known = frames.get(key) ?? framesOf(contents, group);
    frames.set(key, known);
    return known;
  };
  const most = new Map<number, number>();
  const look = (groups: string[][], next: number) => {
    if (next === names.length) {
      const keeps = limits.together.every((list) => {
        const present = list.filter((member) => names.includes(member));
        return present.length === 0 || groups.some((group) => present.every((member) => group.includes(member)));
      });
      if (!keeps || !groups.every((group) => isAllowed(group, limits))) return;
      const saved = pages - groups.reduce((total, group) => total + framesFor(group), 0);
      most.set(groups.length, Math.max(saved, most.get(groups.length) ?? 0));
      return;
    }
    for (const group of groups) {
      group.push(names[next]);
      look(groups, next + 1);
      group.pop();
    }
    look([...groups, [names[next]]], next + 1);
  };
  look([], 0);
  return most;
}

/** Whether groups are a grouping of the members within the limits. */
export function keepsTo(limits: TwinLimits, world: PolicyWorld, groups: readonly Group[]): boolean {
  const grouped = groups.flatMap(({ members }) => members).sort();
  const names = world.members.map(({ name }) => name).sort();
  const together = limits.together.every(
    (list) => groups.filter(({ members }) => list.some((member) => members.includes(member))).length <= 1,
  );
  return grouped.join() === names.join() && together && groups.every(({ members }) => isAllowed(members, limits));
}
