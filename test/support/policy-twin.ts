// A plain twin of `compare`: from the definitions, each content with its holders and their copies, one after the other.

import { Fraction } from "./fraction.js";
import { formatTime, type Row, rate } from "./table.js";

export interface PolicyMember {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** The content of each of its pages, by number; 0 is the zero content. */
  pages: readonly number[];
}

export interface PolicyWorld {
  timeS: number;
  pageBytes: number;
  members: readonly PolicyMember[];
}

export const ZERO_PAGES = ["counted", "left-out"] as const;
export type ZeroPages = (typeof ZERO_PAGES)[number];

export interface Group {
  name: string;
  /** Names of its members. */
  members: readonly string[];
}

export interface TwinPolicy {
  text: string;
  /** What it makes of a world, in the order of the groups' first members; `zero-only` is no grouping. */
  groups: ((world: PolicyWorld, zeroPages: ZeroPages) => readonly Group[]) | "zero-only";
  /** Members of which no page is equal to any other, not even to one of their own. */
  excludes?: (member: PolicyMember) => boolean;
  /** Pages that no grouping of its kind exceeds, where it says so. */
  mostSaved?: (world: PolicyWorld, zeroPages: ZeroPages) => number;
}

export interface TwinSettings {
  entitlement: "shapley" | "proportional";
  tenantLabel: string | undefined;
  labelNames: readonly string[];
  kernel: KernelSettings | undefined;
}

interface KernelSettings {
  maxPageSharing: number;
  useZeroPages: boolean;
}

/** A content and the copies that its holders have, by their names. */
interface Content {
  isZero: boolean;
  copies: Map<string, number>;
}

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

/** How many pages each content of a world has in each member. */
export function contentsOf({ members }: PolicyWorld, zeroPages: ZeroPages): Content[] {
  const contents = new Map<number, Content>();
  for (const { name, pages } of members) {
    for (const page of pages) {
      if (page === 0 && zeroPages === "left-out") continue;
      const content = contents.get(page) ?? { isZero: page === 0, copies: new Map() };
      content.copies.set(name, (content.copies.get(name) ?? 0) + 1);
      contents.set(page, content);
    }
  }
  return [...contents.values()];
}

/** The same where only zero pages are equal: each other page is a content of its own. */
function zeroContentsOf(world: PolicyWorld, zeroPages: ZeroPages): Content[] {
  const contents = contentsOf(world, zeroPages);
  const pages = contents.flatMap(({ isZero, copies }) =>
    isZero
      ? []
      : [...copies].flatMap(([member, count]) =>
          Array.from({ length: count }, () => ({ isZero, copies: new Map([[member, 1]]) })),
        ),
  );
  return [...contents.filter(({ isZero }) => isZero), ...pages];
}

/** The same where each page of some members is a content of its own. */
function excludedContentsOf(world: PolicyWorld, zeroPages: ZeroPages, isOut: (member: string) => boolean): Content[] {
  const others = world.members.filter(({ name }) => !isOut(name));
  const pages = world.members.flatMap(({ name, pages: own }) =>
    isOut(name)
      ? own
          .filter((page) => page !== 0 || zeroPages === "counted")
          .map(() => ({ isZero: false, copies: new Map([[name, 1]]) }))
      : [],
  );
  return [...contentsOf({ ...world, members: others }, zeroPages), ...pages];
}

/** Names of the members that a policy excludes. */
function excludedBy({ excludes }: TwinPolicy, { members }: PolicyWorld): string[] {
  return excludes ? names(members.filter(excludes)) : [];
}

/** What can be equal under a policy. */
export function contentsUnder(policy: TwinPolicy, world: PolicyWorld, zeroPages: ZeroPages): Content[] {
  const excluded = excludedBy(policy, world);
  return policy.groups === "zero-only"
    ? zeroContentsOf(world, zeroPages)
    : excludedContentsOf(world, zeroPages, (member) => excluded.includes(member));
}

