// `best` and `similar` on small worlds, against a look at all groupings and a plain agglomeration.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareWorlds, limitOptions, runs, type Tables } from "../support/compare.js";
import { inFolder } from "../support/folder.js";
import { type PolicyWorld, ZERO_PAGES } from "../support/policy-twin.js";
import { groupsIn, policyWorlds } from "../support/policy-worlds.js";
import { onlyRow, type Row } from "../support/table.js";
import { keepsTo, mostSaved, NO_LIMITS, similar, type TwinLimits } from "../support/twin-groupings.js";

const compare = (worlds: readonly PolicyWorld[], policies: readonly string[], limits: TwinLimits): Promise<Tables> =>
  inFolder((folder) => compareWorlds(folder, worlds, policies, ...limitOptions(limits)));

const counts = (members: number) => Array.from({ length: members }, (_, i) => i + 1);

function rowFor({ policies }: Tables, { timeS }: PolicyWorld, zero_pages: string, policy: string): Row {
  return onlyRow(policies, { time_s: String(timeS), zero_pages, policy });
}

/** That a policy has made a grouping into so many groups, named by their order, within the limits. */
function expectGrouping(
  run: Tables,
  world: PolicyWorld,
  zeroPages: string,
  policy: string,
  count: number,
  limits: TwinLimits,
): void {
  const groups = groupsIn(run.members, world, zeroPages, policy);
  expect(
    groups.map(({ name }) => name),
    policy,
  ).toEqual(counts(count).map(String));
  expect(keepsTo(limits, world, groups), policy).toBe(true);
}

const fleets = fc
  .integer({ min: 1, max: 9 })
  .chain((members) => policyWorlds(members).map((worlds) => ({ members, worlds })));

test("best:K saves as much as any grouping into K groups, and similar:K joins the two groups that recover most", async () => {
  await fc.assert(
    fc.asyncProperty(fleets, async ({ members, worlds }) => {
      const all = counts(members);
      const run = await compare(worlds, [...all.map((k) => `best:${k}`), ...all.map((k) => `similar:${k}`)], NO_LIMITS);
      for (const world of worlds) {
        for (const zeroPages of ZERO_PAGES) {
          const most = mostSaved(world, zeroPages);
          for (const count of all) {
            const [best, joined] = [`best:${count}`, `similar:${count}`];
            const saved = String(most.get(count));
            expect(rowFor(run, world, zeroPages, best)).toMatchObject({ saved_pages: saved, most_saved_pages: saved });
            expectGrouping(run, world, zeroPages, best, count, NO_LIMITS);
            expect(rowFor(run, world, zeroPages, joined)).toMatchObject({ most_saved_pages: "" });
            expect(groupsIn(run.members, world, zeroPages, joined)).toEqual(
              ordered(world, similar(count, world, zeroPages)),
            );
          }
        }
      }
    }),
    runs(10),
  );
});

/** Groups with their members in the order of the world. */
function ordered({ members }: PolicyWorld, groups: ReturnType<typeof similar>): object[] | undefined {
  return groups?.map((group) => ({
    ...group,
    members: members.map(({ name }) => name).filter((name) => group.members.includes(name)),
  }));
}

/** Limits that some members of some worlds keep to; a list is within one world, or it would say nothing. */
const limitedFleets = fc.integer({ min: 3, max: 8 }).chain((members) =>
  policyWorlds(members).chain((worlds) => {
    const lists = fc.constantFrom(...worlds).chain((world) =>
      fc.shuffledSubarray(
        world.members.map(({ name }) => name),
        { minLength: 2, maxLength: 3 },
      ),
    );
    return fc.record({
      members: fc.constant(members),
      worlds: fc.constant(worlds),
      limits: fc.record({
        together: fc.array(lists, { maxLength: 3 }),
        apart: fc.array(lists, { maxLength: 3 }),
        maxGroup: fc.constantFrom(2, 3, 4, Infinity),
      }),
    });
  }),
);

/** Whether limits contradict each other in some world: then no policy can be asked for. */
const contradict = (worlds: readonly PolicyWorld[], limits: TwinLimits) =>
  worlds.some((world) => mostSaved(world, "counted", limits).size === 0);

test("with --together, --apart and --max-group they do so among the groupings that keep to them", async () => {
  await fc.assert(
    fc.asyncProperty(limitedFleets, async ({ members, worlds, limits }) => {
      fc.pre(!contradict(worlds, limits));
      const modes = worlds.flatMap((world) => ZERO_PAGES.map((zeroPages) => ({ world, zeroPages })));
      const possible = counts(members).filter((count) =>
        modes.every(({ world, zeroPages }) => mostSaved(world, zeroPages, limits).has(count)),
      );
      const joinable = counts(members).filter((count) =>
        modes.every(({ world, zeroPages }) => similar(count, world, zeroPages, limits)),
      );
      const policies = [...possible.map((k) => `best:${k}`), ...joinable.map((k) => `similar:${k}`)];
      if (limits.maxGroup < Infinity) policies.push("best");
      fc.pre(policies.length > 0);
      const run = await compare(worlds, policies, limits);
      for (const { world, zeroPages } of modes) {
        const most = mostSaved(world, zeroPages, limits);
        for (const count of possible) {
          const saved = String(most.get(count));
          const row = rowFor(run, world, zeroPages, `best:${count}`);
          expect(row).toMatchObject({ saved_pages: saved, most_saved_pages: saved });
          expectGrouping(run, world, zeroPages, `best:${count}`, count, limits);
        }
        for (const count of joinable) {
          expect(groupsIn(run.members, world, zeroPages, `similar:${count}`)).toEqual(
            ordered(world, similar(count, world, zeroPages, limits)),
          );
        }
        if (limits.maxGroup < Infinity) {
          const saved = String(Math.max(...most.values()));
          const row = rowFor(run, world, zeroPages, "best");
          expect(row).toMatchObject({ saved_pages: saved, most_saved_pages: saved });
          expectGrouping(run, world, zeroPages, "best", Number(row.groups), limits);
        }
      }
    }),
    runs(15),
  );
});
