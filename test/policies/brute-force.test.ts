// Every number of `compare` on small random worlds, against a twin that goes through the contents one by one.

import { readFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareWorlds, runs } from "../support/compare.js";
import { inFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import {
  type PolicyWorld,
  TABLES,
  type TwinPolicy,
  type TwinSettings,
  twinMarginals,
  twinTables,
  withFractions,
} from "../support/policy-twin.js";
import { groupsIn, policyWorlds, writeGroups } from "../support/policy-worlds.js";
import {
  byValue,
  esxSalting,
  mostSaved,
  oneGroup,
  optIn,
  perMember,
  similar,
  withPrivate,
} from "../support/twin-groupings.js";

const MOST_NAMES = 9 * 6;

interface Case extends TwinSettings {
  worlds: PolicyWorld[];
  pageSizes: readonly number[];
  /** For the members of all worlds, one after the other. */
  groups: string[];
  isPrivate: boolean[];
  isAdded: boolean[];
  /** Of `similar` and `best`. */
  count: number;
}

function withoutTenants(worlds: readonly PolicyWorld[]): PolicyWorld[] {
  return worlds.map((world) => ({
    ...world,
    members: world.members.map((member) => {
      const { tenant: _tenant, ...labels } = member.labels;
      return { ...member, labels };
    }),
  }));
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom([4096], [16384], [1024, 4096]))
  .chain(([members, pageSizes]) =>
    fc.record({
      worlds: policyWorlds(members, pageSizes),
      pageSizes: fc.constant(pageSizes),
      groups: fc.array(fc.constantFrom("g", "h", "i j", "1"), { minLength: MOST_NAMES, maxLength: MOST_NAMES }),
      isPrivate: fc.array(fc.boolean(), { minLength: MOST_NAMES, maxLength: MOST_NAMES }),
      isAdded: fc.array(fc.boolean(), { minLength: MOST_NAMES, maxLength: MOST_NAMES }),
      count: fc.integer({ min: 1, max: Math.max(1, members - 1) }),
      entitlement: fc.constantFrom("shapley" as const, "proportional" as const),
      tenantLabel: fc.constantFrom("tenant", "os", undefined),
      kernel: fc.option(fc.record({ maxPageSharing: fc.integer({ min: 2, max: 5 }), useZeroPages: fc.boolean() }), {
        nil: undefined,
      }),
    }),
  )
  .map((given) => {
    const labelNames = ["os", "tenant", "salt", "agreed"];
    if (given.tenantLabel) return { ...given, labelNames };
    return {
      ...given,
      labelNames: labelNames.filter((name) => name !== "tenant"),
      worlds: withoutTenants(given.worlds),
    };
  });

const namesOf = (worlds: readonly PolicyWorld[]) => [
  ...new Set(worlds.flatMap(({ members }) => members.map(({ name }) => name))),
];

/** The policies that make groups by a rule, in a folder with the files that they need. */
function makePolicies(folder: string, { worlds, groups, isPrivate, count, tenantLabel }: Case): TwinPolicy[] {
  const names = namesOf(worlds);
  const groupOf = new Map(names.map((name, i) => [name, groups[i]]));
  writeGroups(folder, "groups.csv", groupOf);
  const named = names.filter((_, i) => isPrivate[i]);
  writeGroups(folder, "private.csv", new Map(["elsewhere", ...named].map((name) => [name, ""])));
  const byOs = byValue(({ labels }) => labels.os);
  const policies: TwinPolicy[] = [
    { text: "one-group", groups: oneGroup },
    { text: "per-member", groups: perMember },
    { text: "zero-only", groups: "zero-only" },
    { text: "by:os", groups: byOs },
    { text: "groups:groups.csv", groups: byValue(({ name }) => groupOf.get(name) ?? "") },
    { text: "esx-salting:0", groups: (world) => esxSalting(0, world) },
    { text: "esx-salting:1", groups: (world) => esxSalting(1, world) },
    { text: "esx-salting:2", groups: (world) => esxSalting(2, world) },
    { text: "opt-in:agreed", groups: (world) => optIn("agreed", tenantLabel, world) },
    { text: "private:private.csv,by:os", groups: (world) => withPrivate(named, world, byOs) },
    { text: `similar:${count}`, groups: (world, zeroPages) => similar(count, world, zeroPages) ?? [] },
  ];
  // A member at the margin leaves one less behind a private group.
  const rest = worlds.map(({ members }) => members.filter(({ name }) => !named.includes(name)).length);
  if (rest.every((members) => members === 0 || members > count)) {
    policies.push({
      text: `private:private.csv,similar:${count}`,
      groups: (world, zeroPages) => withPrivate(named, world, (others) => similar(count, others, zeroPages) ?? []),
    });
  }
  return policies;
}

test("all tables are what the contents, one by one, come to; and so they are from a saved spectrum", async () => {
  await fc.assert(
    fc.asyncProperty(cases, (given) =>
      inFolder(async (folder) => {
        const { worlds, pageSizes, isAdded, count, entitlement, tenantLabel, kernel } = given;
        const policies = makePolicies(folder, given);
        const best = `best:${count}`;
        const added = namesOf(worlds).filter((_, i) => isAdded[i]);
        const texts = [...policies.map(({ text }) => text), best];
        const options = [
          ...["--page-size", pageSizes.join(), "--entitlement", entitlement],
          ...added.flatMap((member) => ["--add", member]),
          ...(tenantLabel === "os" ? ["--tenant-label", "os"] : []),
          ...(kernel ? ["--max-page-sharing", String(kernel.maxPageSharing)] : []),
          ...(kernel?.useZeroPages ? ["--use-zero-pages"] : []),
        ];
        const found = await compareWorlds(folder, worlds, texts, ...options);
        const expected = twinTables(
          worlds,
          [
            ...policies,
            {
              text: best,
              groups: (world, zeroPages) => groupsIn(found.members, world, zeroPages, best),
              mostSaved: (world, zeroPages) => mostSaved(world, zeroPages).get(count) ?? -1,
            },
          ],
          given,
        );
        for (const table of TABLES) {
          expect(withFractions(found[table], expected[table]), table).toEqual(expected[table]);
        }
        const marginal = found.marginal.filter(({ policy }) => policy !== best);
        expect(marginal).toEqual(twinMarginals(worlds, policies, added));

        const again = ["compare", "out/spectrum.parquet", ...texts.flatMap((text) => ["--policy", text]), ...options];
        await succeed([...again, "--out", "again", "--quiet"], { cwd: folder });
        for (const table of [...TABLES, ...(added.length > 0 ? ["marginal"] : [])]) {
          const [first, second] = ["out", "again"].map((run) =>
            readFileSync(path.join(folder, run, `${table}.csv`), "utf8"),
          );
          expect(second, table).toBe(first);
        }
      }),
    ),
    runs(12),
  );
});
