import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { TABLES, type TwinPolicy, twinMarginals, twinTables, withFractions } from "../support/policy-twin.js";
import { groupsIn, worldOf } from "../support/policy-worlds.js";
import { rowsOf } from "../support/table.js";
import { mostSaved, oneGroup, perMember, similar } from "../support/twin-groupings.js";

const KERNEL = { maxPageSharing: 2, useZeroPages: false };

/** A page of 4 KiB, in pieces. */
const page = (number: number) => [0, 1, 2, 3].map((i) => TINY + 4 * number + i);

test.for(["shapley", "proportional"] as const)(
  "members without a page of that size, or with zero pages alone, by %s",
  async (entitlement, { folder }) => {
    const dumps = {
      short: dumpOf([TINY]),
      zero: dumpOf([0, 0, 0, 0, 0, 0, 0, 0]),
      a: dumpOf([...page(1), ...page(2), 0, 0, 0, 0]),
      shorter: dumpOf([0, TINY], 1023),
      b: dumpOf([...page(2), ...page(2), ...page(3)]),
    };
    const world = worldOf({ short: [], zero: [0, 0], a: [1, 2, 0], shorter: [], b: [2, 2, 3] });
    for (const [name, bytes] of Object.entries(dumps)) writeFileSync(path.join(folder, `${name}.raw`), bytes);
    const best = "best:2";
    const rules: TwinPolicy[] = [
      { text: "one-group", groups: oneGroup },
      { text: "per-member", groups: perMember },
      { text: "zero-only", groups: "zero-only" },
      { text: "similar:2", groups: (one, zeroPages) => similar(2, one, zeroPages) ?? [] },
    ];
    const args = [
      ...[
        "compare",
        ...Object.keys(dumps).map((name) => `${name}.raw`),
        "--page-size",
        "1k,4k",
        "--max-page-sharing",
        "2",
      ],
      ...[...rules.map(({ text }) => text), best].flatMap((text) => ["--policy", text]),
      ...["--add", "short", "--add", "a", "--entitlement", entitlement, "--out", "out", "--quiet"],
    ];
    await succeed(args, { cwd: folder });
    const rows = (table: string) =>
      rowsOf(path.join(folder, "out"), `${table}.csv`).filter(({ page_bytes }) => page_bytes === "4096");
    const expected = twinTables(
      [world],
      [
        ...rules,
        {
          text: best,
          groups: (one, zeroPages) => groupsIn(rows("members"), one, zeroPages, best),
          mostSaved: (one, zeroPages) => mostSaved(one, zeroPages).get(2) ?? -1,
        },
      ],
      { entitlement, tenantLabel: undefined, labelNames: [], kernel: KERNEL },
    );
    for (const table of TABLES) expect(withFractions(rows(table), expected[table]), table).toEqual(expected[table]);
    const marginal = rows("marginal").filter(({ policy }) => policy !== best);
    expect(marginal).toEqual(twinMarginals([world], rules, ["short", "a"]));
  },
);
