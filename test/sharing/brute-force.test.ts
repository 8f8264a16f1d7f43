import * as fc from "fast-check";
import { analyze, nonzeroContents, type Sharing } from "pagekin";
import { expect, test } from "vitest";
import { cases } from "../support/cases.js";
import { inFolder } from "../support/folder.js";
import { ALL_SIZES, FIVE_SIZES } from "../support/reference.js";
import { twinSharing } from "../support/twin.js";
import { worlds, writeDumps } from "../support/worlds.js";

/** Numbers of pairs in full, as the twin has them. */
function withNonzero(sharing: Sharing): object {
  return {
    ...sharing,
    pairs: sharing.pairs.map((pair) => ({ ...pair, nonzeroContents: nonzeroContents(sharing, pair) })),
  };
}

test("the library counts what a comparison of whole pages counts, at every page size and time", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, (all) =>
      inFolder(async (folder) => {
        const sources = all.flatMap(({ timeS, members }) => writeDumps(folder, members, timeS));
        const results = await analyze(sources, { pageSizes: ALL_SIZES });
        expect(results.map(({ world }) => world.timeS)).toEqual(all.map(({ timeS }) => timeS));
        results.forEach(({ world, sharing }, i) => {
          const { members } = all[i];
          expect(world.snapshots.map(({ member }) => member)).toEqual(members.map(({ name }) => name));
          expect(sharing.map(withNonzero)).toEqual(ALL_SIZES.map((pageBytes) => twinSharing(members, pageBytes)));
        });
      }),
    ),
    { numRuns: cases(60) },
  );
});

test("with --verify it counts the same", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, (all) =>
      inFolder(async (folder) => {
        const sources = all.flatMap(({ timeS, members }) => writeDumps(folder, members, timeS));
        const results = await analyze(sources, { verify: true });
        expect(results.map(({ sharing }) => sharing.map(withNonzero))).toEqual(
          all.map(({ members }) => FIVE_SIZES.map((pageBytes) => twinSharing(members, pageBytes))),
        );
      }),
    ),
    { numRuns: 25 },
  );
});
