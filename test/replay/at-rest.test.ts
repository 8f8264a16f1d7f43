// When a replay has come to rest, its counters are what `compare` says of the same grouping.

import path from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../support/compare.js";
import { inFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { policyWorlds, worldOf, writeGroups, writeWorlds } from "../support/policy-worlds.js";
import { lastSamples, numbersOf, replay } from "../support/scenario.js";
import { onlyRow, rowsOf } from "../support/table.js";

const POLICIES = [
  ...["one-group", "per-member", "by:os", "esx-salting:2", "opt-in:agreed", "similar:3", "best:2"],
  "groups:groups.csv",
];
const MERGED = ["pages_shared", "pages_sharing", "ksm_zero_pages", "stable_node_chains", "stable_node_dups"] as const;
const MEMBERS = 6;

/** A world at time 0, and a group of each member. */
const worlds = fc.record({
  world: policyWorlds(MEMBERS).map(([first]) => first),
  groups: fc.array(fc.constantFrom("x", "y", "z"), { minLength: MEMBERS, maxLength: MEMBERS }),
});

/** Writes the world; gives the arguments that name it, and the keys of a scenario. */
function writeWorld(
  folder: string,
  { world, groups }: typeof worlds extends fc.Arbitrary<infer World> ? World : never,
) {
  const args = writeWorlds(folder, [world]);
  writeGroups(folder, "groups.csv", new Map(world.members.map(({ name }, i) => [name, groups[i]])));
  const sources = args.slice(0, args.indexOf("--inventory"));
  return { args, keys: { sources, inventory: "labels.csv", until: "rest", sample: "10s" } };
}

/** By policy the groups in their order, and what of all members is saved. */
async function compare(folder: string, args: readonly string[], out: string, ...options: string[]) {
  const policies = POLICIES.flatMap((text) => ["--policy", text]);
  await succeed(["compare", ...args, ...policies, ...options, "--out", out, "--quiet"], { cwd: folder });
  const counted = (table: string) =>
    rowsOf(path.join(folder, out), table).filter(({ zero_pages }) => zero_pages === "counted");
  const [groups, scores] = [counted("groups.csv"), counted("policies.csv")];
  return (policy: string) => ({
    groups: groups.filter((row) => row.policy === policy),
    savedPages: Number(onlyRow(scores, { policy }).saved_pages),
  });
}

test.for([2, 3, 5])("of the newer kernels, %s pages a frame", async (most) => {
  await fc.assert(
    fc.asyncProperty(worlds, (all) =>
      inFolder(async (folder) => {
        const { args, keys } = writeWorld(folder, all);
        const tables = await replay(folder, {
          ...{ ...keys, scanner: { max_page_sharing: most, stable_node_chains_prune_millisecs: 50 } },
          vary: {
            policy: POLICIES,
            "scanner.rules": ["linux-6.1", "linux-6.11"],
            "scanner.use_zero_pages": [false, true],
            "scanner.smart_scan": [false, true],
          },
        });
        for (const zero of [false, true]) {
          const options = ["--max-page-sharing", String(most), ...(zero ? ["--use-zero-pages"] : [])];
          const compared = await compare(folder, args, `compared-${zero}`, ...options);
          for (const policy of POLICIES) {
            const expected = compared(policy).groups;
            for (const [rules, smart] of ["linux-6.1", "linux-6.11"].flatMap((one) => [
              [one, false],
              [one, true],
            ])) {
              const vary = [`policy=${policy}`, `scanner.rules=${rules}`, `scanner.use_zero_pages=${zero}`];
              const run = [...vary, `scanner.smart_scan=${smart}`].join();
              const last = lastSamples(tables, run);
              expect(
                last.map((row) => numbersOf(row, [...MERGED, "general_profit"])),
                run,
              ).toEqual(expected.map((row) => numbersOf(row, [...MERGED, "general_profit"])));
              // A page that smart_scan skips waits outside of the trees.
              expect(last.map((row) => Number(row.pages_unshared) + Number(row.pages_volatile))).toEqual(
                expected.map((row) => Number(row.pages_unshared)),
              );
              if (!smart) expect(last.every((row) => row.pages_volatile === "0")).toBe(true);
            }
          }
        }
      }),
    ),
    { ...runs(2), seed: most },
  );
});

test("of the kernels of the papers, which share without a limit", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, (all) =>
      inFolder(async (folder) => {
        const { args, keys } = writeWorld(folder, all);
        const rules = ["linux-2.6.36", "linux-3.6"];
        const tables = await replay(folder, { ...keys, vary: { policy: POLICIES, "scanner.rules": rules } });
        const compared = await compare(folder, args, "compared", "--max-page-sharing", "1000000");
        for (const policy of POLICIES) {
          const { groups, savedPages } = compared(policy);
          for (const rule of rules) {
            const last = lastSamples(tables, `policy=${policy},scanner.rules=${rule}`);
            const columns = [...MERGED, "pages_unshared"] as const;
            expect(last.map((row) => numbersOf(row, columns))).toEqual(groups.map((row) => numbersOf(row, columns)));
            expect(last.reduce((sum, row) => sum + Number(row.pages_sharing), 0)).toBe(savedPages);
          }
        }
      }),
    ),
    { ...runs(4), seed: 1 },
  );
});

test("two groups of one name stay apart", async () => {
  await inFolder(async (folder) => {
    // A member without a salt is alone and has its own name, which is the salt of others.
    const { keys } = writeWorld(folder, {
      world: worldOf({ a: [1, 2], b: [1, 2], c: [1, 3] }, { a: { salt: "" }, b: { salt: "a" }, c: { salt: "a" } }),
      groups: ["x", "x", "x"],
    });
    const last = lastSamples(await replay(folder, { ...keys, policy: "esx-salting:2" }));
    expect(last.map(({ group, pages_sharing }) => [group, pages_sharing])).toEqual([
      ["a", "0"],
      ["a", "1"],
    ]);
  });
});
