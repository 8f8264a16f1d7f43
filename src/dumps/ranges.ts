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

/** Devices and firmware stand above it. RAM that a cut dump lost is RAM too: what the dump speaks of counts, if it says so. */
function endOfLowRam({ extents, span }: DumpPlan): number {
  const ranges =
    span ?? Array.from({ length: extents.count }, (_, i) => ({ address: extents.address(i), bytes: extents.bytes(i) }));
  const sorted = [...ranges].sort((a, b) => a.address - b.address);
  if (sorted.length === 0) return FOUR_GIB;
  let end = sorted[0].address;
  for (const { address, bytes } of sorted) {
    if (address - end >= MOST_GAP) break;
    end = Math.max(end, address + bytes);
  }
  return end;
}
