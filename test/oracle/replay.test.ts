// Every column of every table that replay writes of still worlds, against a ksmd with maps in place of trees.

import * as fc from "fast-check";
import { test } from "vitest";
import { inFolder } from "../support/folder.js";
import { checkReplay, replayCase } from "../support/replay-oracle.js";

test("samples, host, memory, guarantee, throughput and runs", async () => {
  await fc.assert(
    fc.asyncProperty(replayCase, (given) => inFolder((folder) => checkReplay(folder, given))),
    { numRuns: 12 },
  );
});
