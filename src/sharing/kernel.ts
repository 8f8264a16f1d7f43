// What ksmd would hold at rest under a grouping with one scanner for each group. Source: mm/ksm.c of Linux 6.12 and 6.18
// (stable_node_dup, max_page_sharing, use_zero_pages); docs/kernel.md.

import type { Grouping } from "./grouping.js";
import type { View } from "./view.js";

/** Bytes of the scanner's record of one page (struct ksm_rmap_item, 64-bit). */
const ITEM_BYTES = 64;

export interface KernelSettings {
  /** Pages that one frame may serve, from 2 (max_page_sharing). */
  maxPageSharing: number;
  /** Zero pages are mapped to the kernel's zero page, and no frame is kept (use_zero_pages). */
  useZeroPages: boolean;
}

/** The kernel's counters of one group. */
export interface KernelCounters {
  pagesShared: number;
  pagesSharing: number;
  pagesUnshared: number;
  zeroPages: number;
  stableNodeChains: number;
  stableNodeDups: number;
  /** Bytes. */
  generalProfit: number;
}

type Counts = Omit<KernelCounters, "generalProfit">;

const nothing = (): Counts => ({
  pagesShared: 0,
  pagesSharing: 0,
  pagesUnshared: 0,
  zeroPages: 0,
  stableNodeChains: 0,
  stableNodeDups: 0,
});

/** The counters of each group. */
export function kernelAtRest(view: View, { groups, of }: Grouping, settings: KernelSettings): KernelCounters[] {
  const counts = groups.map(nothing);
  const copiesOf = new Float64Array(groups.length);
  for (const [part, { starts, holders, copies, contents }] of view.vectors.entries()) {
    const isZero = part === 1;
    for (let vector = 0; vector < contents.length; vector++) {
      const [from, to] = [starts[vector], starts[vector + 1]];
      for (let at = from; at < to; at++) copiesOf[of[holders[at]]] += copies[at];
      for (let at = from; at < to; at++) {
        const group = of[holders[at]];
        if (copiesOf[group] === 0) continue;
        if (isZero && settings.useZeroPages) counts[group].zeroPages += copiesOf[group];
        else addContents(counts[group], copiesOf[group], contents[vector], settings.maxPageSharing);
        copiesOf[group] = 0;
      }
    }
  }
  return counts.map((one) => withProfit(one, view.pageBytes));
}

/** The same where only zero pages are merged: the others wait unshared. */
export function kernelZeroOnly(view: View, settings: KernelSettings): KernelCounters {
  const zeros = view.zeros.reduce((sum, pages) => sum + pages, 0);
  const counts = nothing();
  if (settings.useZeroPages) counts.zeroPages = zeros;
  else if (zeros > 0) addContents(counts, zeros, 1, settings.maxPageSharing);
  counts.pagesUnshared += view.pages.reduce((sum, pages) => sum + pages, 0) - zeros;
  return withProfit(counts, view.pageBytes);
}

/** Adds contents of so many copies each: full frames, one for the rest if it is not a single page, and that page. */
function addContents(counts: Counts, copies: number, contents: number, maxPageSharing: number): void {
  const rest = copies % maxPageSharing;
  const frames = Math.floor(copies / maxPageSharing) + (rest > 1 ? 1 : 0);
  const unshared = rest === 1 ? 1 : 0;
  counts.pagesShared += frames * contents;
  counts.pagesSharing += (copies - unshared - frames) * contents;
  counts.pagesUnshared += unshared * contents;
  if (frames > 1) {
    counts.stableNodeChains += contents;
    counts.stableNodeDups += frames * contents;
  }
}

/** general_profit: what is saved, less the records of all pages but those merged with the zero page. */
function withProfit(counts: Counts, pageBytes: number): KernelCounters {
  const items = counts.pagesShared + counts.pagesSharing + counts.pagesUnshared;
  return {
    ...counts,
    generalProfit: (counts.pagesSharing + counts.zeroPages) * pageBytes - items * ITEM_BYTES,
  };
}
