// What a person wants to see first, on stdout; as text or as JSON.

import { BASE_PAGE_BYTES } from "../core/hasher.js";
import type { Sharing } from "../sharing/count.js";
import type { WorldResult } from "../sharing/count-world.js";
import { interSharing, mean, pairRate, rate, selfSharing } from "../sharing/rates.js";
import { formatBytes, formatCount, formatNumber, formatPercent, percent } from "../text/format.js";
import { commonFields, placePart, type SummaryOptions, sourcesPart } from "./read-sources.js";
import { lineWidth, plural, print, printJson, styled, table, tableWidth } from "./terminal.js";

interface SizesOptions extends SummaryOptions {
  pageSizes: readonly number[];
}

const MATRIX_MEMBERS = 8;
const LARGEST_PAIRS = 10;
const MOST_MEMBERS = 40;
const LEAST_TIMED = 0.1;

export function printSummary(results: readonly WorldResult[], options: SizesOptions): Promise<void> {
  if (options.json) return printJson(summaryJson(results, options));
  const { pageSizes } = options;
  const pageBytes = pageSizes.includes(BASE_PAGE_BYTES) ? BASE_PAGE_BYTES : pageSizes[0];
  const size = pageSizes.indexOf(pageBytes);
  const isShared = results.some(({ world }) => world.snapshots.length > 1);
  const parts = [
    headline(results, options),
    ...sourcesPart(options),
    ...leftOutPart(results),
    membersPart(results, size, pageBytes),
    ...(isShared ? [interPart(results, size, pageBytes)] : []),
    ...(pageSizes.length > 1 ? [sizesPart(results, pageSizes, isShared)] : []),
    ...shortHashes(results),
    placePart(options),
  ];
  return print(parts.join("\n\n"));
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));

/** One member's snapshots, with the sharing of the world that each stands in. */
interface MemberSeries {
  member: string;
  labels: Record<string, string>;
  at: { result: WorldResult; number: number }[];
}

function seriesOf(results: readonly WorldResult[]): MemberSeries[] {
  const series = new Map<string, MemberSeries>();
  for (const result of results) {
    result.world.snapshots.forEach(({ member, labels }, number) => {
      const known = series.get(member) ?? { member, labels, at: [] };
      known.at.push({ result, number });
      series.set(member, known);
    });
  }
  return [...series.values()];
}

function headline(results: readonly WorldResult[], { seconds }: SizesOptions): string {
  const members = seriesOf(results).length;
  const snapshots = results.flatMap(({ world }) => world.snapshots);
  const bytes = results.reduce((sum, { sharing }) => {
    const smallest = sharing[0];
    return sum + smallest.pageBytes * smallest.pages.reduce((a, b) => a + b, 0);
  }, 0);
  const series = snapshots.length > members ? `, ${plural(snapshots.length, "snapshot")}` : "";
  const times = results.length > 1 ? `${series} at ${plural(results.length, "time")}` : "";
  // Of a trace no memory is read, and of little memory the time is mostly that of starting.
  const isTimed = seconds >= LEAST_TIMED && snapshots.every(({ trace }) => !trace);
  const speed = isTimed ? ` in ${seconds.toFixed(2)} s, ${formatBytes(Math.round(bytes / seconds))}/s` : "";
  return styled("bold", `${plural(members, "member")}${times}: ${formatBytes(bytes)} of memory${speed}`);
}

/** Parts of the ledger that make no pages, and how the summary calls them. */
const LEFT_OUT = {
  absent_bytes: "absent",
  outside_ram_bytes: "outside RAM",
  repeated_bytes: "repeated",
  tail_bytes: "tail",
} as const;

/** What dumps describe and no page stands for, all of them together; nothing where all of it is counted. */
function leftOutPart(results: readonly WorldResult[]): string[] {
  const ledgers = results.flatMap(({ found }) => found.map(({ ledger }) => ledger));
  const said = Object.entries(LEFT_OUT).flatMap(([column, name]) => {
    const bytes = ledgers.reduce((sum, ledger) => sum + (ledger[column as keyof typeof LEFT_OUT] ?? 0), 0);
    return bytes > 0 ? [`${formatBytes(bytes)} ${name}`] : [];
  });
  return said.length > 0 ? [`Not counted, see ledger.csv: ${said.join(", ")}`] : [];
}

