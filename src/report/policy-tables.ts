// The CSV tables of `compare`. Columns are a contract: new ones go behind the old ones.

import type { Comparison, Marginal, PolicyResult } from "../policies/comparison.js";
import type { Score } from "../sharing/isolation.js";
import type { KernelCounters } from "../sharing/kernel.js";
import type { Merge } from "../sharing/merges.js";
import { rate } from "../sharing/rates.js";
import type { SpectrumMember } from "../spectrum/spectrum.js";
import { type Column, recordOf, type Table, tableOf } from "../text/write-csv.js";
import { growthTable, hostsTable } from "./capacity-tables.js";
import { labelColumns } from "./tables.js";

/** What a comparison was asked for besides its policies. */
interface Asked {
  labelNames: readonly string[];
  /** What ksmd would hold at rest. */
  hasKernel: boolean;
  /** What one more member costs. */
  hasAdded: boolean;
  /** What policies save on each host. */
  hasHosts: boolean;
}

/** All tables of `compare`. */
export const comparisonTables = (
  comparisons: readonly Comparison[],
  { labelNames, hasKernel, hasAdded, hasHosts }: Asked,
): Table[] => [
  policiesTable(comparisons),
  groupsTable(comparisons, hasKernel),
  membersTable(comparisons, labelNames),
  mergesTable(comparisons),
  growthTable(comparisons),
  ...(hasAdded ? [marginalTable(comparisons)] : []),
  ...(hasHosts ? [hostsTable(comparisons)] : []),
];

/** A policy at one time and page size, with or without zero pages. */
interface PolicyRow {
  comparison: Comparison;
  result: PolicyResult;
}

const TIME: Column<{ comparison: Comparison }> = ["time_s", ({ comparison }) => comparison.timeS, "number"];
const PAGE_BYTES: Column<{ comparison: Comparison }> = [
  "page_bytes",
  ({ comparison }) => comparison.pageBytes,
  "number",
];

const KEY_COLUMNS: readonly Column<PolicyRow>[] = [
  TIME,
  PAGE_BYTES,
  ["zero_pages", ({ comparison }) => comparison.zeroPages, "text"],
  ["policy", ({ result }) => result.policy, "text"],
];

const SCORE_COLUMNS: readonly Column<PolicyRow>[] = [
  ["groups", ({ result }) => result.grouping.groups.length, "number"],
  ["pages", ({ result }) => result.score.pages, "number"],
  ["frames", ({ result }) => result.score.frames, "number"],
  ["saved_pages", ({ result }) => result.score.saved, "number"],
  ["isolation_cost_pages", ({ result }) => result.cost, "number"],
  ["isolation_cost_bytes", ({ comparison, result }) => result.cost * comparison.pageBytes, "number"],
  ["isolation_cost_rate", ({ comparison, result }) => rate(result.cost, comparison.oneGroupSaved), "rate"],
  ["exposed_contents", ({ result }) => result.score.exposure.contents, "number"],
  ["exposed_pages", ({ result }) => result.score.exposure.pages, "number"],
  ["exposed_pairs", ({ result }) => result.score.exposure.pairs, "number"],
  ["dominated", ({ result }) => result.dominated, "boolean"],
  ["exposed_by_two", ({ result }) => result.score.exposure.byTwo, "number"],
  ["most_saved_pages", ({ result }) => result.mostSaved, "number"],
];

const POLICY_COLUMNS: readonly Column<PolicyRow>[] = [...KEY_COLUMNS, ...SCORE_COLUMNS];

/** A policy and what joining two of its groups recovers, by the columns of policies.csv and merges.csv. */
export const policyFields = (comparison: Comparison, result: PolicyResult): Record<string, unknown> => ({
  policy: result.policy,
  ...recordOf(SCORE_COLUMNS, { comparison, result }),
  merges: result.merges.map((merge) => recordOf(RECOVERED_COLUMNS, { comparison, result, merge })),
});

function policiesTable(comparisons: readonly Comparison[]): Table {
  return tableOf(
    "policies.csv",
    POLICY_COLUMNS,
    eachPolicy(comparisons, (row) => [row]),
  );
}

interface GroupRow extends PolicyRow {
  group: string;
  number: number;
  score: Score["groups"][number];
  kernel: KernelCounters | undefined;
}

const GROUP_COLUMNS: readonly Column<GroupRow>[] = [
  ...KEY_COLUMNS,
  ["group", ({ group }) => group, "text"],
  ["members", ({ score }) => score.members, "number"],
  ["pages", ({ score }) => score.pages, "number"],
  ["frames", ({ score }) => score.frames, "number"],
  ["saved_pages", ({ score }) => score.saved, "number"],
  ["exposed_contents", ({ score }) => score.exposure.contents, "number"],
  ["exposed_pages", ({ score }) => score.exposure.pages, "number"],
  ["exposed_by_two", ({ score }) => score.exposure.byTwo, "number"],
];

