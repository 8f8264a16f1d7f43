// Estimates from samples of contents, on worlds whose sharing is known.

import { fileURLToPath } from "node:url";
import { spectra } from "pagekin";
import { describe, expect, test } from "vitest";
import { estimateGroup, estimateMembers } from "../../src/processes/estimate.js";
import { ALL_BUCKETS, type ContentWorld, sampled, savedBy, savedTogether } from "../support/content-worlds.js";
import { randomNumbers } from "../support/random.js";

const TRACES = fileURLToPath(new URL("../../traces/", import.meta.url));
const TRIALS = 200;
/** A tenth of the contents. */
const BUCKETS = 26;

/** Worlds of some members; copiesOf: of a content by member. */
function world(
  seed: number,
  zeroPages: number[],
  contents: number,
  copiesOf: (random: (end: number) => number, i: number) => number[],
): ContentWorld {
  const random = randomNumbers(seed);
  return { zeroPages, contents: Array.from({ length: contents }, (_, i) => copiesOf(random, i)) };
}

/** 1 mostly, now and then more. */
const few = (random: (end: number) => number) => (random(10) === 0 ? 2 + random(4) : 1);

const WORLDS: Record<string, ContentWorld> = {
  "alike in a tenth": world(1, [500, 0, 3], 6000, (random) => {
    const owner = random(3);
    return [0, 1, 2].map((member) => (member === owner || random(20) === 0 ? few(random) : 0));
  }),
  "nothing shared": world(2, [0, 0], 4000, (random) => (random(2) ? [1, 0] : [0, 1])),
  "all shared": world(3, [10, 10], 3000, () => [1, 1]),
  "few popular contents": world(4, [0, 100], 3000, (random, i) =>
    i < 12 ? [50 * (i + 1), i % 2 ? 1 : 0] : random(2) ? [1, 0] : [random(15) === 0 ? 1 : 0, 1],
  ),
  "copies by Zipf's law": world(5, [40, 0], 3000, (random, i) => {
    const copies = Math.max(1, Math.floor(3000 / (i + 1)));
    return random(2) ? [copies, random(5) === 0 ? 1 : 0] : [0, copies];
  }),
  "pages in dozens": world(6, [0, 0], 1500, (random) => [
    random(3) === 0 ? 10 + random(30) : 1,
    random(4) === 0 ? 1 : 0,
  ]),
  "small processes": world(7, [2, 0, 0], 450, (random) => {
    const copies = [0, 0, 0];
    copies[random(3)] = few(random);
    if (random(4) === 0) copies[random(3)] = 1;
    return copies;
  }),
};

interface Seen {
  /** What is estimated: a rate, or pages. */
  truth: number;
  estimates: number[];
  hits: number;
}

const newSeen = (truth: number): Seen => ({ truth, estimates: [], hits: 0 });

function note(seen: Seen, estimate: number, low: number, high: number): void {
  const rounding = 1e-9 * Math.max(1, seen.truth);
  if (!(low <= estimate && estimate <= high)) throw new Error(`${estimate} is not in its interval, ${low} to ${high}`);
  seen.estimates.push(estimate);
  if (low <= seen.truth + rounding && seen.truth <= high + rounding) seen.hits++;
}

/** What many samples of a world tell: of each member, and last of all together. */
function sampleOften(known: ContentWorld, trials = TRIALS): Seen[] {
  const members = [...known.zeroPages.keys()];
  const seen = members.map((member) => {
    const { pages, self, inter } = savedBy(known, member);
    return newSeen((self + inter) / pages);
  });
  const together = newSeen(savedTogether(known, members));
  for (let seed = 1; seed <= trials; seed++) {
    const sample = sampled(known, BUCKETS, seed);
    estimateMembers(sample).forEach(({ bothRate, low, high }, member) => {
      note(seen[member], bothRate, low, high);
    });
    const { saved, low, high } = estimateGroup(sample, members);
    note(together, saved, low, high);
  }
  return [...seen, together];
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function spread(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

test("a sample of a tenth is right on average, and its intervals hold the truth as often as they say", () => {
  const all = Object.entries(WORLDS).flatMap(([name, known]) => sampleOften(known).map((seen) => ({ name, ...seen })));
  for (const { name, truth, estimates, hits } of all) {
    // A ratio of few contents is a little off: by less than a tenth of its spread here.
    const off = Math.abs(mean(estimates) - truth);
    const chance = (4 * spread(estimates)) / Math.sqrt(TRIALS);
    expect(off, `bias in ${name}`).toBeLessThanOrEqual(chance + 0.2 * spread(estimates) + 1e-9 * truth);
    expect(hits / TRIALS, `coverage in ${name}`).toBeGreaterThanOrEqual(0.88);
  }
  expect(mean(all.map(({ hits }) => hits / TRIALS))).toBeGreaterThan(0.94);
});

test("samples of real processes are as good", async () => {
  const traces = ["python1", "python2", "perl", "browser"].map((name) => `${TRACES}${name}.parquet`);
  const [{ vectors, zeroPages, pages }] = await spectra(traces, { pageSizes: [4096] });
  const { starts, holders, copies, contents: times } = vectors;
  const contents = Array.from(times).flatMap((count, vector) => {
    const one = zeroPages.map(() => 0);
    for (let at = starts[vector]; at < starts[vector + 1]; at++) one[holders[at]] = copies[at];
    return Array<number[]>(count).fill(one);
  });
  const seen = sampleOften({ zeroPages: [...zeroPages], contents }, TRIALS / 2);
  expect(seen.at(-1)?.truth).toBe(3319 + 1000);
  expect(pages).toHaveLength(seen.length - 1);
  for (const { truth, estimates, hits } of seen) {
    expect(Math.abs(mean(estimates) - truth)).toBeLessThan(spread(estimates) / 2);
    expect(hits / estimates.length).toBeGreaterThanOrEqual(0.88);
  }
});

describe.each(Object.entries(WORLDS))("%s", (_, known) => {
  const members = [...known.zeroPages.keys()];

  test("with all contents in the sample every number is exact", () => {
    const sample = sampled(known, ALL_BUCKETS, 1);
    estimateMembers(sample).forEach((estimate, member) => {
      const { pages, self, inter } = savedBy(known, member);
      expect(estimate).toMatchObject({ pages, sampledPages: pages });
      const { selfRate, interRate, low, high } = estimate;
      for (const [rate, saved] of [
        [selfRate, self],
        [interRate, inter],
        [low, self + inter],
        [high, self + inter],
      ])
        expect(rate * pages).toBeCloseTo(saved, 6);
    });
    for (const some of [members, members.slice(1), []]) {
      const { saved, low, high } = estimateGroup(sample, some);
      for (const pages of [saved, low, high]) expect(pages).toBeCloseTo(savedTogether(known, some), 6);
    }
  });

  test("a larger sample has narrower intervals", () => {
    const widths = [16, 64, 200].map((buckets) => {
      const { low, high } = estimateGroup(sampled(known, buckets, 1), members);
      return high - low;
    });
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
  });
});

test("of a member without pages, or none in the sample, nothing is claimed", () => {
  const unlucky: ContentWorld = { zeroPages: [0, 5], contents: [[0, 3]] };
  const [empty, unseen] = estimateMembers(sampled(unlucky, 1, 2));
  expect(empty).toMatchObject({ pages: 0, selfRate: 0, interRate: 0, low: 0, high: 0 });
  // Four zero pages are saved for sure; of the three others it is not known.
  expect(unseen).toMatchObject({ pages: 8, sampledPages: 5, selfRate: 0.5, low: 0.5 });
  expect(unseen.high).toBeGreaterThan(0.8);
});