const names = (members: readonly PolicyMember[]) => members.map(({ name }) => name);
const holds = ({ copies }: Content, group: readonly string[]) => group.some((member) => copies.has(member));

/** Frames of one group: the contents that its members hold. */
export function framesOf(contents: readonly Content[], group: readonly string[]): number {
  return contents.filter((content) => holds(content, group)).length;
}

/** Contents that both of two groups hold. */
export function recoveredBy(contents: readonly Content[], a: readonly string[], b: readonly string[]): number {
  return contents.filter((content) => holds(content, a) && holds(content, b)).length;
}

function pagesOf(contents: readonly Content[], group: readonly string[]): number {
  return sum(contents.map(({ copies }) => sum(group.map((member) => copies.get(member) ?? 0))));
}

interface Exposure {
  contents: number;
  pages: number;
  pairs: number;
  byTwo: number;
}

type TenantOf = (member: string) => string;

function tenantsOf({ members }: PolicyWorld, label: string | undefined): TenantOf {
  const tenants = new Map(
    members.map(({ name, labels }) => {
      const tenant = label === undefined ? "" : (labels[label] ?? "");
      return [name, tenant === "" ? `the member ${name}` : `the tenant ${tenant}`];
    }),
  );
  return (member) => tenants.get(member) ?? "";
}

/** What members of different tenants of one same group both hold. */
function exposureOf(contents: readonly Content[], groups: readonly Group[], tenantOf: TenantOf): Exposure {
  const exposure = { contents: 0, pages: 0, pairs: 0, byTwo: 0 };
  for (const { copies } of contents) {
    const pairs = new Set<string>();
    let byTwo = false;
    for (const group of groups) {
      const holders = group.members.filter((member) => copies.has(member));
      const tenants = [...new Set(holders.map(tenantOf))].sort();
      if (tenants.length < 2) continue;
      exposure.pages += sum(holders.map((member) => copies.get(member) ?? 0));
      for (const a of tenants) for (const b of tenants) if (a < b) pairs.add(`${a} and ${b}`);
      if (tenants.length === 2) byTwo = true;
    }
    exposure.contents += pairs.size > 0 ? 1 : 0;
    exposure.pairs += pairs.size;
    exposure.byTwo += byTwo ? 1 : 0;
  }
  return exposure;
}

/** What a member has contributed to the saving of its group. */
function entitlementOf(
  contents: readonly Content[],
  member: string,
  group: readonly string[],
  rule: TwinSettings["entitlement"],
): Fraction {
  let entitlement = new Fraction(0);
  for (const { copies } of contents) {
    const own = copies.get(member) ?? 0;
    if (own === 0) continue;
    const inGroup = group.map((one) => copies.get(one) ?? 0).filter((count) => count > 0);
    const all = sum(inGroup);
    const part =
      rule === "shapley"
        ? new Fraction(own).minus(new Fraction(1, inGroup.length))
        : new Fraction(own * (all - 1), all);
    entitlement = entitlement.plus(part);
  }
  return entitlement;
}

/** What ksmd holds at rest of one group, frame by frame: a frame that would serve a single page is not made. */
function kernelOf(
  contents: readonly Content[],
  group: readonly string[],
  pageBytes: number,
  { maxPageSharing, useZeroPages }: KernelSettings,
): Row {
  const counters = { shared: 0, sharing: 0, unshared: 0, zero: 0, chains: 0, dups: 0 };
  for (const { isZero, copies } of contents) {
    const pages = sum(group.map((member) => copies.get(member) ?? 0));
    if (isZero && useZeroPages) {
      counters.zero += pages;
      continue;
    }
    const frames: number[] = [];
    for (let left = pages; left > 0; left -= maxPageSharing) frames.push(Math.min(left, maxPageSharing));
    const shared = frames.filter((served) => served > 1);
    counters.shared += shared.length;
    counters.sharing += sum(shared.map((served) => served - 1));
    counters.unshared += frames.length - shared.length;
    counters.chains += shared.length > 1 ? 1 : 0;
    counters.dups += shared.length > 1 ? shared.length : 0;
  }
  const items = counters.shared + counters.sharing + counters.unshared;
  return {
    pages_shared: String(counters.shared),
    pages_sharing: String(counters.sharing),
    pages_unshared: String(counters.unshared),
    ksm_zero_pages: String(counters.zero),
    stable_node_chains: String(counters.chains),
    stable_node_dups: String(counters.dups),
    general_profit: String((counters.sharing + counters.zero) * pageBytes - 64 * items),
  };
}

