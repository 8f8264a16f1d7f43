// The CSV tables of `compare`, as rows of text. Columns are a contract: new ones go behind the old ones.

import type { Comparison, PolicyResult } from "../policies/comparison.js";
import { rate } from "../sharing/rates.js";
import { formatFraction, formatNumber, formatRate } from "../text/format.js";
import type { Table } from "./tables.js";

const KERNEL_COLUMNS =
  "pages_shared,pages_sharing,pages_unshared,ksm_zero_pages,stable_node_chains,stable_node_dups,general_profit".split(
    ",",
  );

export function policiesTable(comparisons: readonly Comparison[]): Table {
  return {
    file: "policies.csv",
    columns:
      "time_s,page_bytes,zero_pages,policy,groups,pages,frames,saved_pages,isolation_cost_pages,isolation_cost_bytes,isolation_cost_rate,exposed_contents,exposed_pages,exposed_pairs,dominated,exposed_by_two,most_saved_pages".split(
        ",",
      ),
    rows: eachPolicy(comparisons, function* (comparison, keys, { grouping, score, cost, dominated, mostSaved }) {
      const { exposure } = score;
      yield [
        ...keys,
        ...[grouping.groups.length, score.pages, score.frames, score.saved].map(formatNumber),
        ...[cost, cost * comparison.pageBytes].map(formatNumber),
        formatRate(rate(cost, comparison.oneGroupSaved)),
        ...[exposure.contents, exposure.pages, exposure.pairs].map(formatNumber),
        String(dominated),
        formatNumber(exposure.byTwo),
        mostSaved === undefined ? "" : formatNumber(mostSaved),
      ];
    }),
  };
}

/** kernel: whether the kernel's counters were asked for. */
export function groupsTable(comparisons: readonly Comparison[], kernel: boolean): Table {
  return {
    file: "groups.csv",
    columns:
      "time_s,page_bytes,zero_pages,policy,group,members,pages,frames,saved_pages,exposed_contents,exposed_pages,exposed_by_two"
        .split(",")
        .concat(kernel ? KERNEL_COLUMNS : []),
    rows: eachPolicy(comparisons, function* (_, keys, { grouping, score, kernel: counters }) {
      for (const [number, { members, pages, frames, saved, exposure }] of score.groups.entries()) {
        const counts = [members, pages, frames, saved, exposure.contents, exposure.pages, exposure.byTwo];
        const own = counters?.[number];
        const more = own
          ? [
              own.pagesShared,
              own.pagesSharing,
              own.pagesUnshared,
              own.zeroPages,
              own.stableNodeChains,
              own.stableNodeDups,
              own.generalProfit,
            ]
          : [];
        yield [...keys, grouping.groups[number], ...[...counts, ...more].map(formatNumber)];
      }
    }),
  };
}

export function membersTable(comparisons: readonly Comparison[], labelNames: readonly string[]): Table {
  return {
    file: "members.csv",
    columns: "time_s,page_bytes,zero_pages,policy,member,group,pages,entitlement_pages,isolation_cost_pages"
      .split(",")
      .concat(labelNames),
    rows: eachPolicy(comparisons, function* ({ members, pages }, keys, { grouping, entitlements, costs }) {
      for (const [number, { member, labels }] of members.entries()) {
        const fractions = [entitlements[number], costs[number]].map(formatFraction);
        const own = labelNames.map((name) => labels[name] ?? "");
        yield [
          ...keys,
          member,
          grouping.groups[grouping.of[number]],
          formatNumber(pages[number]),
          ...fractions,
          ...own,
        ];
      }
    }),
  };
}

export function mergesTable(comparisons: readonly Comparison[]): Table {
  return {
    file: "merges.csv",
    columns: "time_s,page_bytes,zero_pages,policy,group_a,group_b,recovered_pages".split(","),
    rows: eachPolicy(comparisons, function* (_, keys, { grouping, merges }) {
      for (const { a, b, recovered } of merges) {
        yield [...keys, grouping.groups[a], grouping.groups[b], formatNumber(recovered)];
      }
    }),
  };
}

export function marginalTable(comparisons: readonly Comparison[]): Table {
  return {
    file: "marginal.csv",
    columns: "time_s,page_bytes,policy,member,group,added_frames".split(","),
    rows: comparisons.flatMap(({ timeS, pageBytes, marginal }) =>
      marginal.map(({ policy, member, group, addedFrames }) => [
        formatNumber(timeS),
        formatNumber(pageBytes),
        policy,
        member,
        group,
        formatNumber(addedFrames),
      ]),
    ),
  };
}

/** The rows of each policy, which begin with time, page size, zero mode and the policy's text. */
function* eachPolicy(
  comparisons: readonly Comparison[],
  rows: (comparison: Comparison, keys: string[], result: PolicyResult) => Iterable<string[]>,
): Generator<string[]> {
  for (const comparison of comparisons) {
    const { timeS, pageBytes, zeroPages, results } = comparison;
    for (const result of results) {
      yield* rows(comparison, [formatNumber(timeS), formatNumber(pageBytes), zeroPages, result.policy], result);
    }
  }
}
