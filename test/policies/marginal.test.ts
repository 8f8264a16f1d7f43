// What one more member costs: frames of a group with it, less the group's frames without it.

import { existsSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { expect, test as plainTest } from "vitest";
import { compareWorlds, runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { contentsOf, framesOf } from "../support/policy-twin.js";
import { groupsIn, policyWorlds, worldOf, writeGroups } from "../support/policy-worlds.js";
import { onlyRow, type Row } from "../support/table.js";

const PLAIN = ["one-group", "per-member", "best:2", "similar:2", "groups:groups.csv"];
const LIMITED = ["best", "best:2", "per-member"];

const cases = fc
  .record({
    members: fc.integer({ min: 3, max: 8 }),
    newcomer: fc.nat(7),
    groups: fc.array(fc.constantFrom("g", "h"), { minLength: 48, maxLength: 48 }),
    isLimited: fc.boolean(),
  })
  .chain(({ members, newcomer, ...more }) =>
    policyWorlds(members).map((worlds) => ({ ...more, worlds, newcomer: newcomer % members })),
  );

plainTest("the frames that a member adds are those with it less those of the groups of the others", async () => {
  await fc.assert(
    fc.asyncProperty(cases, ({ worlds, newcomer, groups, isLimited }) =>
      inFolder(async (folder) => {
        const names = worlds.flatMap(({ members }) => members.map(({ name }) => name));
        writeGroups(folder, "groups.csv", new Map(names.map((name, i) => [name, groups[i]])));
        const policies = isLimited ? LIMITED : PLAIN;
        const limits = isLimited ? ["--max-group", "4"] : [];
        const newcomers = worlds.map(({ members }) => members[newcomer].name);
        const others = worlds.map((world) => ({
          ...world,
          members: world.members.filter(({ name }) => !newcomers.includes(name)),
        }));
        // The others alone, so that their groups are known.
        const alone = await compareWorlds(folder, others, policies, ...limits);
        const expected = worlds.flatMap((world, timeS) =>
          policies.flatMap((policy) =>
            groupsIn(alone.members, others[timeS], "counted", policy).map(({ name: group, members }, i): Row => {
              const key = { time_s: String(timeS), policy, group };
              const { frames } = onlyRow(alone.groups, { ...key, zero_pages: "counted" });
              const withIt = framesOf(contentsOf(world, "counted"), [...members, newcomers[timeS]]);
              const added_frames = String(withIt - Number(frames));
              return {
                ...key,
                page_bytes: "4096",
                member: newcomers[timeS],
                added_frames,
                group_number: String(i + 1),
              };
            }),
          ),
        );
        const add = newcomers.flatMap((name) => ["--add", name]);
        const all = await compareWorlds(folder, worlds, policies, ...limits, ...add);
        expect(all.marginal).toEqual(expected);
      }),
    ),
    runs(6),
  );
});

test("each member that is asked for is added to all others, and to none where there are no others", async ({
  folder,
}) => {
  const labels = { a: { os: "x" }, b: { os: "x" }, c: { os: "y" } };
  const world = worldOf({ a: [0, 0, 1, 2], b: [0, 1, 3], c: [4, 4, 5] }, labels);
  const worlds = [world, { ...worldOf({ a: [1] }, labels), timeS: 7.5 }];
  const { marginal } = await compareWorlds(folder, worlds, ["by:os", "zero-only"], "--add", "c", "--add", "a");
  expect(marginal.map((row) => Object.values(row).join())).toEqual([
    // Of the contents 0, 1 and 2 b has all but the last.
    "0,4096,by:os,a,x,1,1",
    "0,4096,by:os,a,y,3,2",
    "0,4096,by:os,c,x,2,1",
    // b has a zero page.
    "0,4096,zero-only,a,all,2,1",
    "0,4096,zero-only,c,all,3,1",
  ]);
  await compareWorlds(folder, worlds, ["by:os"]);
  expect(existsSync(path.join(folder, "out", "marginal.csv"))).toBe(false);
});

test("a policy that cannot group so few others has no group to join", async ({ folder }) => {
  const policies = ["best:3", "similar:3", "per-member"];
  const { marginal } = await compareWorlds(folder, [worldOf({ a: [1], b: [1], c: [2] })], policies, "--add", "b");
  expect(marginal.map(({ policy, group, added_frames }) => [policy, group, added_frames])).toEqual([
    ["per-member", "a", "0"],
    ["per-member", "c", "1"],
  ]);
});
