// Commands that share options with analyze refuse the same values; options.test.ts shows it for analyze.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe } from "vitest";
import { test } from "../support/folder.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused } from "../support/refused.js";
import { WRONG_OPTIONS } from "../support/wrong-options.js";

describe.each(["compare", "fingerprint"])("%s refuses", (command) => {
  test.for(WRONG_OPTIONS)("%s", async ([args, says], { folder }) => {
    writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, TINY + 1, TINY + 2]));
    await expectRefused(folder, [command, "a.raw", ...args], [says]);
  });
});
