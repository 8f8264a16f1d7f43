// The contents of a member that have very many copies, found among all of its pages as they go by, in little memory.
// Source: Misra and Gries, "Finding repeated elements" (1982).

import { ENTRY_BYTES } from "../core/module.js";

/** Contents that are counted at a time. Of P pages, a count is too low by P / (ROOM + 1) at most. */
const ROOM = 4096;

/**
 * Copies by key, which the first 52 bits of an entry's fingerprint and a seed make; they may lack up to `lack` each. Without
 * the seed whoever chooses pages could fill one place of the map.
 */
export interface PopularCounts {
  copies: Map<number, number>;
  lack: number;
}

export function noCounts(): PopularCounts {
  return { copies: new Map(), lack: 0 };
}

/** A seed of keys: 32 bits that nobody can foretell. */
export const randomKeySeed = (): number => Math.floor(Math.random() * 2 ** 32);

/** Counts entries (as the index has them). seed: the same for counts that are to be joined. */
export function countPopular(counts: PopularCounts, entries: Uint8Array, seed: number): void {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) addCopies(counts, keyOf(view, at, seed), 1);
}

/** The key of the entry at an offset: the first byte as it is, what follows mixed one to one, as in a Feistel network. */
export function keyOf(view: DataView, at: number, seed: number): number {
  let high = view.getUint32(at + 12, true);
  let low = view.getUint32(at + 8, true) >>> 12;
  low ^= mixed(high, seed) >>> 12;
  high = (high ^ (mixed(low, seed) >>> 8)) >>> 0;
  return high * 2 ** 20 + low;
}

function mixed(value: number, seed: number): number {
  let mix = Math.imul(value ^ seed, seed | 1);
  mix = Math.imul(mix ^ (mix >>> 15), 0x2c1b3c6d);
  return mix ^ (mix >>> 12);
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
