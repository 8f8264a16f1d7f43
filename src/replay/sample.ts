// The counters of a group at a moment, and what its scanner's work comes to.

import type { ScanCounters } from "../core/counts.js";

/** Bytes of the kernel's records (64-bit): an item, a stable node, a member's slot. */
const ITEM_BYTES = 64;
const NODE_BYTES = 64;
const SLOT_BYTES = 48;

export interface Sample {
  ns: number;
  /** By group. */
  groups: GroupSample[];
  /** Bytes of the host's memory in use; undefined where the scenario has no host. */
  usedBytes: number | undefined;
}

export interface GroupSample extends ScanCounters {
  pagesVolatile: number;
  generalProfit: number;
  cpuSeconds: number;
  metadataBytes: number;
}

/** The parts of a scenario that a sample depends on. */
export interface Prices {
  page_size: number;
  /** Microseconds; byte_ns: nanoseconds. */
  cost: Readonly<
    Record<"visit_us" | "skip_us" | "checksum_us" | "compare_us" | "byte_ns" | "merge_us" | "cow_us", number>
  >;
}

/** members: that are registered in the group. */
export function groupSample(counters: ScanCounters, members: number, scenario: Prices): GroupSample {
  const { pagesShared, pagesSharing, pagesUnshared, zeroPages, items, stableNodeChains } = counters;
  return {
    ...counters,
    pagesVolatile: Math.max(0, items - pagesShared - pagesSharing - pagesUnshared),
    generalProfit: (pagesSharing + zeroPages) * scenario.page_size - items * ITEM_BYTES,
    cpuSeconds: cpuSecondsOf(counters, scenario),
    metadataBytes: items * ITEM_BYTES + (pagesShared + stableNodeChains) * NODE_BYTES + members * SLOT_BYTES,
  };
}

/** The scanner's work in seconds of one CPU, by the scenario's prices. */
export function cpuSecondsOf(counters: ScanCounters, { cost, page_size: pageBytes }: Prices): number {
  const { pagesScanned, pagesSkipped, checksums, compares, equals, merges, cowBreaks } = counters;
  const microseconds =
    pagesScanned * cost.visit_us +
    pagesSkipped * cost.skip_us +
    checksums * cost.checksum_us +
    compares * cost.compare_us +
    (equals * pageBytes * cost.byte_ns) / 1000 +
    merges * cost.merge_us +
    cowBreaks * cost.cow_us;
  return microseconds / 1e6;
}

/** Pages that the counters call saved. */
export const reclaimedOf = ({ pagesSharing, zeroPages }: Pick<ScanCounters, "pagesSharing" | "zeroPages">): number =>
  pagesSharing + zeroPages;

/** All groups together; full_scans: the least. */
export function sumOf(groups: readonly GroupSample[]): GroupSample {
  const [first, ...rest] = groups;
  const sum = { ...first };
  const keys = Object.keys(sum) as (keyof GroupSample)[];
  for (const one of rest) {
    for (const key of keys) sum[key] = key === "fullScans" ? Math.min(sum[key], one[key]) : sum[key] + one[key];
  }
  return sum;
}
