// Which addresses of a dump are RAM.

import type { DumpPlan, Range } from "./formats/format.js";

const FOUR_GIB = 2 ** 32;
/** The low RAM of a PC goes on across gaps up to this. */
const MOST_GAP = 64 * 2 ** 20;

/** Ranges (ascending) of a dump that are not RAM: of x86 machines what lies between the low RAM and 4 GiB. */
export function outsideRam(plan: DumpPlan): Range[] {
  const outside = [...(plan.outside ?? [])];
  if (plan.isX86) {
    const end = endOfLowRam(plan);
    if (end < FOUR_GIB) outside.push({ address: end, bytes: FOUR_GIB - end });
  }
  return outside.sort((a, b) => a.address - b.address);
}

/** Devices and firmware stand above it, and are equal in every machine. RAM that a cut dump lost is RAM too. */
function endOfLowRam({ extents, span = [] }: DumpPlan): number {
  const { count } = extents;
  const addressOf = (i: number) => (i < count ? extents.address(i) : span[i - count].address);
  const endOf = (i: number) => (i < count ? extents.end(i) : addressOf(i) + span[i - count].bytes);
  const order = new Uint32Array(count + span.length).map((_, i) => i);
  order.sort((a, b) => addressOf(a) - addressOf(b));
  if (order.length === 0) return FOUR_GIB;
  let end = addressOf(order[0]);
  for (const i of order) {
    if (addressOf(i) - end >= MOST_GAP) break;
    end = Math.max(end, endOf(i));
  }
  return end;
}
