// Stretches of addresses that may overlap: which of them counts where, and what they cover together.

import { breathe } from "../system/pace.js";
import type { Range } from "./formats/format.js";
import { Heap } from "./heap.js";

/** Stretches by number; each ends before `end`, which is not below its address. */
export interface Stretches {
  readonly count: number;
  address(i: number): number;
  end(i: number): number;
}

/** Steps between two looks at the clock. */
const STEPS = 1024;

/**
 * Visits every address that stretches cover once, in ascending order, with the number of the stretch that counts there: of
 * those that overlap the first or the last. What one stretch wins without a break is one visit.
 */
export async function eachWinner(
  stretches: Stretches,
  wins: "first" | "last",
  visit: (from: number, to: number, stretch: number) => void,
): Promise<void> {
  const { count } = stretches;
  if (areApart(stretches)) {
    for (let i = 0; i < count; i++) {
      if (stretches.address(i) < stretches.end(i)) visit(stretches.address(i), stretches.end(i), i);
      const turn = i % STEPS === 0 ? breathe() : undefined;
      if (turn) await turn;
    }
    return;
  }
  await breathe();
  const order = byAddress(stretches);
  // Those that have begun. The heap has its least number on top, so the last stretch needs the least.
  const open = new Heap();
  const rank = wins === "first" ? (i: number) => i : (i: number) => ~i;
  let next = 0;
  let [from, to, winner] = [0, 0, -1];
  for (let at = 0, steps = 1; ; steps++) {
    while (open.size > 0 && stretches.end(rank(open.top())) <= at) open.pop();
    if (open.size === 0) {
      if (next === count) break;
      at = stretches.address(order[next]);
    }
    while (next < count && stretches.address(order[next]) <= at) open.push(rank(order[next++]));
    const top = rank(open.top());
    const end = stretches.end(top);
    const until = next < count ? Math.min(end, stretches.address(order[next])) : end;
    if (until > at) {
      if (top !== winner || at !== to) {
        if (from < to) visit(from, to, winner);
        from = at;
        winner = top;
      }
      to = until;
      at = until;
    }
    if (steps % STEPS === 0) await breathe();
  }
  if (from < to) visit(from, to, winner);
}

/** Visits what stretches cover together, in ascending order; those that touch are one visit. */
export function eachCovered(stretches: Stretches, visit: (from: number, to: number) => void): void {
  const { count } = stretches;
  // Where as many have ended as have begun, nothing is covered; which of them ended does not matter.
  const starts = ascending(count, (i) => stretches.address(i));
  const ends = ascending(count, (i) => stretches.end(i));
  for (let i = 0, first = 0; i < count; i++) {
    if (i + 1 < count && starts[i + 1] <= ends[i]) continue;
    if (starts[first] < ends[i]) visit(starts[first], ends[i]);
    first = i + 1;
  }
}

/** How many addresses stretches cover together. */
export function coveredBytes(stretches: Stretches): number {
  let bytes = 0;
  eachCovered(stretches, (from, to) => {
    bytes += to - from;
  });
  return bytes;
}

/** Of stretches that are apart, by their ends (ascending, the first `count` of them): the first that ends behind an address. */
export function firstBehind(ends: Float64Array, address: number, count = ends.length): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ends[middle] > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The stretches that ranges are. */
export const ofRanges = (ranges: readonly Range[]): Stretches => ({
  count: ranges.length,
  address: (i) => ranges[i].address,
  end: (i) => ranges[i].address + ranges[i].bytes,
});

/** Numbers in ascending order. Most come so, and a look is cheaper than sorting. */
function ascending(count: number, at: (i: number) => number): Float64Array {
  const values = new Float64Array(count);
  let isAscending = true;
  for (let i = 0; i < count; i++) {
    values[i] = at(i);
    if (i > 0 && values[i] < values[i - 1]) isAscending = false;
  }
  return isAscending ? values : values.sort();
}

/** Whether stretches are in the order of addresses and do not overlap. */
function areApart(stretches: Stretches): boolean {
  for (let i = 1; i < stretches.count; i++) if (stretches.address(i) < stretches.end(i - 1)) return false;
  return true;
}

/** The numbers of stretches by address; of those that begin together by number. */
function byAddress(stretches: Stretches): Uint32Array {
  const order = Uint32Array.from({ length: stretches.count }, (_, i) => i);
  for (let i = 1; i < order.length; i++) {
    if (stretches.address(i) >= stretches.address(i - 1)) continue;
    return order.sort((a, b) => stretches.address(a) - stretches.address(b) || a - b);
  }
  return order;
}
