// Which contents are in a sample: those whose fingerprints begin with certain bytes, each with all of its copies. So all
// members and all threads agree.

import { BLOCK_OFFSETS, type BlockView } from "../core/hasher.js";
import { BUCKETS, ENTRY_BYTES } from "../core/module.js";

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
