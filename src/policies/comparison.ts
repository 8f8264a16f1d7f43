// Policies side by side: what each saves, loses against one group, and exposes. Pure: spectrum in, numbers out.

import { type EntitlementRule, entitlements, zeroEntitlements } from "../sharing/entitlement.js";
import { withoutPages, withPagesApart } from "../sharing/excluded.js";
import type { Grouping } from "../sharing/grouping.js";
import { type Growth, growthOf } from "../sharing/growth.js";
import { type Score, score, scoreZeroOnly, type Tenants } from "../sharing/isolation.js";
import { type KernelCounters, type KernelSettings, kernelAtRest, kernelZeroOnly } from "../sharing/kernel.js";
import { addedFrames, bestMerges, type Merge } from "../sharing/merges.js";
import { restrict, type View, viewOf, type ZeroPages } from "../sharing/view.js";
import { labelOf, type Spectrum, type SpectrumMember } from "../spectrum/spectrum.js";
import type { Pause } from "../system/pace.js";
import { type HostResult, type HostSettings, hostsOf } from "./hosts.js";
import { inOneGroup } from "./one-group.js";
import type { GroupingPolicy, Policy } from "./policy.js";
import { NoGrouping } from "./units.js";

const MOST_MERGES = 100;
const ZERO_PAGES: readonly ZeroPages[] = ["counted", "left-out"];

export interface CompareSettings {
  policies: readonly Policy[];
  entitlement: EntitlementRule;
  /** The label that names a member's tenant; without it, or where it is empty, each member is its own tenant. */
  tenantLabel: string | undefined;
  /** Where the kernel's counters are asked for. */
  kernel: KernelSettings | undefined;
  /** Members whose cost at the margin is asked for. */
  add: readonly string[];
  /** Where what policies save on each host is asked for. */
  hosts?: HostSettings | undefined;
}

/** The policies at one time and page size, with or without zero pages. */
export interface Comparison {
  timeS: number;
  pageBytes: number;
  zeroPages: ZeroPages;
  members: readonly SpectrumMember[];
  /** Pages of each member. */
  pages: readonly number[];
  /** Pages that are saved with all members in one group. */
  oneGroupSaved: number;
  results: PolicyResult[];
  marginal: Marginal[];
  /** Members that could not be added, as a policy has no grouping of the others: for each a sentence. */
  notAdded: string[];
  /** By policy, then by host; where it is asked for and zero pages are counted. Sentences on what is missing. */
  hosts: HostResult[];
  hostNotes: string[];
  /** Of all members in one group; where zero pages are counted. */
  growth: Growth | undefined;
}

export interface PolicyResult {
  policy: string;
  /** Of `zero-only`: the one group `all`. */
  grouping: Grouping;
  score: Score;
  /** Frames beyond those of one group. */
  cost: number;
  /** By member, in pages: what it has contributed to the saving, and its share of the cost. */
  entitlements: Float64Array;
  costs: Float64Array;
  /** By group. */
  kernel: KernelCounters[] | undefined;
  merges: Merge[];
  /** Another policy saves at least as much and exposes no more contents, one of them strictly. */
  dominated: boolean;
  /** Of `best`: no grouping of its kind saves more. */
  mostSaved: number | undefined;
}

/** Frames that a member would add to a group of the others. */
export interface Marginal {
  policy: string;
  member: string;
  group: string;
  /** Of the group, from 0: two may have one name. */
  number: number;
  addedFrames: number;
}

/** Compares policies on a spectrum: with zero pages, and with those left out. */
export async function comparePolicies(
  spectrum: Spectrum,
  settings: CompareSettings,
  pause: Pause = () => undefined,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const mode of ZERO_PAGES) comparisons.push(await compareView(viewOf(spectrum, mode), settings, pause));
  return comparisons;
}

async function compareView(view: View, settings: CompareSettings, pause: Pause): Promise<Comparison> {
  const tenants = tenantsOf(view, settings.tenantLabel);
  const together = inOneGroup(view);
  const base = score(view, together, tenants);
  const baseEntitlements = entitlements(view, together, settings.entitlement);
  const results: PolicyResult[] = [];
  for (const policy of settings.policies) {
    const own =
      policy.kind === "zero-only"
        ? zeroOnly(view, tenants, settings)
        : await grouped(view, policy, tenants, settings, pause);
    results.push({
      ...own,
      policy: policy.text,
      cost: own.score.frames - base.frames,
      costs: baseEntitlements.map((pages, member) => pages - own.entitlements[member]),
      dominated: false,
    });
    const turn = pause();
    if (turn) await turn;
  }
  for (const one of results) one.dominated = results.some((other) => dominates(other.score, one.score));
  const { timeS, pageBytes, zeroPages, members, pages } = view;
  const more = zeroPages === "counted" ? await capacity(view, settings, pause) : NO_CAPACITY;
  return { timeS, pageBytes, zeroPages, members, pages, oneGroupSaved: base.saved, results, ...more };
}

