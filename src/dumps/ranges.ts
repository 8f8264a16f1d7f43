// Which addresses of a dump are RAM.

import type { DumpPlan, Range } from "./formats/format.js";
import { eachCovered, ofRanges } from "./sweep.js";

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

/** Devices and firmware stand above it. RAM that a cut dump lost is RAM too: what the dump speaks of counts, if it says so. */
function endOfLowRam({ extents, span }: DumpPlan): number {
  let end: number | undefined;
  let isLow = true;
  eachCovered(span ? ofRanges(span) : extents, (from, to) => {
    isLow &&= from - (end ?? from) < MOST_GAP;
    if (isLow) end = to;
  });
  return end ?? FOUR_GIB;
}
