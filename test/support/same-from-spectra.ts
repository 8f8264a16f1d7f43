// There and back: what compare says from a saved spectrum is what it says from the dumps, to the byte.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { expect } from "vitest";
import { inFolder, tablesIn } from "./folder.js";
import { succeed } from "./pagekin.js";
import { expectSpectrum, spectrumIn } from "./spectrum.js";
import { worlds as smallWorlds, writeDumps } from "./worlds.js";

/** All that compare writes, but for the manifest; of the spectrum a digest. */
export function resultsIn(folder: string): Record<string, string> {
  const digest = createHash("sha256")
    .update(readFileSync(spectrumIn(folder)))
    .digest("hex");
  return { ...tablesIn(folder), "spectrum.parquet": digest };
}

/** Compares small worlds from their dumps and from their spectra. */
export async function expectSameFromSpectra(numRuns: number): Promise<void> {
  const policies = ["one-group", "per-member", "zero-only", "best", "similar:1"].map((policy) => `--policy=${policy}`);
  const options = [...policies, "--max-group", "6", "--page-size", "1k,4k,16k", "--use-zero-pages", "--quiet"];
  await fc.assert(
    fc.asyncProperty(smallWorlds, (all) =>
      inFolder(async (folder) => {
        const sources = all.flatMap(({ timeS, members }) => writeDumps(folder, members, timeS));
        const succeedIn = (...args: string[]) => succeed(args, { cwd: folder });
        await succeedIn("analyze", ...sources, "--out", "analyzed", "--quiet");
        await succeedIn("compare", ...sources, ...options, "--out", "dumps");
        await succeedIn("compare", "analyzed/spectrum.parquet", ...options, "--out", "saved");
        await expectSpectrum(path.join(folder, "saved"), all, [1024, 4096, 16384]);
        expect(resultsIn(path.join(folder, "saved"))).toEqual(resultsIn(path.join(folder, "dumps")));
      }),
    ),
    { numRuns },
  );
}
