// The CSV tables of `compare` on hosts and on more members. Columns are a contract: new ones go behind the old ones.

import type { Comparison } from "../policies/comparison.js";
import type { HostResult } from "../policies/hosts.js";
import type { Growth } from "../sharing/growth.js";
import { type Column, recordOf, type Table, tableOf } from "../text/write-csv.js";

const MEGABYTE = 1e6;

interface TimeAndSize {
  timeS: number;
  pageBytes: number;
}

const KEY_COLUMNS: readonly Column<TimeAndSize>[] = [
  ["time_s", ({ timeS }) => timeS, "number"],
  ["page_bytes", ({ pageBytes }) => pageBytes, "number"],
];

interface HostRow extends TimeAndSize {
  result: HostResult;
}

const HOST_COLUMNS: readonly Column<HostRow>[] = [
  ["policy", ({ result }) => result.policy, "text"],
  ["host", ({ result }) => result.host, "text"],
  ["members", ({ result }) => result.members, "number"],
  ["pages", ({ result }) => result.pages, "number"],
  ["frames", ({ result }) => result.frames, "number"],
  ["saved_pages", ({ result }) => result.pages - result.frames, "number"],
  ["used_bytes", ({ result }) => result.usedBytes, "number"],
  ["break_all_bytes", ({ result }) => result.breakAllBytes, "number"],
  ["frames_per_member", ({ result }) => result.framesPerMember, "fraction"],
  ["next_member_frames", ({ result }) => result.nextMemberFrames, "fraction"],
  ["host_bytes", ({ result }) => result.capacity?.hostBytes, "number"],
  ["more_members", ({ result }) => result.capacity?.moreMembers, "number"],
  ["more_members_unshared", ({ result }) => result.capacity?.moreMembersUnshared, "number"],
];

const hostRows = ({ timeS, pageBytes, hosts }: Comparison): HostRow[] =>
  hosts.map((result) => ({ timeS, pageBytes, result }));

export const hostsTable = (comparisons: readonly Comparison[]): Table =>
  tableOf("hosts.csv", [...KEY_COLUMNS, ...HOST_COLUMNS], comparisons.flatMap(hostRows));

/** The rows of hosts.csv, for JSON. */
export const hostFields = (comparison: Comparison): Record<string, unknown>[] =>
  hostRows(comparison).map((row) => recordOf(HOST_COLUMNS, row));

interface GrowthRow extends TimeAndSize {
  growth: Growth;
  /** Members, less one. */
  at: number;
}

const known = (value: number) => (Number.isNaN(value) ? undefined : value);
const megabytes = (frames: number, { pageBytes }: TimeAndSize) => (frames * pageBytes) / MEGABYTE;

const GROWTH_COLUMNS: readonly Column<GrowthRow>[] = [
  ["members", ({ at }) => at + 1, "number"],
  ["expected_frames", ({ growth, at }) => growth.expected[at], "fraction"],
  ["least_frames", ({ growth, at }) => known(growth.extremes.leastFrames[at]), "number"],
  ["most_frames", ({ growth, at }) => known(growth.extremes.mostFrames[at]), "number"],
  ["mb_per_further_vm", (row) => megabytes(row.growth.further[row.at], row), "fraction"],
  ["least_mb_per_further_vm", (row) => known(megabytes(row.growth.extremes.leastFurther[row.at], row)), "fraction"],
  ["most_mb_per_further_vm", (row) => known(megabytes(row.growth.extremes.mostFurther[row.at], row)), "fraction"],
];

export const growthTable = (comparisons: readonly Comparison[]): Table =>
  tableOf("growth.csv", [...KEY_COLUMNS, ...GROWTH_COLUMNS], growthRows(comparisons));

function* growthRows(comparisons: readonly Comparison[]): Generator<GrowthRow> {
  for (const { timeS, pageBytes, growth } of comparisons) {
    if (!growth) continue;
    for (const at of growth.expected.keys()) yield { timeS, pageBytes, growth, at };
  }
}

/** The rows of growth.csv for one member and for all, for JSON. */
export function growthFields({ timeS, pageBytes, growth }: Comparison): Record<string, unknown>[] {
  if (!growth) return [];
  const ends = new Set([0, growth.expected.length - 1]);
  return [...ends].map((at) => recordOf(GROWTH_COLUMNS, { timeS, pageBytes, growth, at }));
}