type CapacityNumbers = Pick<Comparison, "marginal" | "notAdded" | "hosts" | "hostNotes" | "growth">;

const NO_CAPACITY: CapacityNumbers = { marginal: [], notAdded: [], hosts: [], hostNotes: [], growth: undefined };

/** What more members would need, and what hosts have room for. */
async function capacity(view: View, settings: CompareSettings, pause: Pause): Promise<CapacityNumbers> {
  const added = await marginals(view, settings, pause);
  const onHosts = settings.hosts
    ? await hostsOf(view, settings.policies, settings.hosts, pause)
    : { hosts: [], notes: [] };
  return { ...added, hosts: onHosts.hosts, hostNotes: onHosts.notes, growth: await growthOf(view, pause) };
}

/** By member its tenant: those with the same value of a label; without one each its own. */
export function tenantsOf({ members }: View, label: string | undefined): Tenants {
  const numbers = new Map<string, number>();
  return Uint32Array.from(members, (one, member) => {
    const tenant = label && labelOf(one, label);
    const key = tenant ? `tenant ${tenant}` : `member ${member}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

type OwnNumbers = Pick<PolicyResult, "grouping" | "score" | "entitlements" | "kernel" | "merges" | "mostSaved">;

async function grouped(
  view: View,
  policy: GroupingPolicy,
  tenants: Tenants,
  { entitlement, kernel }: CompareSettings,
  pause: Pause,
): Promise<OwnNumbers> {
  const grouping = await policy.group(view, pause);
  const { excludes } = policy;
  const isOut = excludes && view.members.map(excludes);
  const counted = isOut ? withPagesApart(view, isOut) : view;
  const scanned = isOut && kernel ? withoutPages(view, isOut) : view;
  return {
    grouping,
    score: score(counted, grouping, tenants),
    entitlements: entitlements(counted, grouping, entitlement),
    kernel: kernel && kernelAtRest(scanned, grouping, kernel),
    merges: await bestMerges(counted, grouping, MOST_MERGES, pause),
    mostSaved: grouping.mostSaved,
  };
}

function zeroOnly(view: View, tenants: Tenants, { entitlement, kernel }: CompareSettings): OwnNumbers {
  return {
    grouping: inOneGroup(view),
    score: scoreZeroOnly(view, tenants),
    entitlements: zeroEntitlements(view, entitlement),
    kernel: kernel && [kernelZeroOnly(view, kernel)],
    merges: [],
    mostSaved: undefined,
  };
}

function dominates(a: Score, b: Score): boolean {
  const better = a.saved > b.saved || a.exposure.contents < b.exposure.contents;
  return better && a.saved >= b.saved && a.exposure.contents <= b.exposure.contents;
}

/** What each added member costs each group, in the order of the policies and of the members. */
async function marginals(
  view: View,
  { policies, add }: CompareSettings,
  pause: Pause,
): Promise<Pick<Comparison, "marginal" | "notAdded">> {
  const added = [...view.members.keys()].filter((member) => add.includes(view.members[member].member));
  const marginal: Marginal[] = [];
  const notAdded: string[] = [];
  for (const { policy, added: one } of policies.flatMap((policy) => added.map((added) => ({ policy, added })))) {
    const { member } = view.members[one];
    try {
      for (const [number, [group, addedFrames]] of (await addedTo(view, policy, one, pause)).entries()) {
        marginal.push({ policy: policy.text, member, group, number, addedFrames });
      }
    } catch (error) {
      if (!(error instanceof NoGrouping)) throw error;
      notAdded.push(`${policy.text} has no groups to add ${member} to: without it ${error.message}`);
    }
  }
  return { marginal, notAdded };
}

/** What a member adds to each group that the policy makes of the others. */
async function addedTo(
  view: View,
  policy: Policy,
  member: number,
  pause: Pause,
): Promise<[group: string, frames: number][]> {
  const others = [...view.members.keys()].filter((one) => one !== member);
  if (others.length === 0) return [];
  if (policy.kind === "zero-only") {
    const known = others.some((one) => view.zeros[one] > 0);
    const zeros = view.zeros[member];
    return [["all", view.pages[member] - (known ? zeros : Math.max(0, zeros - 1))]];
  }
  const { groups, of } = await policy.group(restrict(view, others), pause);
  const groupOf = new Int32Array(view.members.length).fill(-1);
  others.forEach((one, i) => {
    groupOf[one] = of[i];
  });
  const isOut = policy.excludes && view.members.map(policy.excludes);
  if (!isOut) {
    const added = addedFrames(view, groupOf, groups.length, member);
    return groups.map((group, i) => [group, added[i]]);
  }
  const added = addedFrames(withPagesApart(view, isOut), groupOf, groups.length, member);
  // Whoever joins the excluded shares nothing either.
  const outside = groupOf[isOut.findIndex((out, one) => out && one !== member)];
  return groups.map((group, i) => [group, i === outside ? view.pages[member] : added[i]]);
}
