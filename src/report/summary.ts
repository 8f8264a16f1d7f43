// What `analyze` prints: what a person wants to see first, as text or as JSON.

import { BASE_PAGE_BYTES } from "../core/hasher.js";
import type { WorldResult } from "../sharing/count-world.js";
import { interSharing, mean } from "../sharing/rates.js";
import type { Sharing } from "../sharing/sharing.js";
import { formatBytes, formatCount, formatNumber, percent } from "../text/format.js";
import { interPart } from "./inter-summary.js";
import { type MemberNumbers, membersOf, totalsByLabel } from "./member-numbers.js";
import { placePart, type SummaryOptions, sourcesPart } from "./read-sources.js";
import { falseEquals, leftOut, summaryJson } from "./summary-json.js";
import { plural, print, printJson, styled } from "./terminal.js";
import { table } from "./text-table.js";

export interface SizesOptions extends SummaryOptions {
  pageSizes: readonly number[];
  /** Whether pairs.csv has all pairs, however many members there are. */
  allPairs: boolean;
}

/** More members than these are ranked, and summed by label. */
const FEW_MEMBERS = 8;
const MOST_MEMBERS = 40;
const MOST_VALUES = 10;
const LEAST_TIMED = 0.1;

export function printSummary(results: readonly WorldResult[], options: SizesOptions): Promise<void> {
  const { pageSizes } = options;
  const pageBytes = pageSizes.includes(BASE_PAGE_BYTES) ? BASE_PAGE_BYTES : pageSizes[0];
  const size = pageSizes.indexOf(pageBytes);
  const members = membersOf(results, size);
  if (options.json) return printJson(summaryJson(results, members, pageBytes, options));
  const isShared = results.some(({ world }) => world.snapshots.length > 1);
  const parts = [
    headline(results, members, options),
    ...falseEqualsPart(results),
    ...sourcesPart(options),
    ...leftOutPart(results),
    membersPart(members, pageBytes),
    ...labelsPart(members),
    ...(isShared ? [interPart(results, size, options.allPairs)] : []),
    ...(pageSizes.length > 1 ? [sizesPart(results, pageSizes, isShared)] : []),
    placePart(options),
  ];
  return print(parts.join("\n\n"));
}

function headline(results: readonly WorldResult[], members: readonly MemberNumbers[], { seconds }: SizesOptions) {
  const snapshots = results.flatMap(({ world }) => world.snapshots);
  const bytes = results.reduce((sum, { sharing }) => {
    const smallest = sharing[0];
    return sum + smallest.pageBytes * smallest.pages.reduce((a, b) => a + b, 0);
  }, 0);
  const series = snapshots.length > members.length ? `, ${plural(snapshots.length, "snapshot")}` : "";
  const times = results.length > 1 ? `${series} at ${plural(results.length, "time")}` : "";
  // Of a trace no memory is read, and of little memory the time is mostly that of starting.
  const isTimed = seconds >= LEAST_TIMED && snapshots.every(({ trace }) => !trace);
  const speed = isTimed ? ` in ${seconds.toFixed(2)} s, ${formatBytes(Math.round(bytes / seconds))}/s` : "";
  return styled("bold", `${plural(members.length, "member")}${times}: ${formatBytes(bytes)} of memory${speed}`);
}

/** How the summary calls the parts of the ledger that make no pages. */
const LEFT_OUT = {
  absent_bytes: "absent from the dumps",
  outside_ram_bytes: "outside RAM",
  repeated_bytes: "in repeated addresses",
  tail_bytes: "in partial pages",
} as const;

function leftOutPart(results: readonly WorldResult[]): string[] {
  const said = Object.entries(leftOut(results))
    .filter(([, bytes]) => bytes > 0)
    .map(([column, bytes]) => `${formatBytes(bytes)} ${LEFT_OUT[column as keyof typeof LEFT_OUT]}`);
  return said.length > 0 ? [`Not counted (ledger.csv): ${said.join(", ")}`] : [];
}

