// A world whose contents were sampled: what rates are estimated from.

import type { Vectors } from "../core/counts.js";
import { BUCKETS } from "../core/module.js";
import type { PopularCounts } from "../fingerprints/popular.js";
import { bucketsBeyond } from "../fingerprints/sampled-buckets.js";

/** A content is popular if a member has so many copies, and so large a part of its pages. */
const LEAST_COPIES = 16;
const LEAST_PART = 1 / 1000;
/** And so much more than what its count may lack. */
const LEAST_OVER_LACK = 8;

/** A world whose contents were sampled. Arrays go by member. */
export interface ContentSample {
  /** Part of all contents that is in the sample; 1: all. */
  fraction: number;
  /** Known of all pages, in the sample or not. */
  pages: readonly number[];
  zeroPages: readonly number[];
  /** Of the nonzero contents in the sample. */
  vectors: Vectors;
  popular: readonly Popular[];
}

/** Contents of which a member has so many copies that these are counted one by one, in the sample or not. */
export interface Popular {
  /** Copies from which a content is popular. */
  from: number;
  /** What self-sharing saves of those that are not in the sample. */
  saved: number;
}

/** Sums of what is in the sample; popular: by member what is not. zeroKeys: entries that are the zero content. */
export function sampleOf(
  counts: { pages: readonly number[]; zeroPages: readonly number[]; vectors: Vectors },
  buckets: number,
  popular: readonly PopularCounts[],
  zeroKeys: Uint8Array = new Uint8Array(),
): ContentSample {
  const beyond = bucketsBeyond(buckets, zeroKeys);
  const fraction = (buckets + beyond.length) / BUCKETS;
  const isSampled = (key: number) => beyond.includes(Math.floor(key / 2 ** 44));
  return {
    ...counts,
    fraction,
    popular: popular.map((one, member) =>
      fraction === 1
        ? { from: Infinity, saved: 0 }
        : popularOf(one, counts.pages[member] - counts.zeroPages[member], isSampled),
    ),
  };
}

/** What is popular with a member of so many nonzero pages, of what was counted. */
export function popularOf(
  { copies, lack }: PopularCounts,
  nonzeroPages: number,
  isSampled: (key: number) => boolean,
): Popular {
  const from = Math.ceil(Math.max(LEAST_COPIES, nonzeroPages * LEAST_PART, lack * LEAST_OVER_LACK));
  let saved = 0;
  for (const [key, count] of copies) {
    // Half of what it may lack is the best guess.
    const likely = count + lack / 2;
    if (likely >= from && !isSampled(key)) saved += likely - 1;
  }
  return { from, saved };
}
