// The self-sharing of each member over its snapshots, and of members with a label in common.

import type { WorldResult } from "../sharing/count-world.js";
import { mean, rate, selfSharing } from "../sharing/rates.js";
import { labelOf } from "../spectrum/spectrum.js";

/** Means over a member's snapshots, at one page size. */
export interface MemberNumbers {
  member: string;
  labels: Readonly<Record<string, string>>;
  snapshots: number;
  pages: number;
  bytes: number;
  zeroRate: number;
  selfRate: number;
  leastRate: number;
  mostRate: number;
  nonzeroSelfRate: number;
  selfSavedBytes: number;
}

/** All members, in the order of the sources. size: the number of the page size. */
export function membersOf(results: readonly WorldResult[], size: number): MemberNumbers[] {
  const series = new Map<string, { result: WorldResult; number: number }[]>();
  for (const result of results) {
    for (const [number, { member }] of result.world.snapshots.entries())
      series.set(member, [...(series.get(member) ?? []), { result, number }]);
  }
  return [...series].map(([member, at]) => {
    const all = at.map(({ result, number }) => selfSharing(result.sharing[size], number));
    const [{ result, number }] = at;
    const { pageBytes } = result.sharing[size];
    const rates = all.map(({ selfRate }) => selfRate);
    const pages = mean(all.map((one) => one.pages));
    return {
      member,
      labels: result.world.snapshots[number].labels,
      snapshots: at.length,
      pages,
      bytes: pages * pageBytes,
      zeroRate: mean(all.map((one) => rate(one.zeroPages, one.pages))),
      selfRate: mean(rates),
      leastRate: rates.reduce((a, b) => Math.min(a, b)),
      mostRate: rates.reduce((a, b) => Math.max(a, b)),
      nonzeroSelfRate: mean(all.map((one) => one.nonzeroSelfRate)),
      selfSavedBytes: mean(all.map((one) => one.selfSaved)) * pageBytes,
    };
  });
}

/** Members that have a value of a label in common. */
interface ValueTotals {
  value: string;
  members: number;
  bytes: number;
  zeroRate: number;
  selfRate: number;
  selfSavedBytes: number;
}

export interface LabelTotals {
  label: string;
  values: ValueTotals[];
}

/** For each label the sums of the members by its value, in the order of their first members. */
export function totalsByLabel(members: readonly MemberNumbers[]): LabelTotals[] {
  const labels = [...new Set(members.flatMap((one) => Object.keys(one.labels)))];
  return labels.map((label) => {
    const byValue = new Map<string, MemberNumbers[]>();
    for (const one of members) {
      const value = labelOf(one, label);
      const own = byValue.get(value);
      if (own) own.push(one);
      else byValue.set(value, [one]);
    }
    return { label, values: [...byValue].map(([value, own]) => totalsOf(value, own)) };
  });
}

function totalsOf(value: string, members: readonly MemberNumbers[]): ValueTotals {
  const sum = (of: (one: MemberNumbers) => number) => members.reduce((all, one) => all + of(one), 0);
  const [bytes, selfSavedBytes] = [sum((one) => one.bytes), sum((one) => one.selfSavedBytes)];
  const zeroRate = rate(
    sum((one) => one.zeroRate * one.bytes),
    bytes,
  );
  return { value, members: members.length, bytes, zeroRate, selfRate: rate(selfSavedBytes, bytes), selfSavedBytes };
}
