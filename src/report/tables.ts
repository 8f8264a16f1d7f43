// The CSV tables of `analyze`, as rows of text. Columns are a contract: new ones go behind the old ones.

import type { SourceCounts } from "../fingerprints/hash.js";
import type { Snapshot, World } from "../fingerprints/worlds.js";
import { interSharing, pairRate, rate, selfSharing } from "../sharing/rates.js";
import type { Sharing } from "../sharing/count.js";
import { displayName } from "../sources/open.js";
import { formatNumber, formatRate } from "./format.js";

export interface Table {
  file: string;
  columns: string[];
  rows: string[][];
}

/** A world and what was found in it, at each page size (ascending). */
export interface WorldResult {
  world: World;
  counts: SourceCounts[];
  sharing: Sharing[];
}

const NORMAL_PAGE_BYTES = 4096;

export function selfTable(results: readonly WorldResult[], labelNames: readonly string[]): Table {
  return {
    file: "self.csv",
    columns:
      "time_s,member,page_bytes,pages,zero_pages,contents,self_saved_pages,self_sharing_rate,zero_saved_pages,nonzero_self_sharing_rate"
        .split(",")
        .concat(labelNames),
    rows: eachMember(results, ({ timeS, member, labels }, sharing, number) => {
      const self = selfSharing(sharing, number);
      const counts = [self.pages, self.zeroPages, self.contents, self.selfSaved].map(formatNumber);
      const rates = [formatRate(self.selfRate), formatNumber(self.zeroSaved), formatRate(self.nonzeroSelfRate)];
      const own = labelNames.map((name) => labels[name] ?? "");
      return [formatNumber(timeS), member, formatNumber(sharing.pageBytes), ...counts, ...rates, ...own];
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
    rows: eachSize(results, ({ timeS, snapshots }, sharing) => {
      const inter = interSharing(sharing);
      const { pages, contentsSum, contentsUnion, selfSaved, interSaved } = inter;
      const { selfRate, interRate, totalRate, nonzeroInterRate, selfShareOfSaving } = inter;
      return [
        [timeS, sharing.pageBytes, snapshots.length, pages, contentsSum, contentsUnion, selfSaved, interSaved].map(formatNumber),
        [selfRate, interRate, totalRate, nonzeroInterRate, selfShareOfSaving].map(formatRate),
      ].flat();
    }),
  };
}

export function pairsTable(results: readonly WorldResult[]): Table {
  return {
    file: "pairs.csv",
    columns: "time_s,page_bytes,member_a,member_b,shared_contents,inter_sharing_rate,nonzero_shared_contents".split(","),
    rows: results.flatMap(({ world: { timeS, snapshots }, sharing }) =>
      sharing.flatMap((s) =>
        s.pairs.map((pair) => [
          formatNumber(timeS),
          formatNumber(s.pageBytes),
          snapshots[pair.a].member,
          snapshots[pair.b].member,
          formatNumber(pair.contents),
          formatRate(pairRate(s, pair)),
          formatNumber(pair.nonzeroContents),
        ]),
      ),
    ),
  };
}

/** Self-sharing rate of each member and total rate of all (`*`), also relative to that at 4 KiB. */
export function pageSizesTable(results: readonly WorldResult[]): Table {
  return {
    file: "page_sizes.csv",
    columns: "time_s,member,page_bytes,sharing_rate,normalized_to_4k".split(","),
    rows: results.flatMap(({ world: { timeS, snapshots }, sharing }) => {
      const normal = sharing.find((s) => s.pageBytes === NORMAL_PAGE_BYTES);
      const row = (member: string, s: Sharing, rateOf: (s: Sharing) => number) => [
        formatNumber(timeS),
        member,
        formatNumber(s.pageBytes),
        formatRate(rateOf(s)),
        normal ? normalized(rateOf(s), rateOf(normal)) : "",
      ];
      return sharing.flatMap((s) => [
        ...snapshots.map(({ member }, m) => row(member, s, (at) => selfSharing(at, m).selfRate)),
        row("*", s, (at) => interSharing(at).totalRate),
      ]);
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
    rows: results.flatMap(({ world: { timeS }, sharing }) =>
      sharing.flatMap((s) =>
        s.copies.map(({ members, copies, contents }) => [timeS, s.pageBytes, members, copies, contents].map(formatNumber)),
      ),
    ),
  };
}

const LEDGER_BYTES = [
  "nonzero_bytes",
  "stored_zero_bytes",
  "elided_zero_bytes",
  "absent_bytes",
  "outside_ram_bytes",
  "repeated_bytes",
  "tail_bytes",
];

/** Where every byte of each dump went; of a trace what it says of its dump, empty where it does not say. */
export function ledgerTable(results: readonly WorldResult[]): Table {
  return {
    file: "ledger.csv",
    columns: ["time_s", "member", "source", "format", "address_space", ...LEDGER_BYTES],
    rows: results.flatMap(({ world, counts }) =>
      world.snapshots.map(({ timeS, member, opened, trace }, number) => {
        const ledger = trace ? (trace.ledger ?? {}) : ledgerOfDump(counts[number]);
        const space = trace ? (trace.addressSpace ?? "") : "physical";
        const source = displayName(opened.name);
        const bytes = LEDGER_BYTES.map((column) => (ledger[column] === undefined ? "" : formatNumber(ledger[column])));
        return [formatNumber(timeS), member, source, opened.format, space, ...bytes];
      }),
    ),
  };
}

/** The ledger of a raw dump: it has no zeros without bytes, no gaps and no repeats. */
export function ledgerOfDump(counts: SourceCounts): Record<string, number> {
  return {
    nonzero_bytes: counts.nonzeroBytes,
    stored_zero_bytes: counts.storedZeroBytes,
    elided_zero_bytes: 0,
    absent_bytes: 0,
    outside_ram_bytes: 0,
    repeated_bytes: 0,
    tail_bytes: counts.tailBytes,
  };
}

function eachSize(results: readonly WorldResult[], row: (world: World, sharing: Sharing) => string[]): string[][] {
  return results.flatMap(({ world, sharing }) => sharing.map((s) => row(world, s)));
}

function eachMember(
  results: readonly WorldResult[],
  row: (snapshot: Snapshot, sharing: Sharing, member: number) => string[],
): string[][] {
  return results.flatMap(({ world, sharing }) =>
    sharing.flatMap((s) => world.snapshots.map((snapshot, member) => row(snapshot, s, member))),
  );
}
