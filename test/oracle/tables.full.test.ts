// Every column of every table that analyze and compare write, on 10,000 random worlds, and as the command line writes them.

import * as fc from "fast-check";
import { describe, test } from "vitest";
import { inFolder } from "../support/folder.js";
import { checkCommands, checkLibrary } from "../support/oracle.js";
import { oracleCase } from "../support/oracle-worlds.js";

const WORLDS_A_RUN = 50;
const TESTS = 10;

describe.each(Array.from({ length: TESTS }, (_, i) => i))("part %i", () => {
  test("the library, on 1,000 worlds", async () => {
    await fc.assert(
      fc.asyncProperty(oracleCase(WORLDS_A_RUN), (given) => inFolder((folder) => checkLibrary(folder, given))),
      { numRuns: 10_000 / TESTS / WORLDS_A_RUN },
    );
  });

  test("the command line, from dumps, traces and saved spectra", async () => {
    await fc.assert(
      fc.asyncProperty(oracleCase(WORLDS_A_RUN), (given) => inFolder((folder) => checkCommands(folder, given))),
      { numRuns: 4 },
    );
  });
});