export const TABLES = ["policies", "groups", "members", "merges"] as const;

/** The tables of `pagekin compare` but marginal.csv, for worlds in the order of their times and page sizes. */
export function twinTables(
  worlds: readonly PolicyWorld[],
  policies: readonly TwinPolicy[],
  settings: TwinSettings,
): Record<(typeof TABLES)[number], Row[]> {
  const tables = { policies: [] as Row[], groups: [] as Row[], members: [] as Row[], merges: [] as Row[] };
  for (const world of worlds) {
    for (const zeroPages of ZERO_PAGES) {
      const scored = policies.map((policy) => scorePolicy(world, zeroPages, policy, settings));
      for (const { exposed, saved, rows } of scored) {
        const dominated = scored.some(
          (other) =>
            other.saved >= saved && other.exposed <= exposed && (other.saved > saved || other.exposed < exposed),
        );
        tables.policies.push({ ...rows.policy, dominated: String(dominated) });
        tables.groups.push(...rows.groups);
        tables.members.push(...rows.members);
        tables.merges.push(...rows.merges);
      }
    }
  }
  return tables;
}

interface Scored {
  saved: number;
  exposed: number;
  rows: { policy: Row; groups: Row[]; members: Row[]; merges: Row[] };
}

function scorePolicy(world: PolicyWorld, zeroPages: ZeroPages, policy: TwinPolicy, settings: TwinSettings): Scored {
  const { timeS, pageBytes, members } = world;
  const { entitlement, tenantLabel, labelNames, kernel } = settings;
  const everyone = [{ name: "all", members: names(members) }];
  const all = contentsOf(world, zeroPages);
  const excluded = excludedBy(policy, world);
  const contents = contentsUnder(policy, world, zeroPages);
  const groups = policy.groups === "zero-only" ? everyone : policy.groups(world, zeroPages);
  const tenantOf = tenantsOf(world, tenantLabel);
  const keys = { time_s: formatTime(timeS), page_bytes: String(pageBytes), zero_pages: zeroPages, policy: policy.text };

  const pages = pagesOf(contents, names(members));
  const frames = sum(groups.map((group) => framesOf(contents, group.members)));
  const cost = frames - all.length;
  const exposure = exposureOf(contents, groups, tenantOf);
  const policyRow = {
    ...keys,
    groups: String(groups.length),
    pages: String(pages),
    frames: String(frames),
    saved_pages: String(pages - frames),
    isolation_cost_pages: String(cost),
    isolation_cost_bytes: String(cost * pageBytes),
    isolation_cost_rate: rate(cost, pages - all.length),
    exposed_contents: String(exposure.contents),
    exposed_pages: String(exposure.pages),
    exposed_pairs: String(exposure.pairs),
    exposed_by_two: String(exposure.byTwo),
    most_saved_pages: String(policy.mostSaved?.(world, zeroPages) ?? ""),
  };

  const groupRows = groups.map((group, i) => {
    const own = { pages: pagesOf(contents, group.members), frames: framesOf(contents, group.members) };
    const exposed = exposureOf(contents, [group], tenantOf);
    return {
      ...keys,
      group: group.name,
      members: String(group.members.length),
      pages: String(own.pages),
      frames: String(own.frames),
      saved_pages: String(own.pages - own.frames),
      exposed_contents: String(exposed.contents),
      exposed_pages: String(exposed.pages),
      exposed_by_two: String(exposed.byTwo),
      // The scanner never sees those that are excluded.
      ...(kernel &&
        kernelOf(
          contents,
          group.members.filter((member) => !excluded.includes(member)),
          pageBytes,
          kernel,
        )),
      group_number: String(i + 1),
    };
  });

  const memberRows = members.map(({ name, labels }) => {
    const group = groups.find((one) => one.members.includes(name)) ?? everyone[0];
    const own = entitlementOf(contents, name, group.members, entitlement);
    const inOneGroup = entitlementOf(all, name, everyone[0].members, entitlement);
    return {
      ...keys,
      member: name,
      group: group.name,
      pages: String(pagesOf(contents, [name])),
      entitlement_pages: String(own),
      isolation_cost_pages: String(inOneGroup.minus(own)),
      group_number: String(Math.max(0, groups.indexOf(group)) + 1),
      ...Object.fromEntries(labelNames.map((label) => [label, labels[label] ?? ""])),
    };
  });

  const mergeRows = groups.flatMap((a, i) =>
    groups.slice(i + 1).map((b, j) => ({
      ...keys,
      group_a: a.name,
      group_b: b.name,
      recovered_pages: String(recoveredBy(contents, a.members, b.members)),
      ...{ group_a_number: String(i + 1), group_b_number: String(i + 1 + j + 1) },
    })),
  );

  const rows = { policy: policyRow, groups: groupRows, members: memberRows, merges: mergeRows };
  return { saved: pages - frames, exposed: exposure.contents, rows };
}