function membersPart(results: readonly WorldResult[], size: number, pageBytes: number): string {
  const series = seriesOf(results);
  const several = series.some(({ at }) => at.length > 1);
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))];
  const rowsWith = (names: readonly string[]) => [
    [
      "member",
      ...names,
      ...(several ? ["snapshots"] : []),
      "pages",
      "zero",
      "self",
      ...(several ? ["least", "most"] : []),
      "nonzero",
    ],
    ...series.slice(0, MOST_MEMBERS).map(({ member, labels: own, at }) => {
      const all = at.map(({ result, number }) => selfSharing(result.sharing[size], number));
      const rates = all.map(({ selfRate }) => selfRate);
      return [
        member,
        ...names.map((name) => own[name] ?? ""),
        ...(several ? [formatCount(at.length)] : []),
        formatCount(Math.round(mean(all.map(({ pages }) => pages)))),
        percent(mean(all.map(({ zeroPages, pages }) => rate(zeroPages, pages)))),
        percent(mean(rates)),
        ...(several ? [percent(least(rates)), percent(most(rates))] : []),
        percent(mean(all.map(({ nonzeroSelfRate }) => nonzeroSelfRate))),
      ];
    }),
  ];
  const labelled = rowsWith(labels);
  const fits = tableWidth(labelled) <= lineWidth();
  const body = fits ? table(labelled, 1 + labels.length) : table(rowsWith([]));
  const more = series.length - MOST_MEMBERS;
  const rest = more > 0 ? `\n  and ${plural(more, "member")} more in self.csv` : "";
  return `Self-sharing, % of the pages of ${formatBytes(pageBytes)}${several ? ", mean of the snapshots" : ""}\n${body}${rest}`;
}

/** The world to show the sharing between members of: the one with most members, the last of those. */
function fullestWorld(results: readonly WorldResult[]): WorldResult {
  return results.reduce((best, one) => (one.world.snapshots.length >= best.world.snapshots.length ? one : best));
}

function interPart(results: readonly WorldResult[], size: number, pageBytes: number): string {
  const { world, sharing } = fullestWorld(results);
  const at = results.length > 1 ? ` at ${formatNumber(world.timeS)} s` : "";
  const inter = interSharing(sharing[size]);
  const names = world.snapshots.map(({ member }) => member);
  const body = names.length <= MATRIX_MEMBERS ? matrix(sharing[size], names) : largestPairs(sharing[size], names);
  const saved = formatBytes((inter.selfSaved + inter.interSaved) * pageBytes);
  const rates = `self ${formatPercent(inter.selfRate)}, inter-VM ${formatPercent(inter.interRate)}`;
  return [
    `Inter-VM sharing${at}, % of the pages of ${formatBytes(pageBytes)} of both`,
    body,
    `  all together: ${rates}, saved ${formatPercent(inter.totalRate)} (${saved})`,
    `  of the saving ${formatPercent(inter.selfShareOfSaving)} is self-sharing`,
  ].join("\n");
}

function matrix(sharing: Sharing, names: readonly string[]): string {
  const cell = (a: number, b: number) => {
    const pair = sharing.pairs.find((one) => one.a === Math.min(a, b) && one.b === Math.max(a, b));
    return pair ? percent(pairRate(sharing, pair)) : "-";
  };
  return table([["", ...names], ...names.map((name, a) => [name, ...names.map((_, b) => cell(a, b))])]);
}

function largestPairs(sharing: Sharing, names: readonly string[]): string {
  const pairs = [...sharing.pairs].sort((x, y) => y.contents - x.contents).slice(0, LARGEST_PAIRS);
  const rows = pairs.map((pair) => [
    `${names[pair.a]} + ${names[pair.b]}`,
    formatCount(pair.contents),
    formatPercent(pairRate(sharing, pair)),
  ]);
  return table([["largest pairs", "contents in both", "inter-VM sharing"], ...rows]);
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

/** How many pages of a world short fingerprints make equal by chance: about n^2 / 2^(bits + 1). */
function shortHashes(results: readonly WorldResult[]): string[] {
  const snapshots = results.flatMap(({ world }) => world.snapshots);
  const bits = least(snapshots.map(({ trace }) => trace?.fingerprintBits ?? 128));
  if (bits >= 128) return [];
  const pages = most(results.flatMap(({ sharing }) => sharing.map((s) => s.pages.reduce((a, b) => a + b, 0))));
  const expected = pages ** 2 / 2 ** (bits + 1);
  return [
    `Fingerprints of ${bits} bits: expect about ${formatNumber(Number(expected.toPrecision(2)))} false equals among ${formatCount(pages)} pages`,
  ];
}

function summaryJson(results: readonly WorldResult[], options: SizesOptions): object {
  return {
    ...commonFields(options),
    page_sizes: options.pageSizes,
    duration_s: Number(options.seconds.toFixed(3)),
    worlds: results.map(({ world, sharing }) => ({
      time_s: world.timeS,
      sizes: sharing.map((s) => {
        const inter = interSharing(s);
        return {
          page_bytes: s.pageBytes,
          pages: inter.pages,
          self_saved_pages: inter.selfSaved,
          inter_saved_pages: inter.interSaved,
          self_sharing_rate: inter.selfRate,
          inter_sharing_rate: inter.interRate,
          total_sharing_rate: inter.totalRate,
          self_share_of_saving: inter.selfShareOfSaving,
          members: world.snapshots.map(({ member, labels }, number) => {
            const self = selfSharing(s, number);
            return {
              member,
              labels,
              pages: self.pages,
              zero_pages: self.zeroPages,
              contents: self.contents,
              self_sharing_rate: self.selfRate,
              nonzero_self_sharing_rate: self.nonzeroSelfRate,
            };
          }),
        };
      }),
    })),
  };
}
