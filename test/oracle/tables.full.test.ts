// Every column of every table that analyze and compare write, on 10,000 random worlds, and as the command line writes them.

import * as fc from "fast-check";
import { test } from "vitest";
import { inFolder } from "../support/folder.js";
import { checkCommands, checkLibrary } from "../support/oracle.js";
import { oracleCase } from "../support/oracle-worlds.js";

const WORLDS_A_RUN = 50;
/** Many short tests, so that a busy machine ends none of them. A machine that has little time may do with a few. */
const ALL_PARTS = 40;
const PARTS = Array.from({ length: Number(process.env.PAGEKIN_ORACLE_PARTS ?? ALL_PARTS) }, (_, i) => i + 1);

test.for(PARTS)("the library: 250 worlds, part %i of 40", async () => {
  await fc.assert(
    fc.asyncProperty(oracleCase(WORLDS_A_RUN), (given) => inFolder((folder) => checkLibrary(folder, given))),
    { numRuns: 10_000 / ALL_PARTS / WORLDS_A_RUN },
  );
});

test.for(PARTS)("the command line, from dumps, traces and saved spectra, part %i of 40", async () => {
  await fc.assert(
    fc.asyncProperty(oracleCase(WORLDS_A_RUN), (given) => inFolder((folder) => checkCommands(folder, given))),
    { numRuns: 1 },
  );
});
