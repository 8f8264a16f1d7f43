// The contents of a member that have very many copies, found among all of its pages as they go by, in little memory.
// Source: Misra and Gries, "Finding repeated elements" (1982).

import { ENTRY_BYTES } from "../core/module.js";

/** Contents that are counted at a time. Of P pages, a count is too low by P / (ROOM + 1) at most. */
const ROOM = 4096;
/** A content is popular if a member has so many copies, and so large a part of its pages. */
const LEAST_COPIES = 16;
const LEAST_PART = 1 / 1000;
/** And so much more than what its count may lack. */
const LEAST_OVER_LACK = 8;

/** Copies by key, which is the first 52 bits of an entry's fingerprint; they may lack up to `lack` each. */
export interface PopularCounts {
  copies: Map<number, number>;
  lack: number;
}

/** Contents of which a member has so many copies that these are counted one by one, in a sample or not. */
export interface Popular {
  /** Copies from which a content is popular. */
  from: number;
  /** What self-sharing saves of those that are not in the sample. */
  saved: number;
}

export function noCounts(): PopularCounts {
  return { copies: new Map(), lack: 0 };
}

/** Counts entries (as the index has them). */
export function countPopular(counts: PopularCounts, entries: Uint8Array): void {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) addCopies(counts, keyOf(view, at), 1);
}

function keyOf(view: DataView, at: number): number {
  return view.getUint32(at + 12, true) * 2 ** 20 + (view.getUint32(at + 8, true) >>> 12);
}

/** Adds what another thread counted. */
export function joinCounts(counts: PopularCounts, more: PopularCounts): void {
  counts.lack += more.lack;
  for (const [key, copies] of more.copies) addCopies(counts, key, copies);
}

function addCopies(counts: PopularCounts, key: number, more: number): void {
  const { copies } = counts;
  const known = copies.get(key);
  if (known !== undefined || copies.size < ROOM) {
    copies.set(key, (known ?? 0) + more);
    return;
  }
  // All counts give way by the least of them, the new one too.
  let least = more;
  for (const count of copies.values()) least = Math.min(least, count);
  for (const [other, count] of copies) {
    if (count === least) copies.delete(other);
    else copies.set(other, count - least);
  }
  counts.lack += least;
  if (more > least) copies.set(key, more - least);
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
