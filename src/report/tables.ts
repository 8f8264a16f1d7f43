// The CSV tables of `analyze`. Columns are a contract: new ones go behind the old ones.

import type { PairCount } from "../core/counts.js";
import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { LEDGER_COLUMNS, type Ledger } from "../dumps/ledger.js";
import type { WorldResult } from "../sharing/count-world.js";
import {
  type InterSharing,
  interSharing,
  nonzeroContents,
  pairRate,
  rate,
  type SelfSharing,
  selfSharing,
} from "../sharing/rates.js";
import type { CopiesCount, Sharing } from "../sharing/sharing.js";
import { displayName, type LabelValues } from "../sources/names.js";
import { labelOf } from "../spectrum/spectrum.js";
import { type Column, type Table, tableOf } from "../text/write-csv.js";
import { ALL_MEMBERS, type Snapshot, type World } from "../worlds/world.js";

const TIME: Column<{ timeS: number }> = ["time_s", ({ timeS }) => timeS, "number"];
const MEMBER: Column<{ member: string }> = ["member", ({ member }) => member, "text"];
const PAGE_BYTES: Column<{ sharing: Sharing }> = ["page_bytes", ({ sharing }) => sharing.pageBytes, "number"];

/** All tables of `analyze`. */
export const analysisTables = (results: readonly WorldResult[], labelNames: readonly string[]): Table[] => [
  selfTable(results, labelNames),
  interTable(results, labelNames),
  pairsTable(results, labelNames),
  pageSizesTable(results, labelNames),
  copiesTable(results),
  ledgerTable(results),
];

/** A column for each label of an inventory. */
export function labelColumns(names: readonly string[]): Column<{ labels: LabelValues }>[] {
  return names.map((name) => [name, ({ labels }) => labelOf({ labels }, name), "text"]);
}

/** A column `label:NAME` for each label of an inventory, behind columns that may have the label's name. */
const groupLabelColumns = (names: readonly string[]) =>
  names.map(
    (name): Column<{ labels: LabelValues }> => [`label:${name}`, ({ labels }) => labelOf({ labels }, name), "text"],
  );

/** Of several members: the labels of which all have the same value. */
function commonLabels([first, ...others]: readonly { labels: LabelValues }[], names: readonly string[]): LabelValues {
  const common = names.filter((name) => others.every((one) => labelOf(one, name) === labelOf(first, name)));
  return Object.fromEntries(common.map((name) => [name, labelOf(first, name)]));
}

interface SelfRow {
  timeS: number;
  member: string;
  sharing: Sharing;
  self: SelfSharing;
}

const SELF_COLUMNS: readonly Column<SelfRow>[] = [
  TIME,
  MEMBER,
  PAGE_BYTES,
  ["pages", ({ self }) => self.pages, "number"],
  ["zero_pages", ({ self }) => self.zeroPages, "number"],
  ["contents", ({ self }) => self.contents, "number"],
  ["self_saved_pages", ({ self }) => self.selfSaved, "number"],
  ["self_sharing_rate", ({ self }) => self.selfRate, "rate"],
  ["zero_saved_pages", ({ self }) => self.zeroSaved, "number"],
  ["nonzero_self_sharing_rate", ({ self }) => self.nonzeroSelfRate, "rate"],
];

function selfTable(results: readonly WorldResult[], labelNames: readonly string[]): Table {
  const rows = eachSize(results, function* ({ timeS, snapshots }, sharing) {
    for (const [number, { member, labels }] of snapshots.entries())
      yield { timeS, member, labels, sharing, self: selfSharing(sharing, number) };
  });
  return tableOf("self.csv", [...SELF_COLUMNS, ...labelColumns(labelNames)], rows);
}

interface InterRow {
  timeS: number;
  members: number;
  sharing: Sharing;
  inter: InterSharing;
}

const INTER_COLUMNS: readonly Column<InterRow>[] = [
  TIME,
  PAGE_BYTES,
  ["members", ({ members }) => members, "number"],
  ["pages", ({ inter }) => inter.pages, "number"],
  ["contents_sum", ({ inter }) => inter.contentsSum, "number"],
  ["contents_union", ({ inter }) => inter.contentsUnion, "number"],
  ["self_saved_pages", ({ inter }) => inter.selfSaved, "number"],
  ["inter_saved_pages", ({ inter }) => inter.interSaved, "number"],
  ["self_sharing_rate", ({ inter }) => inter.selfRate, "rate"],
  ["inter_sharing_rate", ({ inter }) => inter.interRate, "rate"],
  ["total_sharing_rate", ({ inter }) => inter.totalRate, "rate"],
  ["nonzero_inter_sharing_rate", ({ inter }) => inter.nonzeroInterRate, "rate"],
  ["self_share_of_saving", ({ inter }) => inter.selfShareOfSaving, "rate"],
];

function interTable(results: readonly WorldResult[], labelNames: readonly string[]): Table {
  const rows = eachSize(results, ({ timeS, snapshots }, sharing) => [
    {
      ...{ timeS, members: snapshots.length, sharing, inter: interSharing(sharing) },
      labels: commonLabels(snapshots, labelNames),
    },
  ]);
  return tableOf("inter.csv", [...INTER_COLUMNS, ...groupLabelColumns(labelNames)], rows);
}

interface PairRow {
  timeS: number;
  a: Snapshot;
  b: Snapshot;
  sharing: Sharing;
  pair: PairCount;
}

