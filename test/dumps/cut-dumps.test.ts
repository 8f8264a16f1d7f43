// A dump that ends early never gives a rate without a word on what is missing, whatever way the rate is come by.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { limeFile } from "../support/dumps/lime.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";

const CUT = limeFile([0x1000, randomBytes(16384, 1)]).subarray(0, -5000);
const NOTE = /cut\.lime: .*missing: 5000 bytes/;

const TABLES = ["--out", "out", "--force"];

test.for([["analyze"], ["compare", "--policy", "one-group"], ["processes"], ["fingerprint"]])(
  "%s says what is missing, as text and as JSON",
  async (command, { folder }) => {
    writeFileSync(path.join(folder, "cut.lime"), CUT);
    const args = [...command, "cut.lime", "--allow-truncated", ...TABLES];
    expect(await succeed(args, { cwd: folder })).toMatch(NOTE);
    expect(JSON.parse(await succeed([...args, "--json"], { cwd: folder }))).toMatchObject({
      notes: [expect.stringMatching(NOTE)],
    });
  },
);

test("a spectrum of one goes on saying it, also one that was made of that", async ({ folder }) => {
  writeFileSync(path.join(folder, "cut.lime"), CUT);
  await succeed(["analyze", "cut.lime", "--allow-truncated", "--out", "tables"], { cwd: folder });
  const compare = (from: string, out: string) =>
    succeed(["compare", path.join(from, "spectrum.parquet"), "--policy", "one-group", "--out", out], { cwd: folder });
  for (const [from, out] of [
    ["tables", "first"],
    ["first", "second"],
  ])
    expect(await compare(from, out)).toMatch(/spectrum\.parquet: cut: .*missing: 5000 bytes/);
});

test("a trace of one goes on saying it", async ({ folder }) => {
  writeFileSync(path.join(folder, "cut.lime"), CUT);
  await succeed(["fingerprint", "cut.lime", "--allow-truncated", "--out", "traces"], { cwd: folder });
  const trace = path.join("traces", "cut.parquet");
  const says = /missing: 5000 bytes/;
  for (const [command, ...more] of [
    ["analyze", ...TABLES],
    ["compare", ...TABLES],
    ["processes", ...TABLES],
    ["inspect"],
  ])
    expect(await succeed([command, trace, ...more], { cwd: folder })).toMatch(says);
  const said = JSON.parse(await succeed(["inspect", trace, "--json"], { cwd: folder }));
  expect(said).toMatchObject({ notes: [expect.stringMatching(says)] });
});
