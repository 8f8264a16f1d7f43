// `best` beyond 14 members, where it does not look at all groupings: what it finds keeps to all limits, saves no less than
// `similar`, no other group suits a member better, and no grouping saves more than it says.

import * as fc from "fast-check";
import { describe, expect, test as plainTest } from "vitest";
import { compareWorlds, limitOptions, runs, type Tables } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import {
  contentsOf,
  framesOf,
  type Group,
  type PolicyWorld,
  ZERO_PAGES,
  type ZeroPages,
} from "../support/policy-twin.js";
import { groupsIn, policyWorlds, range, times, worldOf } from "../support/policy-worlds.js";
import { onlyRow } from "../support/table.js";
import { keepsTo, NO_LIMITS, type TwinLimits } from "../support/twin-groupings.js";

/** Sets of members as bits, and what the groups of each set save and whether they are allowed. */
interface Sets {
  all: number;
  saved: Float64Array;
  allowed: Uint8Array;
}

const bitCount = (set: number) => set.toString(2).replaceAll("0", "").length;

function setsOf(world: PolicyWorld, zeroPages: ZeroPages, { together, apart, maxGroup }: TwinLimits): Sets {
  const names = world.members.map(({ name }) => name);
  const bits = (members: Iterable<string>) => [...members].reduce((set, name) => set | (1 << names.indexOf(name)), 0);
  const size = 2 ** names.length;
  // Less a frame for each content of which the set holds some, and a page more for each copy.
  const saved = new Float64Array(size);
  for (const { copies } of contentsOf(world, zeroPages)) {
    const holders = bits(copies.keys());
    for (let set = 1; set < size; set++) if (set & holders) saved[set]--;
    for (const [name, count] of copies) {
      const bit = bits([name]);
      for (let set = 1; set < size; set++) if (set & bit) saved[set] += count;
    }
  }
  const [one, none] = [together, apart].map((lists) => lists.map(bits));
  const allowed = Uint8Array.from({ length: size }, (_, set) => {
    const isWhole = one.every((list) => (set & list) === 0 || (set & list) === list);
    return isWhole && none.every((list) => bitCount(set & list) < 2) && bitCount(set) <= maxGroup ? 1 : 0;
  });
  return { all: size - 1, saved, allowed };
}

/** The most that two groups save, or three. */
function mostSaved({ all, saved, allowed }: Sets, count: number): number {
  let most = -1;
  for (let first = 1; first < all; first += 2) {
    if (!allowed[first]) continue;
    const rest = all ^ first;
    if (count === 2) {
      if (allowed[rest]) most = Math.max(most, saved[first] + saved[rest]);
      continue;
    }
    // The lowest bit of the rest is in the second group.
    const lowest = rest & -rest;
    for (let third = (rest - 1) & rest; third > 0; third = (third - 1) & rest) {
      if (third & lowest || !allowed[third] || !allowed[rest ^ third]) continue;
      most = Math.max(most, saved[first] + saved[third] + saved[rest ^ third]);
    }
  }
  return most;
}

/** The most that groups of one or two members save, of those in a set. */
function mostOfPairs({ all, saved, allowed }: Sets): number {
  const most = new Float64Array(all + 1);
  for (let set = 1; set <= all; set++) {
    const lowest = set & -set;
    most[set] = saved[lowest] + most[set ^ lowest];
    for (let other = lowest << 1; other <= set; other <<= 1) {
      const pair = lowest | other;
      if (set & other && allowed[pair]) most[set] = Math.max(most[set], saved[pair] + most[set ^ pair]);
    }
  }
  return most[all];
}

function savedIn({ policies }: Tables, { timeS }: PolicyWorld, zero_pages: string, policy: string): [number, number] {
  const row = onlyRow(policies, { time_s: String(timeS), zero_pages, policy });
  return [Number(row.saved_pages), Number(row.most_saved_pages)];
}

/** The groupings that differ from one in the group of one member, or of members that must be together. */
function neighbours(groups: readonly Group[], { together }: TwinLimits): Group[][] {
  const without = (group: Group, unit: readonly string[]) => group.members.filter((member) => !unit.includes(member));
  return groups.flatMap((from) =>
    from.members.flatMap((member) => {
      const unit = together.find((list) => list.includes(member)) ?? [member];
      return groups
        .filter((to) => to !== from && without(from, unit).length > 0)
        .map((to) =>
          groups.map((group) => ({
            name: group.name,
            members: group === to ? [...group.members, ...unit] : without(group, unit),
          })),
        );
    }),
  );
}

