// What `analyze` prints of the sharing between members: a matrix, or the strongest pairs where that is too wide.

import type { PairCount } from "../core/counts.js";
import { quoted } from "../errors.js";
import type { WorldResult } from "../sharing/count-world.js";
import { type InterSharing, interSharing, pairRate } from "../sharing/rates.js";
import type { Sharing } from "../sharing/sharing.js";
import { formatBytes, formatCount, formatNumber, formatPercent, percent, rounded } from "../text/format.js";
import { lineWidth } from "./terminal.js";
import { table, tableWidth } from "./text-table.js";

const LARGEST_PAIRS = 10;
/** Characters of a name at the side of a matrix, and above it. */
const MOST_NAME = 24;
const MOST_HEAD = 12;

/** size: the number of the page size; allPairs: whether pairs.csv has all of them in any case. */
export function interPart(results: readonly WorldResult[], size: number, allPairs: boolean): string {
  const { world, sharing } = fullestWorld(results);
  const own = sharing[size];
  const at = results.length > 1 ? ` at ${formatNumber(world.timeS)} s` : "";
  const inter = interSharing(own);
  const names = world.snapshots.map(({ member }) => member);
  const body = matrix(own, names) ?? largestPairs(own, names, allPairs);
  return [
    `Inter-VM sharing${at}, % of the ${formatBytes(own.pageBytes)} pages of both members (identical memory would show ${ceilingOf(2)} here)`,
    body,
    ...togetherLines(inter, own.pageBytes, names.length),
  ].join("\n");
}

/** The world to show the sharing between members of: the one with most members, the last of those. */
function fullestWorld(results: readonly WorldResult[]): WorldResult {
  return results.reduce((best, one) => (one.world.snapshots.length >= best.world.snapshots.length ? one : best));
}

/** Of n identical members without duplicates inside, all but one page in n is saved; duplicates inside count as self-sharing. */
const ceilingOf = (members: number) => `at most ${rounded((100 * (members - 1)) / members, 2)} %`;

function togetherLines(inter: InterSharing, pageBytes: number, members: number): string[] {
  const saved = formatBytes((inter.selfSaved + inter.interSaved) * pageBytes);
  const ceiling = members > 2 ? ` (identical memory: ${ceilingOf(members)})` : "";
  return [
    `  all together: self ${formatPercent(inter.selfRate)}, inter-VM ${formatPercent(inter.interRate)}${ceiling}, saved ${formatPercent(inter.totalRate)} (${saved})`,
    `  self-sharing: ${formatPercent(inter.selfShareOfSaving)} of the savings`,
  ];
}

/** All pairs, in as much detail as the terminal is wide: names above, or numbers, or these without decimals; else undefined. */
function matrix(sharing: Sharing, names: readonly string[]): string | undefined {
  // No form of it has a narrower cell.
  if (names.length * 4 > lineWidth()) return undefined;
  const byMembers = new Map(sharing.pairs.map((pair) => [pair.a * names.length + pair.b, pair]));
  const rateOf = (a: number, b: number) => {
    const pair = byMembers.get(Math.min(a, b) * names.length + Math.max(a, b));
    return pair && pairRate(sharing, pair);
  };
  const shown = names.map((name) => quoted(name, MOST_NAME));
  const numbers = names.map((_, i) => String(i + 1).padStart(String(names.length).length));
  const numbered = shown.map((name, i) => `${numbers[i]} ${name}`);
  const cells = (head: readonly string[], side: readonly string[], text: (value: number) => string) => [
    ["", ...head],
    ...side.map((name, a) => {
      const values = names.map((_, b) => rateOf(a, b));
      return [name, ...values.map((value) => (value === undefined ? "-" : text(value)))];
    }),
  ];
  const forms = [
    cells(
      names.map((name) => quoted(name, MOST_HEAD)),
      shown,
      percent,
    ),
    cells(numbers, numbered, percent),
    cells(numbers, numbered, (value) => (100 * value).toFixed(0)),
  ];
  const fitting = forms.find((form) => tableWidth(form) <= lineWidth());
  return fitting && table(fitting);
}

/** The strongest pairs first. */
export const strongest = (pairs: readonly PairCount[]): PairCount[] =>
  [...pairs].sort((x, y) => y.contents - x.contents);

function largestPairs(sharing: Sharing, names: readonly string[], allPairs: boolean): string {
  const shown = strongest(sharing.pairs).slice(0, LARGEST_PAIRS);
  const rows = shown.map((pair) => [
    names[pair.a],
    `+ ${names[pair.b]}`,
    formatCount(pair.contents),
    formatPercent(pairRate(sharing, pair)),
  ]);
  const count = (names.length * (names.length - 1)) / 2;
  const kept = sharing.pairs.length;
  const rest =
    kept < count && !allPairs
      ? `the ${formatCount(kept)} strongest of ${formatCount(count)} pairs are in pairs.csv, all of them with --pairs all`
      : `all ${formatCount(count)} pairs are in pairs.csv`;
  const more = count > shown.length ? `\n  ${rest}` : "";
  return `${table([["strongest", "pairs", "shared contents", "sharing"], ...rows], { left: 2, key: 2 })}${more}`;
}
