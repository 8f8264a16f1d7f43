// Members that opt out of sharing: each of their pages is a frame, also of those that are equal inside them.

import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { expect, test as plainTest } from "vitest";
import { compareWorlds, runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { policyWorlds, range, times, worldOf, writeWorlds } from "../support/policy-worlds.js";
import { expectScenarioRefused } from "../support/refused.js";
import { onlyRow } from "../support/table.js";

const POLICY = "excluded:ksm_off";

test("a member that is excluded keeps equal pages and zero pages, and the scanner never sees it", async ({
  folder,
}) => {
  const world = worldOf(
    { a: [...times(3, 0), ...times(2, 1), 2], b: [0, 1, 1, 3], c: [0, 2, 3, 4] },
    { a: { ksm_off: "on" }, b: { ksm_off: "" }, c: { ksm_off: "off" } },
  );
  const add = ["--add", "a", "--add", "c"];
  const { policies, groups, members, merges, marginal } = await compareWorlds(
    folder,
    [world],
    [POLICY, "per-member"],
    ...add,
    ...["--max-page-sharing", "256", "--use-zero-pages"],
  );
  const key = { zero_pages: "counted", policy: POLICY };
  // 6 frames of a; 0, 1, 2, 3 and 4 of the others. In one group 0 to 4 are 5.
  expect(onlyRow(policies, key)).toMatchObject({
    ...{ groups: "2", pages: "14", frames: "11", saved_pages: "3", isolation_cost_pages: "6" },
    // b and c have 0 and 3 in common.
    ...{ exposed_contents: "2", exposed_pages: "4", exposed_pairs: "2" },
  });
  expect(onlyRow(groups, { ...key, group: "excluded" })).toMatchObject({
    ...{ members: "1", pages: "6", frames: "6", saved_pages: "0", exposed_contents: "0", exposed_pages: "0" },
    ...{ pages_shared: "0", pages_sharing: "0", pages_unshared: "0", ksm_zero_pages: "0", general_profit: "0" },
  });
  // Two zero pages; 1 twice, 3 twice; 2 and 4 wait.
  expect(onlyRow(groups, { ...key, group: "all" })).toMatchObject({
    ...{ members: "2", pages: "8", frames: "5", saved_pages: "3" },
    ...{ pages_shared: "2", pages_sharing: "2", pages_unshared: "2", ksm_zero_pages: "2" },
  });
  // In one group a shares 0 and 1 with b, 0 and 2 with c: it is entitled to 6 - 1/3 - 1/2 - 1/2.
  expect(onlyRow(members, { ...key, member: "a" })).toMatchObject({
    entitlement_pages: "0.000000",
    isolation_cost_pages: "4.666667",
  });
  expect(merges.filter(({ policy }) => policy === POLICY).map(({ recovered_pages }) => recovered_pages)).toEqual([
    "0",
    "0",
  ]);
  const added = marginal.filter(({ policy }) => policy === POLICY);
  expect(added.map(({ member, group, added_frames }) => [member, group, added_frames])).toEqual([
    ["a", "all", "6"],
    // Among the excluded c would have all of its pages, with b all but 0 and 3.
    ["c", "excluded", "4"],
    ["c", "all", "2"],
  ]);
  // Left out, zero pages are in no column.
  expect(onlyRow(policies, { ...key, zero_pages: "left-out" })).toMatchObject({ pages: "9", frames: "7" });
});

plainTest("frames are the pages of the excluded and what the policy keeps of the others alone", async () => {
  const cases = fc
    .integer({ min: 2, max: 7 })
    .chain((members) => policyWorlds(members))
    .map((worlds) => worlds.slice(0, 3));
  await fc.assert(
    fc.asyncProperty(cases, fc.constantFrom("one-group", "per-member", "by:os", "similar:1"), (worlds, behind) =>
      inFolder(async (folder) => {
        const excluded = (labels: Readonly<Record<string, string>>) => labels.agreed === "yes";
        // Where all are excluded there is no world of the others.
        const some = worlds.filter(({ members }) => members.some(({ labels }) => !excluded(labels)));
        fc.pre(some.length > 0);
        const others = some.map((world) => ({
          ...world,
          members: world.members.filter(({ labels }) => !excluded(labels)),
        }));
        const asked = [`excluded:agreed,${behind}`, "excluded:salt_none", behind];
        // Nobody is excluded by this label.
        const labelled = some.map((world) => ({
          ...world,
          members: world.members.map((one) => ({ ...one, labels: { ...one.labels, salt_none: "no" } })),
        }));
        const all = await compareWorlds(
          folder,
          labelled,
          [...asked, "one-group"].filter((one, i, list) => list.indexOf(one) === i),
        );
        const alone = await compareWorlds(folder, others, [behind]);
        for (const { policy, zero_pages, time_s, frames, pages } of all.policies) {
          const world = { zero_pages, time_s };
          if (policy === "excluded:salt_none") {
            expect(frames).toBe(onlyRow(all.policies, { ...world, policy: "one-group" }).frames);
          }
          if (policy !== asked[0]) continue;
          const rest = onlyRow(alone.policies, { ...world, policy: behind });
          expect(Number(frames)).toBe(Number(pages) - Number(rest.pages) + Number(rest.frames));
          expect(Number(frames)).toBeGreaterThanOrEqual(
            Number(onlyRow(all.policies, { ...world, policy: behind }).frames),
          );
        }
      }),
    ),
    runs(15),
  );
});

test("where all are excluded nothing is saved, and nothing is grouped", async ({ folder }) => {
  const all = { ksm_off: "true" };
  const world = worldOf({ a: [0, 0, ...range(1, 4)], b: [0, 1, 1] }, { a: all, b: all });
  const { policies, groups } = await compareWorlds(folder, [world], [`${POLICY},best:5`], "--add", "b");
  expect(onlyRow(policies, { zero_pages: "counted" })).toMatchObject({ groups: "1", frames: "8", saved_pages: "0" });
  expect(groups.map(({ group }) => group)).toEqual(["excluded", "excluded"]);
});

test.for([
  ["policy: excluded:ksm_off,one-group", /policy excluded:ksm_off,one-group cannot be replayed; .*pages_to_scan: 0/],
  ["regroup: {policy: 'excluded:ksm_off', every: 1s}", /policy excluded:ksm_off cannot be replayed/],
] as const)("replay refuses %s", async ([line, says], { folder }) => {
  writeWorlds(folder, [worldOf({ a: [1], b: [1] }, { a: { ksm_off: "yes" }, b: { ksm_off: "no" } })]);
  const file = path.join(folder, "scenario.yaml");
  writeFileSync(file, `sources: [a=a@0.csv, b=b@0.csv]\ninventory: labels.csv\nuntil: 1s\n${line}\n`);
  await expectScenarioRefused(folder, file, [says]);
});
