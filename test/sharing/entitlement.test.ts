import { expect } from "vitest";
import { compareWorlds } from "../support/compare.js";
import { test } from "../support/folder.js";
import { times, worldOf, writeGroups } from "../support/policy-worlds.js";

// Of content 1 a has three copies, b one, and c four; a has two more pages that are equal.
const WORLD = worldOf({ a: [1, 1, 1, 2, 2], b: [1], c: times(4, 1), d: [3] });
const GROUPS = new Map(Object.entries({ a: "g", b: "g", c: "h", d: "h" }));

/** By policy and member: entitlement and share of the isolation cost. */
const EXPECTED: Record<string, Record<string, Record<string, [number, number]>>> = {
  shapley: {
    // A third of the frame each.
    "one-group": { a: [3 - 1 / 3 + 1, 0], b: [1 - 1 / 3, 0], c: [4 - 1 / 3, 0], d: [0, 0] },
    "groups:groups.csv": { a: [2.5 + 1, 1 / 6], b: [0.5, 1 / 6], c: [3, 2 / 3], d: [0, 0] },
    "per-member": { a: [2 + 1, 2 / 3], b: [0, 2 / 3], c: [3, 2 / 3], d: [0, 0] },
  },
  proportional: {
    // Each of eight pages is entitled to 7/8.
    "one-group": { a: [3 * 0.875 + 1, 0], b: [0.875, 0], c: [4 * 0.875, 0], d: [0, 0] },
    "groups:groups.csv": { a: [2.25 + 1, 0.375], b: [0.75, 0.125], c: [3, 0.5], d: [0, 0] },
    "per-member": { a: [2 + 1, 0.625], b: [0, 0.875], c: [3, 0.5], d: [0, 0] },
  },
};

test.for([["shapley"], ["shapley", "--entitlement", "shapley"], ["proportional", "--entitlement", "proportional"]])(
  "%s, asked by %s",
  async ([rule, ...options], { folder }) => {
    writeGroups(folder, "groups.csv", GROUPS);
    const { members } = await compareWorlds(folder, [WORLD], Object.keys(EXPECTED[rule]), ...options);
    const found: typeof EXPECTED = { [rule]: {} };
    for (const row of members) {
      if (row.zero_pages !== "counted") continue;
      found[rule][row.policy] ??= {};
      found[rule][row.policy][row.member] = [Number(row.entitlement_pages), Number(row.isolation_cost_pages)];
    }
    const rounded = Object.entries(EXPECTED[rule]).map(([policy, own]) => [
      policy,
      Object.fromEntries(
        Object.entries(own).map(([member, pages]) => [member, pages.map((value) => Number(value.toFixed(6)))]),
      ),
    ]);
    expect(found[rule]).toEqual(Object.fromEntries(rounded));
  },
);
