import * as fc from "fast-check";
import { analyze, interSharing, type Sharing } from "pagekin";
import { expect, test } from "vitest";
import { cases } from "../support/cases.js";
import { inFolder } from "../support/folder.js";
import { FIVE_SIZES } from "../support/reference.js";
import { type Member, twinUnion } from "../support/twin.js";
import { members, writeDumps } from "../support/worlds.js";

async function sharingOf(all: readonly Member[]): Promise<Sharing[]> {
  const [{ sharing }] = await inFolder((folder) => analyze(writeDumps(folder, all)));
  return sharing;
}

test("self-saved and inter-saved pages together are all pages less all contents", async () => {
  await fc.assert(
    fc.asyncProperty(members, async (all) => {
      const found = (await sharingOf(all)).map((sharing) => {
        const { selfSaved, interSaved } = interSharing(sharing);
        return selfSaved + interSaved;
      });
      const pages = (pageBytes: number) => all.reduce((sum, { dump }) => sum + Math.floor(dump.length / pageBytes), 0);
      expect(found).toEqual(FIVE_SIZES.map((pageBytes) => pages(pageBytes) - twinUnion(all, pageBytes)));
    }),
    { numRuns: cases(30) },
  );
});

test("the order of the sources changes the order of the results and nothing else", async () => {
  const shuffled = members.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray([...all.keys()], { minLength: all.length, maxLength: all.length })),
  );
  await fc.assert(
    fc.asyncProperty(shuffled, async ([all, order]) => {
      const before = await sharingOf(all);
      const after = await sharingOf(order.map((number) => all[number]));
      after.forEach((sharing, i) => {
        const expected = before[i];
        for (const column of ["pages", "zeroPages", "nonzeroContents"] as const) {
          expect(sharing[column]).toEqual(order.map((number) => expected[column][number]));
        }
        expect(sharing.nonzeroUnion).toBe(expected.nonzeroUnion);
        expect(sharing.copies).toEqual(expected.copies);
        const asBefore = sharing.pairs.map(({ a, b, ...counts }) => {
          const [first, second] = [order[a], order[b]].sort((x, y) => x - y);
          return { a: first, b: second, ...counts };
        });
        expect(asBefore.sort((x, y) => x.a - y.a || x.b - y.b)).toEqual(expected.pairs);
      });
    }),
    { numRuns: cases(30) },
  );
});

test("a copy of a member adds no content to all, and all of its own to what members share", async () => {
  const withCopied = members.chain((all) => fc.tuple(fc.constant(all), fc.nat(all.length - 1)));
  await fc.assert(
    fc.asyncProperty(withCopied, async ([all, copied]) => {
      const before = (await sharingOf(all)).map(interSharing);
      const after = (await sharingOf([...all, { ...all[copied], name: "copy" }])).map(interSharing);
      FIVE_SIZES.forEach((pageBytes, i) => {
        expect(after[i].contentsUnion).toBe(before[i].contentsUnion);
        expect(after[i].interSaved - before[i].interSaved).toBe(twinUnion([all[copied]], pageBytes));
      });
    }),
    { numRuns: cases(30) },
  );
});
