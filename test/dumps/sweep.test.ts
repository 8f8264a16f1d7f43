// Sweeps over stretches that may overlap, against a look at every address.

import fc from "fast-check";
import { expect, test } from "vitest";
import { coveredBytes, eachCovered, eachWinner, firstBehind, ofRanges } from "../../src/dumps/sweep.js";

const ADDRESSES = 40;

const anyRanges = fc.array(
  fc.record({ address: fc.integer({ min: 0, max: ADDRESSES - 1 }), bytes: fc.integer({ min: 0, max: 12 }) }),
  { maxLength: 14 },
);
/** In order, and apart or touching: the way of most dumps. */
const rangesApart = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 5 })), { maxLength: 14 })
  .map((steps) => {
    let at = 0;
    return steps.map(([gap, bytes]) => {
      const address = at + gap;
      at = address + bytes;
      return { address, bytes };
    });
  });
const ranges = fc.oneof(anyRanges, rangesApart);

type Runs = [from: number, to: number, of: number][];

/** Runs of equal values; those of addresses without one are left out. */
function runsOf(values: readonly (number | undefined)[]): Runs {
  const runs: Runs = [];
  values.forEach((value, at) => {
    if (value === undefined) return;
    const last = runs.at(-1);
    if (last && last[1] === at && last[2] === value) last[1]++;
    else runs.push([at, at + 1, value]);
  });
  return runs;
}

const byAddress = (find: (at: number) => number | undefined) =>
  runsOf(Array.from({ length: ADDRESSES + 50 }, (_, at) => find(at)));

test.each(["first", "last"] as const)("of stretches that overlap the %s one counts", async (wins) => {
  await fc.assert(
    fc.asyncProperty(ranges, async (list) => {
      const holds = (at: number) => (range: (typeof list)[number]) =>
        range.address <= at && at < range.address + range.bytes;
      const expected = byAddress((at) => {
        const winner = wins === "first" ? list.findIndex(holds(at)) : list.findLastIndex(holds(at));
        return winner < 0 ? undefined : winner;
      });
      const visits: Runs = [];
      await eachWinner(ofRanges(list), wins, (...visit) => visits.push(visit));
      expect(visits).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test("what stretches cover together", () => {
  fc.assert(
    fc.property(ranges, (list) => {
      const expected = byAddress((at) =>
        list.some(({ address, bytes }) => address <= at && at < address + bytes) ? 0 : undefined,
      );
      const visits: Runs = [];
      eachCovered(ofRanges(list), (from, to) => visits.push([from, to, 0]));
      expect(visits).toEqual(expected);
      expect(coveredBytes(ofRanges(list))).toBe(expected.reduce((sum, [from, to]) => sum + to - from, 0));
    }),
    { numRuns: 2000 },
  );
});

test("the first stretch that ends behind an address", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 60 })), fc.nat(60), fc.nat(20), (ends, address, unused) => {
      ends.sort((a, b) => a - b);
      const expected = ends.findIndex((end) => end > address);
      const array = Float64Array.from([...ends, ...new Array(unused).fill(0)]);
      expect(firstBehind(array, address, ends.length)).toBe(expected < 0 ? ends.length : expected);
    }),
  );
});
