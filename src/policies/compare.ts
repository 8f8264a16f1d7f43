// Policies side by side: what each saves, loses against one group, and exposes. Pure: spectrum in, numbers out.

import { PagekinError } from "../errors.js";
import { type EntitlementRule, entitlements, zeroEntitlements } from "../sharing/entitlement.js";
import type { Grouping } from "../sharing/grouping.js";
import { type Score, score, scoreZeroOnly, type Tenants } from "../sharing/isolation.js";
import { type KernelCounters, type KernelSettings, kernelAtRest, kernelZeroOnly } from "../sharing/kernel.js";
import { addedFrames, bestMerges, type Merge } from "../sharing/merges.js";
import { restrict, type View, viewOf, type ZeroPages } from "../sharing/view.js";
import type { Spectrum, SpectrumMember } from "../tracefile/spectrum.js";
import { oneGroup } from "./one-group.js";
import type { Policy } from "./policy.js";

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
  addedFrames: number;
}

/** Compares policies on a spectrum: with zero pages, and with those left out. */
export function comparePolicies(spectrum: Spectrum, settings: CompareSettings): Comparison[] {
  return ZERO_PAGES.map((mode) => {
    const view = viewOf(spectrum, mode);
    const tenants = tenantsOf(view, settings.tenantLabel);
    const together = oneGroup(view);
    const base = score(view, together, tenants);
    const baseEntitlements = entitlements(view, together, settings.entitlement);
    const results = settings.policies.map((policy): PolicyResult => {
      const result =
        policy.kind === "zero-only" ? zeroOnly(view, tenants, settings) : grouped(view, policy, tenants, settings);
      return {
        ...result,
        policy: policy.text,
        cost: result.score.frames - base.frames,
        costs: baseEntitlements.map((pages, member) => pages - result.entitlements[member]),
        dominated: false,
      };
    });
    for (const one of results) one.dominated = results.some((other) => dominates(other.score, one.score));
    return {
      timeS: view.timeS,
      pageBytes: view.pageBytes,
      zeroPages: mode,
      members: view.members,
      pages: view.pages,
      oneGroupSaved: base.saved,
      results,
      marginal: mode === "counted" ? marginals(view, settings) : [],
    };
  });
}

function tenantsOf({ members }: View, label: string | undefined): Tenants {
  const numbers = new Map<string, number>();
  return Uint32Array.from(members, ({ labels }, member) => {
    const tenant = label && labels[label];
    const key = tenant ? `tenant ${tenant}` : `member ${member}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

type OwnNumbers = Pick<PolicyResult, "grouping" | "score" | "entitlements" | "kernel" | "merges" | "mostSaved">;

function grouped(
  view: View,
  policy: Extract<Policy, { kind: "grouping" }>,
  tenants: Tenants,
  { entitlement, kernel }: CompareSettings,
): OwnNumbers {
  const grouping = policy.group(view);
  return {
    grouping,
    score: score(view, grouping, tenants),
    entitlements: entitlements(view, grouping, entitlement),
    kernel: kernel && kernelAtRest(view, grouping, kernel),
    merges: bestMerges(view, grouping, MOST_MERGES),
    mostSaved: grouping.mostSaved,
  };
}

function zeroOnly(view: View, tenants: Tenants, { entitlement, kernel }: CompareSettings): OwnNumbers {
  return {
    grouping: oneGroup(view),
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

function marginals(view: View, { policies, add }: CompareSettings): Marginal[] {
  const number = new Map(view.members.map(({ member }, i) => [member, i]));
  return policies.flatMap((policy) =>
    add.flatMap((member) => {
      const added = number.get(member);
      if (added === undefined) return [];
      return addedTo(view, policy, added).map(([group, frames]) => ({
        policy: policy.text,
        member,
        group,
        addedFrames: frames,
      }));
    }),
  );
}

/** Undefined where the policy has no grouping of so few: then there is no group to join. */
function groupsOfOthers(others: View, policy: Extract<Policy, { kind: "grouping" }>): Grouping | undefined {
  try {
    return policy.group(others);
  } catch (error) {
    if (error instanceof PagekinError) return undefined;
    throw error;
  }
}

/** What a member adds to each group that the policy makes of the others. */
function addedTo(view: View, policy: Policy, member: number): [group: string, frames: number][] {
  const others = [...view.members.keys()].filter((one) => one !== member);
  if (others.length === 0) return [];
  if (policy.kind === "zero-only") {
    const known = others.some((one) => view.zeros[one] > 0);
    const zeros = view.zeros[member];
    return [["all", view.pages[member] - (known ? zeros : Math.max(0, zeros - 1))]];
  }
  const grouping = groupsOfOthers(restrict(view, others), policy);
  if (!grouping) return [];
  const { groups, of } = grouping;
  const groupOf = new Int32Array(view.members.length).fill(-1);
  others.forEach((one, i) => {
    groupOf[one] = of[i];
  });
  const added = addedFrames(view, groupOf, groups.length, member);
  return groups.map((group, i) => [group, added[i]]);
}
