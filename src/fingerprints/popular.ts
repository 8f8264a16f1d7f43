// The contents of a member that have very many copies, found among all of its pages as they go by, in little memory.
// Source: Misra and Gries, "Finding repeated elements" (1982).

import { ENTRY_BYTES } from "../core/module.js";

/** Contents that are counted at a time. Of P pages, a count is too low by P / (ROOM + 1) at most. */
const ROOM = 4096;

/** Copies by key, which is the first 52 bits of an entry's fingerprint; they may lack up to `lack` each. */
export interface PopularCounts {
  copies: Map<number, number>;
  lack: number;
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
