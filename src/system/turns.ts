// Long work in steps, between which others may have their turn: a native sort of tens of millions takes seconds.

import type { Pause } from "./pace.js";

/** Items of a list between two pauses. */
const STEP = 1024;
/** Numbers between two pauses, of what takes little for each. */
const STRETCH = 16384;

/**
 * Calls `work` for stretches that together are 0..count. The loops within are not of an async function, in which they are
 * slow.
 */
export async function inTurns(count: number, pause: Pause, work: (from: number, to: number) => void): Promise<void> {
  for (let at = 0; at < count; at += STRETCH) {
    work(at, Math.min(at + STRETCH, count));
    const turn = pause();
    if (turn) await turn;
  }
}

/** What `make` makes of each item. */
export async function mapInTurns<T, R>(
  items: readonly T[],
  make: (item: T, number: number) => R,
  pause: Pause,
): Promise<R[]> {
  const made: R[] = [];
  for (let i = 0; i < items.length; i++) {
    made.push(make(items[i], i));
    const turn = i % STEP === 0 ? pause() : undefined;
    if (turn) await turn;
  }
  return made;
}

/** Sorted at once; merged from there on. */
const PIECE = 65536;

type List = Float64Array | Uint32Array;

/** Sorts a list in place, as `list.sort(compare)` does: of equal values the first stays first. */
export async function sortInTurns(
  list: List,
  compare: ((a: number, b: number) => number) | undefined,
  pause: Pause,
): Promise<void> {
  for (let at = 0; at < list.length; at += PIECE) {
    list.subarray(at, at + PIECE).sort(compare);
    const turn = pause();
    if (turn) await turn;
  }
  if (list.length <= PIECE) return;
  const order = compare ?? ((a, b) => a - b);
  let [source, target]: [List, List] = [list, list.slice()];
  for (let width = PIECE; width < list.length; width *= 2) {
    for (let from = 0; from < list.length; from += 2 * width) {
      const end = Math.min(from + 2 * width, list.length);
      const places = { a: from, b: Math.min(from + width, end), out: from };
      const ends = { a: places.b, b: end };
      while (places.out < end) {
        merge(source, target, places, ends, order);
        const turn = pause();
        if (turn) await turn;
      }
    }
    [source, target] = [target, source];
  }
  if (source !== list) list.set(source);
}

/** Merges a piece of two sorted runs, from where it was left off. */
function merge(
  source: List,
  target: List,
  places: { a: number; b: number; out: number },
  ends: { a: number; b: number },
  order: (a: number, b: number) => number,
): void {
  let { a, b, out } = places;
  const last = Math.min(out + PIECE, ends.b);
  for (; out < last; out++) {
    const takesA = b >= ends.b || (a < ends.a && order(source[a], source[b]) <= 0);
    target[out] = takesA ? source[a++] : source[b++];
  }
  places.a = a;
  places.b = b;
  places.out = out;
}
