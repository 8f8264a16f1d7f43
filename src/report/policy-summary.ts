// What `compare` prints: policies, best first, as text or as JSON.

import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { printable } from "../errors.js";
import type { Comparison, PolicyResult } from "../policies/comparison.js";
import { mean, rate } from "../sharing/rates.js";
import { formatBytes, formatCount, formatPercent } from "../text/format.js";
import { atTime, growthPart, hostsPart } from "./capacity-summary.js";
import { growthFields, hostFields } from "./capacity-tables.js";
import { marginalFields, policyFields } from "./policy-tables.js";
import { commonFields, placePart, type SummaryOptions, sourcesPart } from "./read-sources.js";
import { plural, print, printJson, styled } from "./terminal.js";
import { table } from "./text-table.js";

const MOST_MERGES = 3;
const MOST_MARGINAL = 40;

/** One policy's numbers at one page size with zero pages counted, means over all times. */
interface Row {
  policy: string;
  groups: number;
  saved: number;
  savedRate: number;
  cost: number;
  costRate: number;
  exposed: number;
  byTwo: number;
  /** At all times. */
  dominated: boolean;
}

export function printPolicies(comparisons: readonly Comparison[], options: SummaryOptions): Promise<void> {
  if (options.json) return printJson(summaryJson(comparisons, options));
  const counted = comparisons.filter(({ zeroPages }) => zeroPages === "counted");
  const sizes = [...new Set(counted.map(({ pageBytes }) => pageBytes))];
  const pageBytes = sizes.includes(BASE_PAGE_BYTES) ? BASE_PAGE_BYTES : sizes[0];
  const shown = counted.filter((one) => one.pageBytes === pageBytes);
  const rows = rowsOf(shown);
  return print(
    [
      headline(shown, pageBytes),
      ...sourcesPart(options),
      policiesPart(rows, pageBytes),
      frontPart(rows),
      ...searchPart(shown),
      ...mergesPart(shown, rows, pageBytes),
      ...marginalPart(shown, pageBytes),
      ...hostsPart(shown),
      ...growthPart(shown),
      placePart(options),
    ].join("\n\n"),
  );
}

/** Best first: what saves most, of those what exposes least. */
function rowsOf(comparisons: readonly Comparison[]): Row[] {
  const policies = comparisons[0].results.map(({ policy }) => policy);
  return policies
    .map((policy, i): Row => {
      const at = (of: (result: PolicyResult, comparison: Comparison) => number) =>
        mean(comparisons.map((comparison) => of(comparison.results[i], comparison)));
      return {
        policy,
        groups: at(({ grouping }) => grouping.groups.length),
        saved: at(({ score }) => score.saved),
        savedRate: at(({ score }) => rate(score.saved, score.pages)),
        cost: at(({ cost }) => cost),
        costRate: at(({ cost }, { oneGroupSaved }) => rate(cost, oneGroupSaved)),
        exposed: at(({ score }) => score.exposure.contents),
        byTwo: at(({ score }) => score.exposure.byTwo),
        dominated: comparisons.every(({ results }) => results[i].dominated),
      };
    })
    .sort((a, b) => b.saved - a.saved || a.exposed - b.exposed);
}

function headline(comparisons: readonly Comparison[], pageBytes: number): string {
  const members = new Set(comparisons.flatMap((one) => one.members.map(({ member }) => member))).size;
  const times = comparisons.length > 1 ? ` at ${comparisons.length} times (means)` : "";
  const text = `${plural(members, "member")}${times}, pages of ${formatBytes(pageBytes)}, zero pages counted`;
  return styled("bold", text);
}

