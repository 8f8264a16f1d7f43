// Under limits, `best:K` and `similar:K` make a grouping wherever there is one, and say so where there is none. Whether there is
// one, a look at all groupings tells.

import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { comparePolicies, type Limits, PagekinError, parsePolicies, type Spectrum, spectra, viewOf } from "pagekin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runs } from "../support/compare.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const MOST_MEMBERS = 7;
const MANY = 20;
const nameOf = (i: number) => `m${i}`;

let folder: string;
/** By number of members. */
const known = new Map<number, Spectrum>();

beforeAll(async () => {
  folder = makeFolder();
  for (const members of [...Array.from({ length: MOST_MEMBERS }, (_, i) => i + 1), MANY]) {
    const files = Array.from({ length: members }, (_, i) => {
      // Neighbours have much in common, and all have something.
      const contents = Array.from({ length: 20 }, (_, page) => (page < 3 ? page : page + 7 * i));
      const rows = contents.map((content, page) => `4096,${page},${content.toString(16).padStart(8, "0")}\n`);
      const file = path.join(folder, `${nameOf(i)}.csv`);
      writeFileSync(file, `page_bytes,page,fingerprint\n${rows.join("")}`);
      return file;
    });
    known.set(members, (await spectra(files, { workers: 1 }))[0]);
  }
});

afterAll(() => removeFolder(folder));

const spectrumOf = (members: number) => known.get(members) ?? expect.fail();

const policiesOf = (texts: string[], limits: Limits) =>
  parsePolicies(texts, { labelNames: [], tenantLabel: undefined, limits, readRows: () => expect.fail() });

/** All groupings of some members, by the group of each. */
function* groupings(members: number, groupOf: number[] = []): Generator<number[]> {
  if (groupOf.length === members) return yield groupOf;
  for (let group = 0; group <= Math.max(-1, ...groupOf) + 1; group++) yield* groupings(members, [...groupOf, group]);
}

function keepsTo(names: readonly string[], groupOf: readonly number[], { together, apart, maxGroup }: Limits): boolean {
  const groupsOf = (list: readonly string[]) =>
    list.filter((name) => names.includes(name)).map((name) => groupOf[names.indexOf(name)]);
  const sizes = groupOf.map((group) => groupOf.filter((other) => other === group).length);
  return (
    together.every((list) => new Set(groupsOf(list)).size <= 1) &&
    apart.every((list) => new Set(groupsOf(list)).size === groupsOf(list).length) &&
    sizes.every((size) => size <= maxGroup)
  );
}

const lists = (members: number) =>
  fc.array(
    fc.shuffledSubarray(
      Array.from({ length: members }, (_, i) => nameOf(i)),
      { minLength: 2, maxLength: Math.min(4, members) },
    ),
    {
      maxLength: 3,
    },
  );

const cases = fc.integer({ min: 2, max: MOST_MEMBERS }).chain((members) =>
  fc.record({
    members: fc.constant(members),
    count: fc.integer({ min: 1, max: members }),
    kind: fc.constantFrom("best", "similar"),
    added: fc.nat(members - 1),
    limits: fc.record({
      together: lists(members),
      apart: lists(members),
      maxGroup: fc.constantFrom(1, 2, 3, Infinity),
    }),
  }),
);

/** The counts of groups for which some members have groupings within the limits. */
function possibleCounts(names: readonly string[], limits: Limits): Set<number> {
  const kept = [...groupings(names.length)].filter((groupOf) => keepsTo(names, groupOf, limits));
  return new Set(kept.map((groupOf) => new Set(groupOf).size));
}

test("a grouping is made wherever there is one", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ members, count, kind, limits }) => {
      const view = viewOf(spectrumOf(members), "counted");
      const names = view.members.map(({ member }) => member);
      const [policy] = await policiesOf([`${kind}:${count}`], limits);
      if (policy.kind !== "grouping") expect.fail();
      const made = Promise.resolve(policy.group(view, () => undefined));
      if (possibleCounts(names, limits).has(count)) {
        const { groups, of } = await made;
        expect(groups.length).toBe(count);
        expect(keepsTo(names, [...of], limits)).toBe(true);
      } else {
        const error = await made.then(
          () => undefined,
          (why: unknown) => why,
        );
        expect(error).toBeInstanceOf(PagekinError);
        expect((error as PagekinError).line).toMatch(/there is no grouping|--together|--max-group|apart/);
      }
    }),
    runs(1000),
  );
});

test("a member is added to the groups of the others wherever there are some, and a sentence says where not", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ members, count, kind, limits, added }) => {
      const spectrum = spectrumOf(members);
      const names = spectrum.members.map(({ member }) => member);
      // Of all of them there must be a grouping.
      fc.pre(possibleCounts(names, limits).has(count));
      const text = `${kind}:${count}`;
      const policies = await policiesOf([text], limits);
      const settings = { policies, entitlement: "shapley" as const, tenantLabel: undefined, kernel: undefined };
      const [{ marginal, notAdded }] = await comparePolicies(spectrum, { ...settings, add: [names[added]] });
      const others = names.filter((_, i) => i !== added);
      const isPossible = others.length > 0 && possibleCounts(others, limits).has(count);
      expect(marginal.length).toBe(isPossible ? count : 0);
      expect(notAdded.length).toBe(isPossible || others.length === 0 ? 0 : 1);
      for (const sentence of notAdded) expect(sentence).toContain(`${text} has no groups to add ${names[added]} to`);
    }),
    runs(300),
  );
});

describe("of more members than all groupings can be looked at", () => {
  const group = async (text: string, limits: Limits) => {
    const [policy] = await policiesOf([text], limits);
    if (policy.kind !== "grouping") return expect.fail();
    return policy.group(viewOf(spectrumOf(MANY), "counted"), () => undefined);
  };

  test("one that is hidden among many pairs that must be apart is found", async () => {
    const hidden = fc.record({
      count: fc.integer({ min: 2, max: 5 }),
      colours: fc.array(fc.nat(99), { minLength: MANY, maxLength: MANY }),
      isApart: fc.array(fc.boolean(), { minLength: MANY ** 2, maxLength: MANY ** 2 }),
    });
    await fc.assert(
      fc.asyncProperty(hidden, fc.constantFrom("best", "similar"), async ({ count, colours, isApart }, kind) => {
        const colourOf = (i: number) => (i < count ? i : colours[i] % count);
        const numbers = Array.from({ length: MANY }, (_, i) => i);
        const apart = numbers.flatMap((a) =>
          numbers
            .filter((b) => a < b && colourOf(a) !== colourOf(b) && isApart[a * MANY + b])
            .map((b) => [nameOf(a), nameOf(b)]),
        );
        const limits = { together: [], apart, maxGroup: Infinity };
        const { groups, of } = await group(`${kind}:${count}`, limits);
        expect(groups.length).toBe(count);
        expect(keepsTo(numbers.map(nameOf), [...of], limits)).toBe(true);
      }),
      runs(100),
    );
  });

  test.for(["best:3", "similar:3"])("%s says that there is none where four must be apart", async (text) => {
    const apart = [[0, 5, 9, 13].map(nameOf)];
    await expect(group(text, { together: [], apart, maxGroup: Infinity })).rejects.toThrow(
      "there is no grouping into 3 groups that keeps to the limits",
    );
  });
});
