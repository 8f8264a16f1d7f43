// What `compare` says of hosts and of more members, on the terminal.

import type { Comparison } from "../policies/comparison.js";
import type { Capacity } from "../policies/hosts.js";
import type { Growth } from "../sharing/growth.js";
import { formatBytes, formatCount, formatNumber } from "../text/format.js";
import { table } from "./text-table.js";

const MOST_HOSTS = 40;

/** What each policy saves on each host, at the last time. */
export function hostsPart(comparisons: readonly Comparison[]): string[] {
  const { hosts, pageBytes } = comparisons[comparisons.length - 1];
  if (hosts.length === 0) return [];
  const shown = hosts.slice(0, MOST_HOSTS);
  const isLimited = shown.some(({ capacity }) => capacity);
  const size = (frames: number) => formatBytes(Math.round(frames) * pageBytes);
  const cells = shown.map(({ host, policy, members, usedBytes, breakAllBytes, ...one }) => [
    ...[host, policy, formatCount(members), formatBytes(usedBytes), formatBytes(breakAllBytes)],
    ...[size(one.framesPerMember), size(one.nextMemberFrames)],
    ...(isLimited ? [fitting(one.capacity)] : []),
  ]);
  const head = ["host", "policy", "members", "used", "saved", "mean one", "next one"];
  const room = isLimited ? ["more fit"] : [];
  const more = hosts.length - shown.length;
  const rest = more > 0 ? `\n  and ${formatCount(more)} more in hosts.csv` : "";
  return [
    `Hosts${atTime(comparisons)}, by what each shares inside itself (saved: must be free if all sharing broke)\n${table([[...head, ...room], ...cells], { left: 2, key: 2 })}${rest}`,
  ];
}

/** From as many as fit if they share nothing to as many as fit if they share like those that are there. */
function fitting(capacity: Capacity | undefined): string {
  if (capacity?.moreMembersUnshared === undefined) return "";
  const { moreMembersUnshared: least, moreMembers: most } = capacity;
  if (most === undefined) return `${formatCount(least)} or more`;
  return least === most ? formatCount(most) : `${formatCount(least)} to ${formatCount(most)}`;
}

/** What the last member adds to the others, at the last time. */
export function growthPart(comparisons: readonly Comparison[]): string[] {
  const { growth, pageBytes } = comparisons[comparisons.length - 1];
  if (!growth || growth.expected.length < 2) return [];
  const { members, mean, least, most } = lastOf(growth);
  const { leastFurther, mostFurther } = growth.extremes;
  const sizes = (frames: readonly number[]) => frames.map((count) => formatBytes(Math.round(count) * pageBytes));
  const cells = [
    ["in one group", "mean", "least", "most"],
    ["one alone", ...sizes([growth.further[0], leastFurther[0], mostFurther[0]])],
    [`as the last of ${formatCount(members)}`, ...sizes([mean, least, most])],
  ];
  return [`What a member adds${atTime(comparisons)}; growth.csv has all numbers of members\n${table(cells)}`];
}

/** Frames that one of all members adds to the others. */
function lastOf({ further, extremes }: Growth): { members: number; mean: number; least: number; most: number } {
  const last = further.length - 1;
  const { leastFurther, mostFurther } = extremes;
  return { members: further.length, mean: further[last], least: leastFurther[last], most: mostFurther[last] };
}

/** Of several times the last one is shown where means say nothing. */
export const atTime = (comparisons: readonly Comparison[]): string =>
  comparisons.length > 1 ? ` (at ${formatNumber(comparisons[comparisons.length - 1].timeS)} s)` : "";