const KERNEL_COLUMNS: readonly Column<GroupRow>[] = [
  ["pages_shared", ({ kernel }) => kernel?.pagesShared, "number"],
  ["pages_sharing", ({ kernel }) => kernel?.pagesSharing, "number"],
  ["pages_unshared", ({ kernel }) => kernel?.pagesUnshared, "number"],
  ["ksm_zero_pages", ({ kernel }) => kernel?.zeroPages, "number"],
  ["stable_node_chains", ({ kernel }) => kernel?.stableNodeChains, "number"],
  ["stable_node_dups", ({ kernel }) => kernel?.stableNodeDups, "number"],
  ["general_profit", ({ kernel }) => kernel?.generalProfit, "number"],
];

/** Groups are counted from 1 in each row of policies.csv; two of them may have one name. */
const GROUP_NUMBER: Column<{ number: number }> = ["group_number", ({ number }) => number + 1, "number"];

/** kernel: whether the kernel's counters were asked for. */
function groupsTable(comparisons: readonly Comparison[], kernel: boolean): Table {
  const rows = eachPolicy(comparisons, function* (row) {
    const { grouping, score, kernel: counters } = row.result;
    for (const [number, one] of score.groups.entries())
      yield { ...row, number, group: grouping.groups[number], score: one, kernel: counters?.[number] };
  });
  return tableOf("groups.csv", [...GROUP_COLUMNS, ...(kernel ? KERNEL_COLUMNS : []), GROUP_NUMBER], rows);
}

interface MemberRow extends PolicyRow {
  number: number;
  member: SpectrumMember;
}

const MEMBER_COLUMNS: readonly Column<MemberRow>[] = [
  ...KEY_COLUMNS,
  ["member", ({ member }) => member.member, "text"],
  ["group", ({ result: { grouping }, number }) => grouping.groups[grouping.of[number]], "text"],
  ["pages", ({ comparison, number }) => comparison.pages[number], "number"],
  ["entitlement_pages", ({ result, number }) => result.entitlements[number], "fraction"],
  ["isolation_cost_pages", ({ result, number }) => result.costs[number], "fraction"],
  ["group_number", ({ result: { grouping }, number }) => grouping.of[number] + 1, "number"],
];

function membersTable(comparisons: readonly Comparison[], labelNames: readonly string[]): Table {
  const rows = eachPolicy(comparisons, function* (row) {
    for (const [number, member] of row.comparison.members.entries())
      yield { ...row, number, member, labels: member.labels };
  });
  return tableOf("members.csv", [...MEMBER_COLUMNS, ...labelColumns(labelNames)], rows);
}

interface MergeRow extends PolicyRow {
  merge: Merge;
}

const RECOVERED_COLUMNS: readonly Column<MergeRow>[] = [
  ["group_a", ({ result, merge }) => result.grouping.groups[merge.a], "text"],
  ["group_b", ({ result, merge }) => result.grouping.groups[merge.b], "text"],
  ["recovered_pages", ({ merge }) => merge.recovered, "number"],
  ["group_a_number", ({ merge }) => merge.a + 1, "number"],
  ["group_b_number", ({ merge }) => merge.b + 1, "number"],
];

const MERGE_COLUMNS: readonly Column<MergeRow>[] = [...KEY_COLUMNS, ...RECOVERED_COLUMNS];

function mergesTable(comparisons: readonly Comparison[]): Table {
  const rows = eachPolicy(comparisons, function* (row) {
    for (const merge of row.result.merges) yield { ...row, merge };
  });
  return tableOf("merges.csv", MERGE_COLUMNS, rows);
}

interface MarginalRow {
  comparison: Comparison;
  marginal: Marginal;
}

const ADDED_COLUMNS: readonly Column<MarginalRow>[] = [
  ["policy", ({ marginal }) => marginal.policy, "text"],
  ["member", ({ marginal }) => marginal.member, "text"],
  ["group", ({ marginal }) => marginal.group, "text"],
  ["added_frames", ({ marginal }) => marginal.addedFrames, "number"],
  ["group_number", ({ marginal }) => marginal.number + 1, "number"],
];

const MARGINAL_COLUMNS: readonly Column<MarginalRow>[] = [TIME, PAGE_BYTES, ...ADDED_COLUMNS];

/** What members would add, by the columns of marginal.csv. */
export const marginalFields = (comparison: Comparison): Record<string, unknown>[] =>
  comparison.marginal.map((marginal) => recordOf(ADDED_COLUMNS, { comparison, marginal }));

function marginalTable(comparisons: readonly Comparison[]): Table {
  const rows = comparisons.flatMap((comparison) =>
    comparison.marginal.map((marginal): MarginalRow => ({ comparison, marginal })),
  );
  return tableOf("marginal.csv", MARGINAL_COLUMNS, rows);
}

function* eachPolicy<Row>(comparisons: readonly Comparison[], rows: (row: PolicyRow) => Iterable<Row>): Generator<Row> {
  for (const comparison of comparisons) for (const result of comparison.results) yield* rows({ comparison, result });
}
