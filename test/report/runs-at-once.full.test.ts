// What several runs at once make of one folder, many times over.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "../support/folder.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectWholeResults } from "../support/runs-at-once.js";

test.for(["new", "there"])("runs at once leave the whole results of one of them in %s", async (name, { folder }) => {
  writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, 0, TINY]));
  writeFileSync(path.join(folder, "b.raw"), dumpOf([TINY, TINY, TINY, TINY]));
  await expectWholeResults(folder, name, 20);
});
