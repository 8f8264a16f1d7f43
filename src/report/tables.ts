// The CSV tables of `analyze`, as rows of text. Columns are a contract: new ones go behind the old ones.

import { LEDGER_COLUMNS, ledgerOf } from "../dumps/ledger.js";
import type { Sharing } from "../sharing/count.js";
import type { WorldResult } from "../sharing/count-world.js";
import { interSharing, nonzeroContents, pairRate, rate, selfSharing } from "../sharing/rates.js";
import { displayName } from "../sources/open.js";
import { formatNumber, formatRate } from "../text/format.js";
import { ALL_MEMBERS, type World } from "../worlds/worlds.js";

export interface Table {
  file: string;
  columns: string[];
  /** Made while they are written: a large world has many. */
  rows: Iterable<string[]>;
}

const NORMAL_PAGE_BYTES = 4096;

export function selfTable(results: readonly WorldResult[], labelNames: readonly string[]): Table {
  return {
    file: "self.csv",
    columns:
      "time_s,member,page_bytes,pages,zero_pages,contents,self_saved_pages,self_sharing_rate,zero_saved_pages,nonzero_self_sharing_rate"
        .split(",")
        .concat(labelNames),
    rows: eachSize(results, function* ({ timeS, snapshots }, sharing) {
      for (const [number, { member, labels }] of snapshots.entries()) {
        const self = selfSharing(sharing, number);
        const row = [
          formatNumber(timeS),
          member,
          formatNumber(sharing.pageBytes),
          formatNumber(self.pages),
          formatNumber(self.zeroPages),
          formatNumber(self.contents),
          formatNumber(self.selfSaved),
          formatRate(self.selfRate),
          formatNumber(self.zeroSaved),
          formatRate(self.nonzeroSelfRate),
        ];
        for (const name of labelNames) row.push(labels[name] ?? "");
        yield row;
      }
    }),
  };
}

export function interTable(results: readonly WorldResult[]): Table {
  return {
    file: "inter.csv",
    columns:
      "time_s,page_bytes,members,pages,contents_sum,contents_union,self_saved_pages,inter_saved_pages,self_sharing_rate,inter_sharing_rate,total_sharing_rate,nonzero_inter_sharing_rate,self_share_of_saving".split(
        ",",
      ),
    rows: eachSize(results, function* ({ timeS, snapshots }, sharing) {
      const inter = interSharing(sharing);
      const { pages, contentsSum, contentsUnion, selfSaved, interSaved } = inter;
      const { selfRate, interRate, totalRate, nonzeroInterRate, selfShareOfSaving } = inter;
      yield [
        [timeS, sharing.pageBytes, snapshots.length, pages, contentsSum, contentsUnion, selfSaved, interSaved].map(
          formatNumber,
        ),
        [selfRate, interRate, totalRate, nonzeroInterRate, selfShareOfSaving].map(formatRate),
      ].flat();
    }),
  };
}

export function pairsTable(results: readonly WorldResult[]): Table {
  return {
    file: "pairs.csv",
    columns: "time_s,page_bytes,member_a,member_b,shared_contents,inter_sharing_rate,nonzero_shared_contents".split(
      ",",
    ),
    rows: eachSize(results, function* ({ timeS, snapshots }, s) {
      for (const pair of s.pairs) {
        const [a, b] = [snapshots[pair.a].member, snapshots[pair.b].member];
        const counts = [
          formatNumber(pair.contents),
          formatRate(pairRate(s, pair)),
          formatNumber(nonzeroContents(s, pair)),
        ];
        yield [formatNumber(timeS), formatNumber(s.pageBytes), a, b, ...counts];
      }
    }),
  };
}

/** Self-sharing rate of each member and total rate of all (`*`), also relative to that at 4 KiB. */
export function pageSizesTable(results: readonly WorldResult[]): Table {
  return {
    file: "page_sizes.csv",
    columns: "time_s,member,page_bytes,sharing_rate,normalized_to_4k".split(","),
    rows: eachSize(results, function* ({ timeS, snapshots }, s, sharing) {
      const normal = sharing.find((one) => one.pageBytes === NORMAL_PAGE_BYTES);
      const row = (member: string, rateOf: (s: Sharing) => number) => [
        formatNumber(timeS),
        member,
        formatNumber(s.pageBytes),
        formatRate(rateOf(s)),
        normal ? normalized(rateOf(s), rateOf(normal)) : "",
      ];
      for (const [m, { member }] of snapshots.entries()) yield row(member, (at) => selfSharing(at, m).selfRate);
      yield row(ALL_MEMBERS, (at) => interSharing(at).totalRate);
    }),
  };
}

/** Empty where there is a rate and none at 4 KiB to divide it by. */
function normalized(value: number, normal: number): string {
  return value > 0 && normal === 0 ? "" : formatRate(rate(value, normal));
}

export function copiesTable(results: readonly WorldResult[]): Table {
  return {
    file: "copies.csv",
    columns: "time_s,page_bytes,members,copies,contents".split(","),
    rows: eachSize(results, function* ({ timeS }, { pageBytes, copies: counted }) {
      for (const { members, copies, contents } of counted)
        yield [timeS, pageBytes, members, copies, contents].map(formatNumber);
    }),
  };
}

/** Where every byte of each dump went; of a trace what it says of its dump, empty where it does not say. */
export function ledgerTable(results: readonly WorldResult[]): Table {
  return {
    file: "ledger.csv",
    columns: ["time_s", "member", "source", "format", "address_space", ...LEDGER_COLUMNS],
    rows: results.flatMap(({ world, counts }) =>
      world.snapshots.map(({ timeS, member, opened, trace }, number) => {
        const ledger = trace ? (trace.ledger ?? {}) : ledgerOf(counts[number], opened.layout);
        const space = trace ? (trace.addressSpace ?? "") : (opened.layout?.addressSpace ?? "physical");
        const source = displayName(opened.name);
        const bytes = LEDGER_COLUMNS.map((column) =>
          ledger[column] === undefined ? "" : formatNumber(ledger[column]),
        );
        return [formatNumber(timeS), member, source, opened.format, space, ...bytes];
      }),
    ),
  };
}

/** The rows of each world at each page size. */
function* eachSize(
  results: readonly WorldResult[],
  rows: (world: World, sharing: Sharing, all: readonly Sharing[]) => Iterable<string[]>,
): Generator<string[]> {
  for (const { world, sharing } of results) for (const one of sharing) yield* rows(world, one, sharing);
}
