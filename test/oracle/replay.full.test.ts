// Every column of every table that replay writes, on many random worlds.

import * as fc from "fast-check";
import { test } from "vitest";
import { inFolder } from "../support/folder.js";
import { checkReplay, replayCase } from "../support/replay-oracle.js";

test.for([1, 2, 3, 4, 5])("samples, host, memory, guarantee, throughput and runs, part %i of 5", async () => {
  await fc.assert(
    fc.asyncProperty(replayCase, (given) => inFolder((folder) => checkReplay(folder, given))),
    { numRuns: 100 },
  );
});
