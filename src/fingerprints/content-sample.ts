// A sample of contents: those whose fingerprints begin with certain bytes, each with all of its copies. So all members and all
// threads agree which contents are in it.

import { BLOCK_OFFSETS, type BlockView } from "../core/hasher.js";
import { BUCKETS, ENTRY_BYTES } from "../core/module.js";
import type { Vectors } from "../core/vectors.js";
import { type Popular, type PopularCounts, popularOf } from "./popular.js";

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

/** The buckets (first bytes of fingerprints) that hold a part of all contents: the first ones, at least one. */
export const bucketsFor = (part: number): number => Math.min(BUCKETS, Math.max(1, Math.ceil(part * BUCKETS)));

/** Entries of one page size that lie in the first buckets. */
export function inSample({ offsets, entries, places }: BlockView, buckets: number): BlockView {
  const count = offsets[buckets];
  return {
    offsets: offsets.map((at) => Math.min(at, count)),
    entries: entries.subarray(0, count * ENTRY_BYTES),
    places,
  };
}

/** The others. */
export const outOfSample = ({ offsets, entries }: BlockView, buckets: number): Uint8Array =>
  entries.subarray(offsets[buckets] * ENTRY_BYTES, offsets[BLOCK_OFFSETS - 1] * ENTRY_BYTES);

/** Buckets from `buckets` on that hold one of the entries: where zero pages are named so, they are to be known all the same. */
export function bucketsBeyond(buckets: number, entries: Uint8Array): number[] {
  const beyond = new Set<number>();
  for (let at = ENTRY_BYTES - 1; at < entries.length; at += ENTRY_BYTES) {
    if (entries[at] >= buckets) beyond.add(entries[at]);
  }
  return [...beyond];
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
