// Contents with very many copies, counted in little memory.

import { expect, test } from "vitest";
import { countPopular, joinCounts, keyOf, noCounts } from "../../src/fingerprints/popular.js";
import { popularOf } from "../../src/processes/content-sample.js";
import { randomBytes, randomNumbers } from "../support/random.js";

const ENTRY_BYTES = 16;
const ROOM = 4096;

/** Entries of numbered contents, which have random fingerprints, in a random order. */
function entriesOf(copies: readonly number[], seed: number): { entries: Uint8Array; keys: number[] } {
  const fingerprints = randomBytes(ENTRY_BYTES * copies.length, seed);
  const order = copies.flatMap((count, content) => Array<number>(count).fill(content));
  const random = randomNumbers(seed + 1);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  const entries = new Uint8Array(ENTRY_BYTES * order.length);
  order.forEach((content, i) => {
    entries.set(fingerprints.subarray(ENTRY_BYTES * content, ENTRY_BYTES * (content + 1)), ENTRY_BYTES * i);
  });
  const view = new DataView(fingerprints.buffer, fingerprints.byteOffset);
  const keys = copies.map((_, content) => keyOf(view, ENTRY_BYTES * content, SEED));
  return { entries, keys };
}

const SEED = 0xdecade;
const POPULAR = [5000, 1200, 700, 300];
const COPIES = [...POPULAR, ...Array<number>(3000).fill(3), ...Array<number>(40_000).fill(1)];
const PAGES = COPIES.reduce((a, b) => a + b, 0);
const none = () => false;

test.for([1, 2])("counts by %s threads are never too high, and lack no more than they say", (threads) => {
  const { entries, keys } = entriesOf(COPIES, 7);
  const counts = noCounts();
  const part = ENTRY_BYTES * Math.ceil(PAGES / threads);
  for (let from = 0; from < entries.length; from += part) {
    const own = noCounts();
    countPopular(own, entries.subarray(from, from + part), SEED);
    joinCounts(counts, own);
  }
  expect(counts.copies.size).toBeLessThanOrEqual(ROOM);
  expect(counts.lack).toBeLessThanOrEqual((2 * PAGES) / (ROOM + 1));
  COPIES.forEach((copies, content) => {
    const counted = counts.copies.get(keys[content]) ?? 0;
    if (counted > copies || counted + counts.lack < copies)
      throw new Error(`${copies} copies are counted as ${counted}, which may lack ${counts.lack}`);
  });
  const { from, saved } = popularOf(counts, PAGES, none);
  expect(from).toBeGreaterThan(3);
  expect(from).toBeLessThan(300);
  const exactly = POPULAR.reduce((sum, copies) => sum + copies - 1, 0);
  expect(Math.abs(saved - exactly)).toBeLessThanOrEqual((POPULAR.length * counts.lack) / 2);
});

test("few contents are counted exactly, and those in the sample are left out", () => {
  const { entries, keys } = entriesOf([40, 16, 15, 1], 3);
  const counts = noCounts();
  countPopular(counts, entries, SEED);
  expect(counts.lack).toBe(0);
  expect(popularOf(counts, 72, none)).toEqual({ from: 16, saved: 39 + 15 });
  expect(popularOf(counts, 72, (key) => key === keys[0])).toEqual({ from: 16, saved: 15 });
  // From a thousandth of the pages on.
  expect(popularOf(counts, 17_000, none)).toEqual({ from: 17, saved: 39 });
});