function policiesPart(rows: readonly Row[], pageBytes: number): string {
  const count = (value: number) => formatCount(Math.round(value));
  const cells = [
    ["policy", "groups", "saved", "of all", "isolation cost", "of the saving", "exposed", "across two"],
    ...rows.map((row) => [
      row.policy,
      String(Number(row.groups.toFixed(1))),
      formatBytes(Math.round(row.saved) * pageBytes),
      formatPercent(row.savedRate),
      formatBytes(Math.round(row.cost) * pageBytes),
      formatPercent(row.costRate),
      count(row.exposed),
      count(row.byTwo),
    ]),
  ];
  const dimmed = rows.flatMap(({ dominated }, i) => (dominated ? [i + 1] : []));
  return `Policies, best first (exposed: unique pages shared across tenants)\n${table(cells, { dimmed, optional: [7, 5, 3, 1] })}`;
}

function frontPart(rows: readonly Row[]): string {
  const front = rows.filter(({ dominated }) => !dominated).map(({ policy }) => policy);
  return `Pareto-optimal: whatever saves more exposes more\n  ${printable(front.join(", "))}`;
}

/** How far from the best grouping the searched ones may be. */
function searchPart(comparisons: readonly Comparison[]): string[] {
  const gaps = comparisons.flatMap(({ results }) =>
    results.flatMap(({ policy, score, mostSaved }) =>
      mostSaved !== undefined && mostSaved > score.saved
        ? [{ policy, gap: rate(mostSaved - score.saved, mostSaved) }]
        : [],
    ),
  );
  const policies = [...new Set(gaps.map(({ policy }) => policy))];
  return policies.map((policy) => {
    const gap = gaps.filter((one) => one.policy === policy).reduce((most, one) => Math.max(most, one.gap), 0);
    return `${policy} is a heuristic for this many members: no grouping of this kind saves more than ${formatPercent(gap)} beyond it`;
  });
}

/** What joining two groups would recover, for the best policy that has several. */
function mergesPart(comparisons: readonly Comparison[], rows: readonly Row[], pageBytes: number): string[] {
  const last = comparisons[comparisons.length - 1];
  const row = rows.find(({ groups, dominated }) => groups > 1 && !dominated);
  const result = last.results.find(({ policy }) => policy === row?.policy);
  const best = [...(result?.merges ?? [])]
    .sort((a, b) => b.recovered - a.recovered)
    .slice(0, MOST_MERGES)
    .filter(({ recovered }) => recovered > 0);
  if (!result || best.length === 0) return [];
  const names = result.grouping.groups;
  const cells = best.map(({ a, b, recovered }) => [`${names[a]} + ${names[b]}`, formatBytes(recovered * pageBytes)]);
  return [
    `Largest gains from merging two groups of ${result.policy}${atTime(comparisons)}\n${table([["groups", "saved"], ...cells])}`,
  ];
}

function marginalPart(comparisons: readonly Comparison[], pageBytes: number): string[] {
  const { marginal } = comparisons[comparisons.length - 1];
  if (marginal.length === 0) return [];
  const more = marginal.length - MOST_MARGINAL;
  const rest = more > 0 ? `\n  and ${formatCount(more)} more in marginal.csv` : "";
  const cells = marginal
    .slice(0, MOST_MARGINAL)
    .map(({ policy, member, group, addedFrames }) => [member, policy, group, formatBytes(addedFrames * pageBytes)]);
  const head = ["member", "policy", "group", "frames"];
  return [`Frames that a member adds to a group${atTime(comparisons)}\n${table([head, ...cells], { left: 3 })}${rest}`];
}

function summaryJson(comparisons: readonly Comparison[], options: SummaryOptions): object {
  return {
    ...commonFields(options),
    comparisons: comparisons.map((comparison) => ({
      time_s: comparison.timeS,
      page_bytes: comparison.pageBytes,
      zero_pages: comparison.zeroPages,
      members: comparison.members.length,
      policies: comparison.results.map((result) => ({
        ...policyFields(comparison, result),
        saved_rate: rate(result.score.saved, result.score.pages),
      })),
      marginal: marginalFields(comparison),
      hosts: hostFields(comparison),
      growth: growthFields(comparison),
    })),
  };
}