function falseEqualsPart(results: readonly WorldResult[]): string[] {
  const { bits, pages, expected } = falseEquals(results);
  if (expected === 0) return [];
  return [
    `Note: with fingerprints of ${bits} bits expect about ${formatNumber(expected)} false equals among ${formatCount(pages)} pages`,
  ];
}

/** A few members in the order of the sources, many by what they save. */
function membersPart(members: readonly MemberNumbers[], pageBytes: number): string {
  const several = members.some(({ snapshots }) => snapshots > 1);
  const labels = [...new Set(members.flatMap((one) => Object.keys(one.labels)))];
  const isRanked = members.length > FEW_MEMBERS;
  const ordered = isRanked ? ranked(members) : members;
  const head = ["member", ...labels, ...(several ? ["snapshots"] : []), "pages", "zero", "self"];
  const rows = ordered
    .slice(0, MOST_MEMBERS)
    .map((one) => [
      one.member,
      ...labels.map((name) => one.labels[name] ?? ""),
      ...(several ? [formatCount(one.snapshots)] : []),
      formatCount(Math.round(one.pages)),
      percent(one.zeroRate),
      percent(one.selfRate),
      ...(several ? [percent(one.leastRate), percent(one.mostRate)] : []),
      percent(one.nonzeroSelfRate),
      formatBytes(Math.round(one.selfSavedBytes)),
    ]);
  const body = table([[...head, ...(several ? ["least", "most"] : []), "nonzero", "saved"], ...rows], {
    left: 1 + labels.length,
    optional: labels.map((_, i) => labels.length - i),
  });
  const notes = [...(several ? ["mean of the snapshots"] : []), ...(isRanked ? ["by memory saved"] : [])];
  const title = `Self-sharing, % of each member's ${formatBytes(pageBytes)} pages${notes.map((note) => `, ${note}`).join("")}`;
  return `${title}\n${body}${restOf(members.length - MOST_MEMBERS, "member")}`;
}

const ranked = <T extends { selfSavedBytes: number }>(all: readonly T[]): T[] =>
  [...all].sort((a, b) => b.selfSavedBytes - a.selfSavedBytes);

const restOf = (more: number, what: string) => (more > 0 ? `\n  and ${plural(more, `more ${what}`)} in self.csv` : "");

/** Many members summed by each label that puts some of them together and others apart. */
function labelsPart(members: readonly MemberNumbers[]): string[] {
  if (members.length <= FEW_MEMBERS) return [];
  return totalsByLabel(members)
    .filter(({ values }) => values.length > 1 && values.length < members.length)
    .map(({ label, values }) => {
      const rows = ranked(values)
        .slice(0, MOST_VALUES)
        .map((one) => [
          one.value === "" ? "(none)" : one.value,
          formatCount(one.members),
          formatBytes(Math.round(one.bytes)),
          percent(one.zeroRate),
          percent(one.selfRate),
          formatBytes(Math.round(one.selfSavedBytes)),
        ]);
      const body = table([[label, "members", "memory", "zero", "self", "saved"], ...rows], { optional: [3] });
      return `Self-sharing by ${label}\n${body}${restOf(values.length - MOST_VALUES, "value")}`;
    });
}

function sizesPart(results: readonly WorldResult[], pageSizes: readonly number[], isShared: boolean): string {
  const row = (name: string, rateOf: (sharing: Sharing) => number) => [
    name,
    ...pageSizes.map((_, size) => percent(mean(results.map(({ sharing }) => rateOf(sharing[size]))))),
  ];
  const rows = [
    ["", ...pageSizes.map(formatBytes)],
    row("self", (sharing) => interSharing(sharing).selfRate),
    ...(isShared ? [row("inter-VM", (sharing) => interSharing(sharing).interRate)] : []),
    ...(isShared ? [row("saved", (sharing) => interSharing(sharing).totalRate)] : []),
  ];
  const note = results.length > 1 ? `, mean of ${plural(results.length, "time")}` : "";
  return `By page size, % of all pages${note}\n${table(rows)}`;
}
