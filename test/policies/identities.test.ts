// What holds for every world and every grouping.

import path from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareWorlds, runs } from "../support/compare.js";
import { inFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { type PolicyWorld, ZERO_PAGES } from "../support/policy-twin.js";
import { policyWorlds, writeGroups, writeWorlds } from "../support/policy-worlds.js";
import { onlyRow, type Row, rowsOf } from "../support/table.js";

const COARSE = "groups:coarse.csv";
const FINE = "groups:fine.csv";
const MOST_NAMES = 9 * 6;

interface Case {
  worlds: PolicyWorld[];
  /** By member, of all worlds: its group, and its part of the group in the refined grouping. */
  groups: [group: string, part: string][];
  entitlement: "shapley" | "proportional";
}

const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 9 }).chain((members) =>
  fc.record({
    worlds: policyWorlds(members),
    groups: fc.array(fc.tuple(fc.constantFrom("g", "h"), fc.constantFrom("1", "2", "3")), {
      minLength: MOST_NAMES,
      maxLength: MOST_NAMES,
    }),
    entitlement: fc.constantFrom("shapley" as const, "proportional" as const),
  }),
);

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** For each content of a world in how many groups it is, less one, added up. */
function costOf({ members }: PolicyWorld, zeroPages: string, groupOf: (member: string) => string): number {
  const groups = new Map<number, Set<string>>();
  for (const { name, pages } of members) {
    for (const page of pages) {
      if (page !== 0 || zeroPages === "counted") groups.set(page, (groups.get(page) ?? new Set()).add(groupOf(name)));
    }
  }
  return sum([...groups.values()].map(({ size }) => size - 1));
}

/** The rows of a world, in one mode, under a policy. */
function rowsFor(rows: readonly Row[], world: PolicyWorld, zero_pages: string, policy: string): Row[] {
  return rows.filter(
    (row) => row.time_s === String(world.timeS) && row.zero_pages === zero_pages && row.policy === policy,
  );
}

const numbers = (row: Row, ...columns: string[]) => columns.map((column) => Number(row[column]));

test("costs, entitlements, self-sharing and refined groupings", async () => {
  await fc.assert(
    fc.asyncProperty(cases, ({ worlds, groups, entitlement }) =>
      inFolder(async (folder) => {
        const names = worlds.flatMap(({ members }) => members.map(({ name }) => name));
        const coarse = new Map(names.map((name, i) => [name, groups[i][0]]));
        const fine = new Map(names.map((name, i) => [name, groups[i].join(" ")]));
        writeGroups(folder, "coarse.csv", coarse);
        writeGroups(folder, "fine.csv", fine);
        const policies = ["one-group", "per-member", "zero-only", COARSE, FINE];
        const found = await compareWorlds(folder, worlds, policies, "--entitlement", entitlement);
        await succeed(["analyze", ...writeWorlds(folder, worlds), "--out", "self", "--quiet"], { cwd: folder });
        const self = rowsOf(path.join(folder, "self"), "self.csv");

        for (const world of worlds) {
          for (const zeroPages of ZERO_PAGES) {
            const scoreOf = (policy: string) => onlyRow(rowsFor(found.policies, world, zeroPages, policy), {});
            const costs: [policy: string, groupOf: (member: string) => string][] = [
              ["one-group", () => "all"],
              ["per-member", (member) => member],
              [COARSE, (member) => coarse.get(member) ?? ""],
              [FINE, (member) => fine.get(member) ?? ""],
            ];
            for (const [policy, groupOf] of costs) {
              expect(Number(scoreOf(policy).isolation_cost_pages)).toBe(costOf(world, zeroPages, groupOf));
            }
            expect(scoreOf("one-group")).toMatchObject({
              isolation_cost_bytes: "0",
              isolation_cost_rate: "0.000000",
            });

            for (const policy of policies) {
              const [saved, cost] = numbers(scoreOf(policy), "saved_pages", "isolation_cost_pages");
              const rows = rowsFor(found.members, world, zeroPages, policy);
              // Each is rounded to 6 decimals.
              expect(sum(rows.map((row) => Number(row.entitlement_pages)))).toBeCloseTo(saved, 4);
              expect(sum(rows.map((row) => Number(row.isolation_cost_pages)))).toBeCloseTo(cost, 4);
              const parts = rowsFor(found.groups, world, zeroPages, policy);
              expect(sum(parts.map((row) => Number(row.saved_pages)))).toBe(saved);
            }
            for (const row of rowsFor(found.members, world, zeroPages, "one-group")) {
              expect(row.isolation_cost_pages).toBe("0.000000");
            }

            // Alone a member saves what it shares with itself.
            const selfSaved = world.members.map(({ name }) => {
              const row = onlyRow(self, { time_s: String(world.timeS), member: name });
              const [saved, zeroSaved] = numbers(row, "self_saved_pages", "zero_saved_pages");
              return zeroPages === "counted" ? saved : saved - zeroSaved;
            });
            const alone = rowsFor(found.groups, world, zeroPages, "per-member");
            expect(alone.map(({ group }) => group)).toEqual(world.members.map(({ name }) => name));
            expect(alone.map((row) => Number(row.saved_pages))).toEqual(selfSaved);
            expect(scoreOf("per-member")).toMatchObject({
              saved_pages: String(sum(selfSaved)),
              exposed_contents: "0",
              exposed_pages: "0",
              exposed_pairs: "0",
            });

            // From one grouping to a finer one nothing gets more.
            const less = [FINE, COARSE, "one-group"].map((policy) =>
              numbers(scoreOf(policy), "saved_pages", "exposed_contents", "exposed_pages", "exposed_pairs"),
            );
            for (const [finer, coarser] of [less.slice(0, 2), less.slice(1)]) {
              finer.forEach((value, i) => {
                expect(value).toBeLessThanOrEqual(coarser[i]);
              });
            }
          }
        }
      }),
    ),
    runs(10),
  );
});
