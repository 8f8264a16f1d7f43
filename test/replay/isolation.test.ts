// No page of a group is merged with another group's: what groups do beside one another is what each does alone.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { changingWorld, scanner } from "../support/changing-worlds.js";
import { runs } from "../support/compare.js";
import { inFolder } from "../support/folder.js";
import { writeGroups } from "../support/policy-worlds.js";
import { replay, samplesOf, writeEvents, writeSnapshots } from "../support/scenario.js";

const GROUPS = ["red", "green", "blue"];
const MEMBERS = GROUPS.flatMap((group) => [1, 2, 3].map((number) => `${group}-${number}`));
const groupOf = (member: string) => member.split("-")[0];

/** How fast groups are scanned, from some time on. */
const step = fc.record({
  at: fc.nat(100).map((hundredths) => `${hundredths * 10}ms`),
  group: fc.constantFrom(...GROUPS),
  pages_to_scan: fc.nat(20),
});
const rates = fc.dictionary(fc.constantFrom(...GROUPS), fc.record({ pages_to_scan: fc.integer({ min: 1, max: 20 }) }));
const settings = fc.record({ scanner, groups: rates, schedule: fc.array(step, { maxLength: 4 }) });

test("groups that are replayed together do what each does alone", async () => {
  await fc.assert(
    fc.asyncProperty(
      changingWorld(MEMBERS),
      fc.shuffledSubarray(MEMBERS, { minLength: MEMBERS.length }),
      settings,
      ({ snapshots, events }, order, { groups, schedule, ...common }) =>
        inFolder(async (folder) => {
          // The members of groups stand mixed in the list of sources.
          const listed = order.flatMap((member) => snapshots.filter((one) => one.member === member));
          const replayOf = async (name: string, isIn: (group: string) => boolean) => {
            const own = listed.filter(({ member }) => isIn(groupOf(member)));
            writeEvents(folder, [...events.filter(({ member }) => isIn(groupOf(member)))]);
            writeGroups(folder, "groups.csv", new Map(own.map(({ member }) => [member, groupOf(member)])));
            return await replay(
              folder,
              {
                ...common,
                sources: writeSnapshots(folder, own),
                // A row at least: an empty file is refused.
                ...(events.some(({ member }) => isIn(groupOf(member))) ? { events: "events.csv" } : {}),
                policy: "groups:groups.csv",
                groups: Object.fromEntries(Object.entries(groups).filter(([group]) => isIn(group))),
                schedule: schedule.filter(({ group }) => isIn(group)),
                sample: "10ms",
                until: "3s",
              },
              name,
            );
          };
          const together = await replayOf("together", () => true);
          for (const group of GROUPS) {
            const alone = await replayOf(group, (one) => one === group);
            expect(samplesOf(together, group).length).toBeGreaterThan(300);
            const [own, same] = [alone, together].map((tables) =>
              samplesOf(tables, group).map(({ group_number: _, ...row }) => row),
            );
            expect(same).toEqual(own);
          }
        }),
    ),
    { ...runs(7), seed: 1 },
  );
});