const PAIR_COLUMNS: readonly Column<PairRow>[] = [
  TIME,
  PAGE_BYTES,
  ["member_a", ({ a }) => a.member, "text"],
  ["member_b", ({ b }) => b.member, "text"],
  ["shared_contents", ({ pair }) => pair.contents, "number"],
  ["inter_sharing_rate", ({ sharing, pair }) => pairRate(sharing, pair), "rate"],
  ["nonzero_shared_contents", ({ sharing, pair }) => nonzeroContents(sharing, pair), "number"],
];

const pairLabelColumns = (names: readonly string[]) =>
  names.flatMap((name): Column<PairRow>[] => [
    [`label_a:${name}`, ({ a }) => labelOf(a, name), "text"],
    [`label_b:${name}`, ({ b }) => labelOf(b, name), "text"],
  ]);

function pairsTable(results: readonly WorldResult[], labelNames: readonly string[]): Table {
  const rows = eachSize(results, function* ({ timeS, snapshots }, sharing) {
    for (const pair of sharing.pairs) yield { timeS, a: snapshots[pair.a], b: snapshots[pair.b], sharing, pair };
  });
  return tableOf("pairs.csv", [...PAIR_COLUMNS, ...pairLabelColumns(labelNames)], rows);
}

interface PageSizeRow {
  timeS: number;
  member: string;
  /** A member may have the name that stands for all. */
  isAll: boolean;
  sharing: Sharing;
  own: number;
  /** At 4 KiB; undefined where that is not run. */
  normal: number | undefined;
}

const PAGE_SIZE_COLUMNS: readonly Column<PageSizeRow>[] = [
  TIME,
  MEMBER,
  PAGE_BYTES,
  ["sharing_rate", ({ own }) => own, "rate"],
  ["normalized_to_4k", ({ own, normal }) => normalized(own, normal), "rate"],
  ["all_members", ({ isAll }) => isAll, "boolean"],
];

/** Self-sharing rate of each member and total rate of all (`*`), also relative to that at 4 KiB. */
function pageSizesTable(results: readonly WorldResult[], labelNames: readonly string[]): Table {
  const rows = eachSize(results, function* ({ timeS, snapshots }, sharing, all) {
    const normal = all.find(({ pageBytes }) => pageBytes === BASE_PAGE_BYTES);
    for (const [number, { member, labels }] of snapshots.entries()) {
      const own = selfSharing(sharing, number).selfRate;
      const normalOwn = normal && selfSharing(normal, number).selfRate;
      yield { timeS, member, labels, isAll: false, sharing, own, normal: normalOwn };
    }
    const own = interSharing(sharing).totalRate;
    yield {
      ...{ timeS, member: ALL_MEMBERS, isAll: true, sharing, own },
      labels: commonLabels(snapshots, labelNames),
      normal: normal && interSharing(normal).totalRate,
    };
  });
  return tableOf("page_sizes.csv", [...PAGE_SIZE_COLUMNS, ...groupLabelColumns(labelNames)], rows);
}

/** undefined where there is a rate and none at 4 KiB to divide it by. */
function normalized(own: number, normal: number | undefined): number | undefined {
  return normal === undefined || (own > 0 && normal === 0) ? undefined : rate(own, normal);
}

interface CopiesRow {
  timeS: number;
  sharing: Sharing;
  count: CopiesCount;
}

const COPIES_COLUMNS: readonly Column<CopiesRow>[] = [
  TIME,
  PAGE_BYTES,
  ["members", ({ count }) => count.members, "number"],
  ["copies", ({ count }) => count.copies, "number"],
  ["contents", ({ count }) => count.contents, "number"],
];

function copiesTable(results: readonly WorldResult[]): Table {
  const rows = eachSize(results, function* ({ timeS }, sharing) {
    for (const count of sharing.copies) yield { timeS, sharing, count };
  });
  return tableOf("copies.csv", COPIES_COLUMNS, rows);
}

interface LedgerRow {
  timeS: number;
  member: string;
  source: string;
  format: string;
  addressSpace: string | undefined;
  ledger: Ledger;
}

const LEDGER_TABLE_COLUMNS: readonly Column<LedgerRow>[] = [
  TIME,
  MEMBER,
  ["source", ({ source }) => source, "text"],
  ["format", ({ format }) => format, "text"],
  ["address_space", ({ addressSpace }) => addressSpace, "text"],
  ...LEDGER_COLUMNS.map((name): Column<LedgerRow> => [name, ({ ledger }) => ledger[name], "number"]),
];

/** Where every byte of each dump went; of a trace what it says of its dump, empty where it does not say. */
function ledgerTable(results: readonly WorldResult[]): Table {
  const rows = results.flatMap(({ world, found }) =>
    world.snapshots.map(({ timeS, member, source }, number): LedgerRow => {
      const { format, ledger, addressSpace } = found[number];
      return { timeS, member, source: displayName(source.name), format, addressSpace, ledger };
    }),
  );
  return tableOf("ledger.csv", LEDGER_TABLE_COLUMNS, rows);
}

/** The rows of each world at each page size. */
function* eachSize<Row>(
  results: readonly WorldResult[],
  rows: (world: World, sharing: Sharing, all: readonly Sharing[]) => Iterable<Row>,
): Generator<Row> {
  for (const { world, sharing } of results) for (const one of sharing) yield* rows(world, one, sharing);
}
