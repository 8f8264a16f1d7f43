// How frames grow with the number of members, against all subsets, closed forms and whole numbers without rounding.

import path from "node:path";
import * as fc from "fast-check";
import { comparePolicies, type Growth, type Spectrum } from "pagekin";
import { describe, expect, test as plainTest } from "vitest";
import { twinGrowth } from "../support/capacity-twin.js";
import { compareWorlds, runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { contentsOf, framesOf, type PolicyWorld, withFractions } from "../support/policy-twin.js";
import { policyWorlds, range, worldOf } from "../support/policy-worlds.js";
import { type Row, rowsOf } from "../support/table.js";

/** growth.csv of worlds. */
async function growthRows(folder: string, worlds: readonly PolicyWorld[]): Promise<Row[]> {
  await compareWorlds(folder, worlds, ["one-group"]);
  return rowsOf(path.join(folder, "out"), "growth.csv");
}

plainTest("each number of members has the mean, the least and the most of all subsets", async () => {
  const worlds = fc.integer({ min: 1, max: 8 }).chain((members) => policyWorlds(members));
  await fc.assert(
    fc.asyncProperty(worlds, (given) =>
      inFolder(async (folder) => {
        const exact = twinGrowth(given);
        expect(withFractions(await growthRows(folder, given), exact)).toEqual(exact);
      }),
    ),
    runs(9),
  );
});

test("a worked example", async ({ folder }) => {
  // 0 is everybody's, 1 a's and b's; 2, 3 and 4 are one's alone. a keeps the two copies of 2 once.
  const rows = await growthRows(folder, [worldOf({ a: [0, 1, 2, 2], b: [0, 1], c: [0, 0, 3, 4] })]);
  expect(rows.map((row) => Object.values(row).join())).toEqual([
    // 3, 2 and 3 contents.
    "0,4096,1,2.666667,2,3,0.010923,0.008192,0.012288",
    // ab 3, ac 5, bc 4. Least: b beside a, which adds nothing; most: a beside c and c beside a or b, which add 2.
    "0,4096,2,4.000000,3,5,0.005461,0.000000,0.008192",
    // a adds 2, b nothing, c 3 and 4.
    "0,4096,3,5.000000,5,5,0.004096,0.000000,0.008192",
  ]);
});

describe("closed forms, of 1 to 30 members", () => {
  const counts = fc.record({ members: fc.integer({ min: 1, max: 30 }), contents: fc.integer({ min: 1, max: 9 }) });

  /** Compares a world with the frames that any k of its members must have. */
  const expectFrames = (
    pagesOf: (member: number, contents: number) => number[],
    framesFor: (k: number, contents: number) => number,
  ) =>
    fc.assert(
      fc.asyncProperty(counts, ({ members, contents }) =>
        inFolder(async (folder) => {
          const pages = range(0, members).map((member): [string, number[]] => [
            `m${member}`,
            pagesOf(member, contents),
          ]);
          const rows = await growthRows(folder, [worldOf(Object.fromEntries(pages))]);
          expect(rows.map((row) => Number(row.expected_frames))).toEqual(
            range(1, members + 1).map((k) => framesFor(k, contents)),
          );
          for (const [i, row] of rows.entries()) {
            // 6 decimals.
            const further = (framesFor(i + 1, contents) - (i > 0 ? framesFor(i, contents) : 0)) * 0.004096;
            expect(row.mb_per_further_vm).toBe(further.toFixed(6));
            for (const least of [row.least_frames, row.most_frames]) {
              if (members <= 16 || least !== "") expect(least).toBe(String(framesFor(i + 1, contents)));
            }
          }
        }),
      ),
      runs(6),
    );

  plainTest("equal members are no more than one", () =>
    expectFrames(
      (_, contents) => range(0, contents),
      (_, contents) => contents,
    ),
  );

  plainTest("members that have nothing in common add up", () =>
    expectFrames(
      (member, contents) => range(100 * member + 1, 100 * member + 1 + contents),
      (k, contents) => k * contents,
    ),
  );
});

test.for([16, 17, 18])("least and most of %i members", async (members, { folder }) => {
  const pages = range(0, members).map((member): [string, number[]] => [
    `m${member}`,
    [0, 1 + (member % 3), ...range(100 * (member + 1), 100 * (member + 1) + ((member * 7) % 5)), 50 + (member >> 1)],
  ]);
  const world = worldOf(Object.fromEntries(pages));
  const rows = await growthRows(folder, [world]);
  const contents = contentsOf(world, "counted");
  const names = pages.map(([name]) => name);
  const own = names.map((name) => framesOf(contents, [name]));
  const all = framesOf(contents, names);
  const without = names.map((name) =>
    framesOf(
      contents,
      names.filter((other) => other !== name),
    ),
  );
  const extremes = (frames: number[]) => [Math.min(...frames), Math.max(...frames)].map(String);
  const megabytes = (frames: number[]) =>
    [Math.min(...frames), Math.max(...frames)].map((few) => (few * 0.004096).toFixed(6));
  const framesIn = ({ least_frames, most_frames }: Row) => [least_frames, most_frames];
  const furtherIn = (row: Row) => [row.least_mb_per_further_vm, row.most_mb_per_further_vm];
  expect(framesIn(rows[0])).toEqual(extremes(own));
  expect(furtherIn(rows[0])).toEqual(megabytes(own));
  expect(framesIn(rows[members - 2])).toEqual(extremes(without));
  expect(framesIn(rows[members - 1])).toEqual(extremes([all]));
  expect(furtherIn(rows[members - 1])).toEqual(megabytes(without.map((frames) => all - frames)));
  // Beyond 16 members the others are not looked for, and it is not said that they were.
  for (const row of rows.slice(1, -2)) for (const cell of framesIn(row)) expect(cell === "").toBe(members > 16);
  for (const row of rows.slice(1, -1)) for (const cell of furtherIn(row)) expect(cell === "").toBe(members > 16);
});

describe("10,000 members", () => {
  const MEMBERS = 10_000;
  const SCALE = 10n ** 30n;
  /** Contents by the number of members that hold them. */
  const KINDS: [holders: number, contents: number][] = [
    [1, 90_000_001],
    [2, 7_000_000],
    [17, 5_000_000],
    [100, 3_000_000],
    [5000, 900_000],
    [9999, 10_000],
    [10_000, 80_000],
  ];
  const UNION = KINDS.reduce((sum, [, contents]) => sum + contents, 0);

  /** Contents that k members are expected not to have: those whose holders are all among the other n - k. */
  const missing = (k: number) =>
    KINDS.reduce((sum, [holders, contents]) => {
      let [over, under] = [BigInt(contents) * SCALE, 1n];
      for (let i = 0; i < holders; i++) {
        over *= BigInt(Math.max(0, MEMBERS - k - i));
        under *= BigInt(MEMBERS - i);
      }
      return sum + over / under;
    }, 0n);

  async function growth(): Promise<Growth> {
    const starts = [0];
    const holders: number[] = [];
    for (const [held] of KINDS) {
      for (let member = 0; member < held; member++) holders.push(member);
      starts.push(holders.length);
    }
    const pages = new Array<number>(MEMBERS).fill(0);
    KINDS.forEach(([held, contents]) => {
      for (let member = 0; member < held; member++) pages[member] += contents;
    });
    const spectrum: Spectrum = {
      ...{ timeS: 0, pageBytes: 4096, pages, zeroPages: pages.map(() => 0) },
      members: pages.map((_, member) => ({ member: `m${member}`, labels: {} })),
      vectors: {
        starts: Uint32Array.from(starts),
        holders: Uint32Array.from(holders),
        copies: new Uint32Array(holders.length).fill(1),
        contents: Float64Array.from(KINDS, ([, contents]) => contents),
      },
    };
    const settings = {
      policies: [],
      entitlement: "shapley" as const,
      tenantLabel: undefined,
      kernel: undefined,
      add: [],
    };
    const [counted] = await comparePolicies(spectrum, settings);
    return counted.growth ?? expect.fail();
  }

  plainTest("what is expected is right to 12 digits", async () => {
    const { expected, further } = await growth();
    expect(expected.length).toBe(MEMBERS);
    for (const k of [1, 2, 3, 10, 137, 4999, 5000, 5001, 9000, 9998, 9999, 10_000]) {
      const [now, before] = [missing(k), missing(k - 1)];
      const frames = Number(BigInt(UNION) * SCALE - now) / Number(SCALE);
      expect(Math.abs(expected[k - 1] - frames) / UNION).toBeLessThan(1e-12);
      const added = Number(before - now) / Number(SCALE);
      expect(Math.abs(further[k - 1] - added) / added).toBeLessThan(1e-11);
    }
    expect(expected[MEMBERS - 1]).toBe(UNION);
    // The more there are, the less one more adds.
    for (let k = 1; k < MEMBERS; k++) expect(further[k]).toBeLessThanOrEqual(further[k - 1]);
  });
});