/** The rows of marginal.csv: frames with a member less frames without it, for each group that the policy makes of the others. */
export function twinMarginals(
  worlds: readonly PolicyWorld[],
  policies: readonly TwinPolicy[],
  added: readonly string[],
): Row[] {
  return worlds.flatMap((world) =>
    policies.flatMap((policy) =>
      names(world.members)
        .filter((member) => added.includes(member))
        .flatMap((member) => marginalsOf(world, policy, member)),
    ),
  );
}

function marginalsOf(world: PolicyWorld, policy: TwinPolicy, member: string): Row[] {
  const { text, groups } = policy;
  const others = world.members.filter(({ name }) => name !== member);
  if (others.length === 0) return [];
  const excluded = excludedBy(policy, world);
  // Whoever is with the excluded is excluded.
  const contentsIn = (group: Group) =>
    groups === "zero-only"
      ? zeroContentsOf(world, "counted")
      : excludedContentsOf(
          world,
          "counted",
          (one) =>
            excluded.includes(one) || (one === member && group.members.some((other) => excluded.includes(other))),
        );
  const made =
    groups === "zero-only"
      ? [{ name: "all", members: names(others) }]
      : groups({ ...world, members: others }, "counted");
  return made.map((group, i) => ({
    time_s: formatTime(world.timeS),
    page_bytes: String(world.pageBytes),
    policy: text,
    member,
    group: group.name,
    added_frames: String(
      framesOf(contentsIn(group), [...group.members, member]) - framesOf(contentsIn(group), group.members),
    ),
    group_number: String(i + 1),
  }));
}

/** Rows in which the fractions that are those of the exact rows (12 decimals), rounded to 6 decimals, stand as there. */
export function withFractions(rows: readonly Row[], exact: readonly Row[]): Row[] {
  return rows.map((row, i) => {
    const columns = Object.keys(row).filter((column) => /^-?\d+\.\d{12}$/.test(exact[i]?.[column] ?? ""));
    const exactIfRight = (column: string): [string, string] => {
      const [given, expected] = [row[column], exact[i][column]];
      // What lies in the middle may be rounded up or down.
      const isRight = Math.abs(Number(given) - Number(expected)) < 0.5e-6 + 1e-9;
      return [column, isRight && /^-?\d+\.\d{6}$/.test(given) && given !== "-0.000000" ? expected : given];
    };
    return { ...row, ...Object.fromEntries(columns.map(exactIfRight)) };
  });
}
