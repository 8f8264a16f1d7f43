// What inspect says of each dump by itself keeps the law of the ledger.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { DUMPS } from "../fuzz/subjects.js";
import { type Counted, expectLaw } from "../support/dumps/ledger-law.js";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";

test.for(DUMPS)("$name: inspect has every byte in the ledger once", async ({ bases }, { folder }) => {
  let read = 0;
  for (const { bytes, resident } of await bases()) {
    writeFileSync(path.join(folder, "vm"), bytes);
    if (resident) writeFileSync(path.join(folder, "map"), resident);
    const how = resident ? ["--resident", "map"] : [];
    const inspect = async (ranges: string): Promise<Counted> => {
      const args = ["inspect", "vm", "--json", "--ranges", ranges, ...how];
      const { pages, zero_pages, ledger } = JSON.parse(await succeed(args, { cwd: folder }));
      return { pages, zeroPages: zero_pages, ledger };
    };
    const first = await pagekin(["inspect", "vm", "--json", ...how], { cwd: folder });
    // Some parts of a split dump, and firmware alone, have no page that counts.
    if (first.code === 2) continue;
    read++;
    expectLaw(await inspect("ram"), await inspect("all"));
  }
  expect(read).toBeGreaterThan(0);
});
