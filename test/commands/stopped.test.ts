// A command at work hears signals, whatever the wall clock does. All kinds of inputs: stopped.full.test.ts.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { KINDS } from "../support/growth.js";
import { pagekin } from "../support/pagekin.js";
import { longestTurn, mostTurnMs, notedTurns } from "../support/turns.js";

/** By kind: how large. */
const SIZES: Record<string, number> = { pages: 262_144, spread: 100_000, "row-groups": 16_000 };

describe.each(Object.entries(SIZES))("%s", (kind, size) => {
  test("no turn of the event loop takes half a second of CPU, though the wall clock goes back", async ({ folder }) => {
    const inputs = path.join(folder, "inputs");
    mkdirSync(inputs);
    const args = [...KINDS[kind].make(inputs, size), "--quiet", "--workers", "1", "--out", path.join(folder, "out")];
    expect(await pagekin(args, { env: notedTurns(folder) })).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(longestTurn(folder)).toBeLessThan(mostTurnMs());
  });
});
