// The JSON of `analyze`. docs/json.md has every key.

import type { WorldResult } from "../sharing/count-world.js";
import { interSharing, nonzeroContents, pairRate, rate, selfSharing } from "../sharing/rates.js";
import type { Sharing } from "../sharing/sharing.js";
import type { World } from "../worlds/world.js";
import { strongest } from "./inter-summary.js";
import { type LabelTotals, type MemberNumbers, totalsByLabel } from "./member-numbers.js";
import { commonFields, type SummaryOptions } from "./read-sources.js";

interface Options extends SummaryOptions {
  pageSizes: readonly number[];
}

/** All pairs of 64 members, or the strongest of more: pairs.csv has the others. */
const MOST_PAIRS = 2016;

/** members, pageBytes: what the terminal shows of them, at which page size. */
export function summaryJson(
  results: readonly WorldResult[],
  members: readonly MemberNumbers[],
  pageBytes: number,
  options: Options,
): object {
  const { bits, expected } = falseEquals(results);
  return {
    ...commonFields(options),
    page_sizes: options.pageSizes,
    left_out: leftOut(results),
    fingerprint_bits: bits,
    expected_false_equals: expected,
    by_label: totalsByLabel(members).map((one) => labelFields(one, pageBytes)),
    worlds: results.map(({ world, sharing }) => ({
      time_s: world.timeS,
      sizes: sharing.map((one) => sizeFields(world, one)),
    })),
  };
}

function labelFields({ label, values }: LabelTotals, pageBytes: number) {
  return {
    label,
    page_bytes: pageBytes,
    values: values.map(({ value, members, bytes, zeroRate, selfRate, selfSavedBytes }) => ({
      ...{ value, members, bytes, zero_rate: zeroRate },
      ...{ self_sharing_rate: selfRate, self_saved_bytes: selfSavedBytes },
    })),
  };
}

function sizeFields({ snapshots }: World, sharing: Sharing) {
  const inter = interSharing(sharing);
  return {
    page_bytes: sharing.pageBytes,
    pages: inter.pages,
    self_saved_pages: inter.selfSaved,
    inter_saved_pages: inter.interSaved,
    self_sharing_rate: inter.selfRate,
    inter_sharing_rate: inter.interRate,
    inter_sharing_ceiling: (snapshots.length - 1) / snapshots.length,
    total_sharing_rate: inter.totalRate,
    self_share_of_saving: inter.selfShareOfSaving,
    members: snapshots.map(({ member, labels }, number) => {
      const self = selfSharing(sharing, number);
      return {
        member,
        labels,
        pages: self.pages,
        zero_pages: self.zeroPages,
        zero_rate: rate(self.zeroPages, self.pages),
        contents: self.contents,
        self_saved_pages: self.selfSaved,
        self_sharing_rate: self.selfRate,
        nonzero_self_sharing_rate: self.nonzeroSelfRate,
      };
    }),
    pairs: strongest(sharing.pairs)
      .slice(0, MOST_PAIRS)
      .map((pair) => ({
        member_a: snapshots[pair.a].member,
        member_b: snapshots[pair.b].member,
        shared_contents: pair.contents,
        inter_sharing_rate: pairRate(sharing, pair),
        nonzero_shared_contents: nonzeroContents(sharing, pair),
      })),
  };
}

/** Bytes that dumps describe and no page stands for, all of them together. */
export function leftOut(results: readonly WorldResult[]) {
  const ledgers = results.flatMap(({ found }) => found.map(({ ledger }) => ledger));
  const sum = (column: "absent_bytes" | "outside_ram_bytes" | "repeated_bytes" | "tail_bytes") =>
    ledgers.reduce((all, ledger) => all + (ledger[column] ?? 0), 0);
  return {
    absent_bytes: sum("absent_bytes"),
    outside_ram_bytes: sum("outside_ram_bytes"),
    repeated_bytes: sum("repeated_bytes"),
    tail_bytes: sum("tail_bytes"),
  };
}

/** How many pages of a world short fingerprints make equal by chance: about n^2 / 2^(bits + 1); 0 for those of 128 bits. */
export function falseEquals(results: readonly WorldResult[]): { bits: number; pages: number; expected: number } {
  const snapshots = results.flatMap(({ world }) => world.snapshots);
  const bits = snapshots.reduce((least, { trace }) => Math.min(least, trace?.fingerprintBits ?? 128), 128);
  const counts = results.flatMap(({ sharing }) => sharing.map((one) => one.pages.reduce((a, b) => a + b, 0)));
  const pages = counts.reduce((a, b) => Math.max(a, b), 0);
  return { bits, pages, expected: bits >= 128 ? 0 : Number((pages ** 2 / 2 ** (bits + 1)).toPrecision(2)) };
}
