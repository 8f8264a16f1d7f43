import { expect } from "vitest";
import { compareWorlds } from "../support/compare.js";
import { test } from "../support/folder.js";
import { worldOf, writeGroups } from "../support/policy-worlds.js";

// a and b are one tenant's. In common: a b c have 1; a b 2; a c 3; b c 5; c d 6 and the zero content.
const WORLD = worldOf(
  { a: [1, 2, 3, 4], b: [1, 2, 5], c: [1, 3, 5, 6, 0, 0], d: [6, 7, 0, 0] },
  { a: { tenant: "t" }, b: { tenant: "t" }, c: { tenant: "u" }, d: { tenant: "v" } },
);

const GROUPINGS: Record<string, string[]> = {
  "ab-cd": ["ab", "cd"],
  "cd-ab": ["cd", "ab"],
  "abc-d": ["abc", "d"],
  "ac-bd": ["ac", "bd"],
  "acd-b": ["acd", "b"],
};

/** Policy; with zero pages what it saves and how many contents it exposes, and the same without; and what dominates it. */
const SCORES: [policy: string, counted: [number, number], leftOut: [number, number], by: string][] = [
  ["one-group", [9, 5], [6, 4], ""],
  ["groups:abc-d.csv", [7, 3], [5, 3], ""],
  // The same twice: neither is better than the other.
  ["groups:ab-cd.csv", [6, 2], [3, 1], ""],
  ["groups:cd-ab.csv", [6, 2], [3, 1], ""],
  ["by:tenant", [4, 0], [2, 0], ""],
  ["groups:acd-b.csv", [6, 4], [3, 3], "ab-cd, which saves as much and exposes less"],
  ["groups:ac-bd.csv", [4, 2], [2, 2], "ab-cd, which saves more and exposes no more"],
  ["per-member", [2, 0], [0, 0], "by:tenant, which saves more and exposes no more"],
  ["zero-only", [3, 1], [0, 0], "by:tenant"],
];

test("a policy is dominated if another saves at least as much and exposes no more, and is better in one", async ({
  folder,
}) => {
  for (const [name, groups] of Object.entries(GROUPINGS)) {
    writeGroups(folder, `${name}.csv`, new Map(groups.flatMap((group) => [...group].map((one) => [one, group]))));
  }
  const compared = async (policies: readonly string[]) => {
    const { policies: rows } = await compareWorlds(folder, [WORLD], policies);
    return rows.map((row) => [
      ...[row.zero_pages, row.policy, Number(row.saved_pages), Number(row.exposed_contents), row.dominated],
    ]);
  };
  expect(await compared(SCORES.map(([policy]) => policy))).toEqual([
    ...SCORES.map(([policy, counted, , by]) => ["counted", policy, ...counted, String(by !== "")]),
    ...SCORES.map(([policy, , leftOut, by]) => ["left-out", policy, ...leftOut, String(by !== "")]),
  ]);
  // Only policies that are compared count; with zero pages zero-only saves more than per-member.
  expect(await compared(["zero-only", "per-member"])).toEqual([
    ["counted", "zero-only", 3, 1, "false"],
    ["counted", "per-member", 2, 0, "false"],
    ["left-out", "zero-only", 0, 0, "false"],
    ["left-out", "per-member", 0, 0, "false"],
  ]);
});
