// Every column of every table that analyze and compare write, on random worlds, against an oracle that compares whole pages.

import * as fc from "fast-check";
import { test } from "vitest";
import { inFolder } from "../support/folder.js";
import { checkCommands, checkLibrary } from "../support/oracle.js";
import { oracleCase } from "../support/oracle-worlds.js";

test("the library", async () => {
  await fc.assert(
    fc.asyncProperty(oracleCase(5), (given) => inFolder((folder) => checkLibrary(folder, given))),
    { numRuns: 10 },
  );
});

test("the command line, from dumps, traces and saved spectra", async () => {
  await fc.assert(
    fc.asyncProperty(oracleCase(12), (given) => inFolder((folder) => checkCommands(folder, given))),
    { numRuns: 3 },
  );
});
