import { expect } from "vitest";
import { compareWorlds } from "../support/compare.js";
import { test } from "../support/folder.js";
import { times, worldOf, writeGroups } from "../support/policy-worlds.js";
import { onlyRow, type Row } from "../support/table.js";

const exposed = (contents: number, pages: number, byTwo: number): Row => ({
  exposed_contents: String(contents),
  exposed_pages: String(pages),
  exposed_by_two: String(byTwo),
});

// Two tenants are in both groups; c is its own tenant. Groups: a1 b1 c, and a2 b2.
const PAGES = {
  a1: [...times(2, 1), 2, 3, 6, 7, ...times(2, 0)],
  b1: [1, 2, 4, 7],
  c: [2, 6, 7, ...times(4, 5), 0],
  a2: [1, 3, 4, 6, 7],
  b2: [...times(3, 1), 6, 7],
};
const OWNERS: Record<string, string> = { a1: "A", b1: "B", c: "", a2: "A", b2: "B" };
const GROUPS = new Map(Object.entries({ a1: "g", b1: "g", c: "g", a2: "h", b2: "h" }));
const labelled = (label: string) =>
  worldOf(PAGES, Object.fromEntries(Object.entries(OWNERS).map(([name, owner]) => [name, { [label]: owner }])));

test.for([["tenant"], ["owner", "--tenant-label", "owner"]])(
  "tenants that are in several groups, by the label %s",
  async ([label, ...options], { folder }) => {
    writeGroups(folder, "groups.csv", GROUPS);
    const { policies, groups } = await compareWorlds(folder, [labelled(label)], ["groups:groups.csv"], ...options);

    // Without zero pages these are exposed:
    // 1 in both groups, by A and B: a pair, and two tenants; 2+1 and 1+3 pages
    // 2 in g, by A, B and c: three pairs; 3 pages
    // 6 in g by A and c, in h by A and B: two pairs, and two tenants; 2 and 2 pages
    // 7 in g by A, B and c, in h by A and B: three pairs, and two tenants in h; 3 and 2 pages
    const leftOut = { zero_pages: "left-out" };
    expect(onlyRow(policies, leftOut)).toMatchObject({ ...exposed(4, 19, 3), exposed_pairs: "9" });
    expect(onlyRow(groups, { ...leftOut, group: "g" })).toMatchObject(exposed(4, 11, 2));
    expect(onlyRow(groups, { ...leftOut, group: "h" })).toMatchObject(exposed(3, 8, 3));

    // And zero in g, by A and c: 2+1 pages.
    const counted = { zero_pages: "counted" };
    expect(onlyRow(policies, counted)).toMatchObject({ ...exposed(5, 22, 4), exposed_pairs: "10" });
    expect(onlyRow(groups, { ...counted, group: "g" })).toMatchObject(exposed(5, 14, 3));
    expect(onlyRow(groups, { ...counted, group: "h" })).toMatchObject(exposed(3, 8, 3));
  },
);

test("without tenants each member is its own, whatever other labels it has", async ({ folder }) => {
  const { policies } = await compareWorlds(folder, [labelled("owner")], ["one-group"]);
  // 1 and 6 are four members', 2 three's, 3 and 4 two's, 7 all five's.
  const row = onlyRow(policies, { zero_pages: "left-out" });
  expect(row).toMatchObject({ ...exposed(6, 23, 2), exposed_pairs: String(6 + 6 + 3 + 1 + 1 + 10) });
});