/** Checks the groupings into so many groups; gives what they save, and what they say that none exceeds. */
function checkBest(run: Tables, world: PolicyWorld, zeroPages: ZeroPages, count: number, limits: TwinLimits): number[] {
  const [saved, bound] = savedIn(run, world, zeroPages, `best:${count}`);
  const groups = groupsIn(run.members, world, zeroPages, `best:${count}`);
  expect(groups.map(({ name }) => name)).toEqual(Array.from({ length: count }, (_, i) => String(i + 1)));
  expect(keepsTo(limits, world, groups)).toBe(true);
  const contents = contentsOf(world, zeroPages);
  const frames = (grouping: readonly Group[]) =>
    grouping.reduce((sum, { members }) => sum + framesOf(contents, members), 0);
  const others = neighbours(groups, limits).filter((grouping) => keepsTo(limits, world, grouping));
  expect(Math.min(...others.map(frames))).toBeGreaterThanOrEqual(frames(groups));
  expect(saved).toBeGreaterThanOrEqual(savedIn(run, world, zeroPages, `similar:${count}`)[0]);
  expect(bound).toBeGreaterThanOrEqual(saved);
  expect(bound).toBeLessThanOrEqual(savedIn(run, world, zeroPages, "one-group")[0]);
  return [saved, bound];
}

/** So many members that a search for all groupings is not made, also where two of them count as one. */
const fleets = fc.constantFrom(16, 17).chain((members) => policyWorlds(members).map((worlds) => worlds.slice(0, 3)));

describe("16 or 17 members", () => {
  // Joining groups step by step, nobody gets stuck between these limits.
  const cases: [what: string, searched: number, together: number[], apart: number[], maxGroup: number][] = [
    ["without limits", 2, [], [], Infinity],
    ["two together, three apart", 3, [3, 9], [0, 4, 7], Infinity],
    ["two together, at most 13 in a group", 2, [3, 9], [], 13],
    ["at most 9 in a group", 3, [], [], 9],
  ];

  plainTest.each(cases)("%s", async (_, searched, together, apart, maxGroup) => {
    await fc.assert(
      fc.asyncProperty(fleets, (worlds) =>
        inFolder(async (folder) => {
          const { members } = worlds[0];
          const list = (numbers: number[]) =>
            numbers.length > 0 ? [numbers.map((number) => members[number].name)] : [];
          const limits = { together: list(together), apart: list(apart), maxGroup };
          const counted = [searched, 5, 15];
          const policies = counted.flatMap((count) => [`best:${count}`, `similar:${count}`]);
          const run = await compareWorlds(folder, worlds, ["one-group", ...policies], ...limitOptions(limits));
          for (const world of worlds) {
            for (const zeroPages of ZERO_PAGES) {
              for (const count of counted) {
                const [saved, bound] = checkBest(run, world, zeroPages, count, limits);
                if (count !== searched) continue;
                const most = mostSaved(setsOf(world, zeroPages, limits), count);
                expect(saved).toBeLessThanOrEqual(most);
                expect(bound).toBeGreaterThanOrEqual(most);
              }
            }
          }
        }),
      ),
      runs(3),
    );
  });

  plainTest("any number of groups, of two members at most", async () => {
    const limits = { ...NO_LIMITS, maxGroup: 2 };
    await fc.assert(
      fc.asyncProperty(fleets, (worlds) =>
        inFolder(async (folder) => {
          const run = await compareWorlds(folder, worlds, ["best", "one-group", "per-member"], ...limitOptions(limits));
          for (const world of worlds) {
            for (const zeroPages of ZERO_PAGES) {
              const [saved, bound] = savedIn(run, world, zeroPages, "best");
              const most = mostOfPairs(setsOf(world, zeroPages, limits));
              expect(saved).toBeGreaterThanOrEqual(savedIn(run, world, zeroPages, "per-member")[0]);
              expect(saved).toBeLessThanOrEqual(most);
              expect(bound).toBeGreaterThanOrEqual(most);
              expect(bound).toBeLessThanOrEqual(savedIn(run, world, zeroPages, "one-group")[0]);
              expect(keepsTo(limits, world, groupsIn(run.members, world, zeroPages, "best"))).toBe(true);
            }
          }
        }),
      ),
      runs(4),
    );
  });
});

