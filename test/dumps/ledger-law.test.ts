// The ledgers of all formats keep their law, and the summary names what is not counted.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { analyze } from "pagekin";
import { expect } from "vitest";
import { DUMPS } from "../fuzz/subjects.js";
import { type Counted, expectLaw } from "../support/dumps/ledger-law.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { refusalOf } from "../support/refused.js";
import { onlyRow, rowsOf } from "../support/table.js";

const SAID = {
  absent_bytes: /Not counted.* absent/,
  outside_ram_bytes: /Not counted.* outside RAM/,
  repeated_bytes: /Not counted.* in repeated addresses/,
  tail_bytes: /Not counted.* in partial pages/,
};

/** What the tables in a folder say of each dump, by its name. */
function countsIn(folder: string): Map<string, Counted> {
  const self = rowsOf(folder, "self.csv");
  return new Map(
    rowsOf(folder, "ledger.csv").map(({ member, ...row }) => {
      const { pages, zero_pages } = onlyRow(self, { member, page_bytes: "4096" });
      const bytes = Object.entries(row).filter(([column]) => column.endsWith("_bytes"));
      const ledger = Object.fromEntries(bytes.map(([column, text]) => [column, Number(text)]));
      return [member, { pages: Number(pages), zeroPages: Number(zero_pages), ledger }];
    }),
  );
}

/** What is left out of a dump, as the summary says it. */
const leftOut = ({ ledger }: Counted) => Object.keys(SAID).filter((column) => ledger[column] > 0);

test.for(DUMPS)("$name: every byte is in the ledger once, and named in the summary", async ({ bases }, { folder }) => {
  const maps = new Map<string, string>();
  const dumps: string[] = [];
  for (const [i, { bytes, resident }] of (await bases()).entries()) {
    const name = `vm${i}`;
    writeFileSync(path.join(folder, name), bytes);
    // Some parts of a split dump, and firmware alone, have no page that counts.
    if (await refusalOf(() => analyze([path.join(folder, name)]))) continue;
    if (resident) {
      writeFileSync(path.join(folder, `map${i}`), resident);
      maps.set(name, `${name}=map${i}`);
    }
    dumps.push(name);
  }
  const run = (names: readonly string[], ranges: string, out: string) => {
    const own = names.flatMap((name) => (maps.has(name) ? ["--resident", maps.get(name) as string] : []));
    return succeed(["analyze", ...names, ...own, "--ranges", ranges, "--out", out, "--force"], { cwd: folder });
  };
  await run(dumps, "ram", "ram");
  await run(dumps, "all", "all");
  const [ram, all] = ["ram", "all"].map((out) => countsIn(path.join(folder, out)));
  expect(dumps.length).toBeGreaterThan(0);
  expect([...ram.keys()]).toEqual(dumps);
  for (const [name, counted] of ram) expectLaw(counted, all.get(name) as Counted);

  // One summary for all dumps of which the same is left out.
  const byKinds = new Map<string, string[]>();
  for (const [name, counted] of ram) {
    const kinds = leftOut(counted).join();
    byKinds.set(kinds, [...(byKinds.get(kinds) ?? []), name]);
  }
  for (const [kinds, names] of byKinds) {
    const summary = await run(names, "ram", "some");
    const said = Object.entries(SAID).filter(([, says]) => says.test(summary));
    expect(said.map(([column]) => column).join()).toBe(kinds);
  }
});
