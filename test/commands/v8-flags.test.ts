// Flags of V8 hold for a whole process: the library sets none, and commands only those that this Node has. It would complain
// on stderr about others.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { pagekin } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";

const RECORDER = fileURLToPath(new URL("../support/record-flags.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

const NAMES = ["a.raw", "b.raw"];
const writeDumps = (folder: string) =>
  NAMES.forEach((name, i) => {
    writeFileSync(path.join(folder, name), randomBytes(64 * 1024, i + 1));
  });

/** Whether this Node lists a flag among V8's. */
async function knows(flag: string): Promise<boolean> {
  const { stdout } = await run(process.execPath, ["--v8-options"], { maxBuffer: 2 ** 24 });
  return new RegExp(`^ +${flag} `, "m").test(stdout);
}

test("the library sets no flag, with one thread or two", async ({ folder }) => {
  writeDumps(folder);
  const files = JSON.stringify(NAMES.map((name) => path.join(folder, name)));
  const script = `
    import { analyze, spectra } from "pagekin";
    for (const workers of [1, 2]) await analyze(${files}, { workers });
    await spectra(${files}, { workers: 1 });
    console.log("done");`;
  const args = [`--import=${RECORDER}`, "--input-type=module", "--eval", script];
  expect(await run(process.execPath, args, { cwd: ROOT })).toEqual({ stdout: "done\n", stderr: "" });
});

test.for(["analyze", "compare", "fingerprint", "processes"])(
  "%s with one thread sets flags that Node has",
  async (command, { folder }) => {
    writeDumps(folder);
    const options = ["--workers", "1", "--out", "out", "--quiet"];
    const ran = await pagekin([command, ...NAMES, ...options], {
      cwd: folder,
      env: { NODE_OPTIONS: `--import=${RECORDER}` },
    });
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    const lines = ran.stderr.split("\n").slice(0, -1);
    const budget = "--interrupt-budget";
    expect([...new Set(lines)]).toEqual((await knows(budget)) ? [`flag ${budget}=500000`] : []);
  },
);