describe("20 members of four kinds, which have 10 contents in common, and 3 with all others", () => {
  const KINDS = 4;
  const names = Array.from({ length: 20 }, (_, i) => `m${i}`);
  const kindOf = (i: number) => (i * 7) % KINDS;
  const pages = names.map((name, i): [string, number[]] => {
    const common = range(1, 4);
    const ofKind = range(100 * (kindOf(i) + 1), 100 * (kindOf(i) + 1) + 10);
    return [name, [...common, ...ofKind, 1000 + i, ...times(1 + (i % 3), 0)]];
  });
  const world = worldOf(Object.fromEntries(pages));
  // Each group keeps what is common to all, its kind's contents and the zero page; each member its own content.
  const kept = (zeroPages: string) => KINDS * (3 + 10 + (zeroPages === "counted" ? 1 : 0)) + names.length;
  const allPages = (zeroPages: string) =>
    pages.flatMap(([, own]) => own).filter((page) => page !== 0 || zeroPages === "counted").length;

  test.for([
    ["best:4", Infinity],
    ["best", 5],
  ] as const)("%s finds the kinds, at most %s in a group", async ([policy, maxGroup], { folder }) => {
    const run = await compareWorlds(folder, [world], [policy], ...limitOptions({ ...NO_LIMITS, maxGroup }));
    for (const zeroPages of ZERO_PAGES) {
      const [saved, bound] = savedIn(run, world, zeroPages, policy);
      expect(saved).toBe(allPages(zeroPages) - kept(zeroPages));
      expect(bound).toBeGreaterThanOrEqual(saved);
      // Where a group has five members at most, what all hold is in four groups: nobody can do better, and it says so.
      if (maxGroup === 5) expect(bound).toBe(saved);
      expect(groupsIn(run.members, world, zeroPages, policy)).toEqual(
        [0, 1, 2, 3].map((group) => ({
          name: String(group + 1),
          members: names.filter((_, i) => kindOf(i) === kindOf(group)),
        })),
      );
    }
  });
});

test("a member moves to the group that suits it better than the one that it was joined to first", async ({
  folder,
}) => {
  // x has 8 contents in common with a, and 3 with each of three members that have 7 in common: alone none of them suits it
  // better than a, together they do. The other ten are of two kinds.
  const withX = (i: number) => range(10 * i, 10 * i + 3);
  const kind = (i: number): [string, number[]][] =>
    ["1", "2", "3", "4", "5"].map((n) => [`k${i}-${n}`, range(1000 * i, 1000 * i + 20)]);
  const world = worldOf({
    a: range(100, 108),
    x: [...range(100, 108), ...withX(1), ...withX(2), ...withX(3)],
    b1: [...range(200, 207), ...withX(1)],
    b2: [...range(200, 207), ...withX(2)],
    b3: [...range(200, 207), ...withX(3)],
    ...Object.fromEntries([...kind(1), ...kind(2)]),
  });
  const run = await compareWorlds(folder, [world], ["one-group", "similar:4", "best:4"]);
  const [all] = savedIn(run, world, "counted", "one-group");
  expect(savedIn(run, world, "counted", "similar:4")[0]).toBe(all - 9);
  expect(savedIn(run, world, "counted", "best:4")[0]).toBe(all - 8);
  const [first, second] = groupsIn(run.members, world, "counted", "best:4");
  expect([first.members, second.members]).toEqual([["a"], ["x", "b1", "b2", "b3"]]);
});

test.for(["similar:5", "best:5"])(
  "%s finds room where the most similar, joined first, leave groups that are too large to join",
  async (policy, { folder }) => {
    // Seven pairs and one alone, in groups of three at most: each of five groups is a pair and one more.
    const pairs = range(1, 8).flatMap((pair): [string, number[]][] => [
      [`a${pair}`, range(10 * pair, 10 * pair + 3)],
      [`b${pair}`, range(10 * pair, 10 * pair + 3)],
    ]);
    const world = worldOf({ ...Object.fromEntries(pairs), alone: [1000] });
    const limits = { ...NO_LIMITS, maxGroup: 3 };
    const run = await compareWorlds(folder, [world], [policy], ...limitOptions(limits));
    const groups = groupsIn(run.members, world, "counted", policy);
    expect(groups.map(({ members }) => members.length)).toEqual([3, 3, 3, 3, 3]);
    expect(keepsTo(limits, world, groups)).toBe(true);
    expect(savedIn(run, world, "counted", policy)[0]).toBe(5 * 3);
  },
);
