// A worker thread that ends before its time: a line, an exit code that is not 0, and nothing half written.

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { type Ended, ended, pagekin, start } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { writeScenario } from "../support/scenario.js";

const KILLER = fileURLToPath(new URL("../support/kill-worker.mjs", import.meta.url));
const NAMES = ["a.raw", "b.raw", "c.raw"];

const killing = (when: string, mark = "") => ({ NODE_OPTIONS: `--import=${KILLER}`, KILL_WHEN: when, KILL_MARK: mark });

function writeDumps(folder: string): void {
  NAMES.forEach((name, i) => {
    writeFileSync(path.join(folder, name), randomBytes(1024 * 1024, i + 1));
  });
}

function expectOneLine({ code, stdout, stderr }: Ended): void {
  expect(stderr).toMatch(/^pagekin: [^\n]*worker[^\n]*\n$/);
  expect(stdout).toBe("");
  expect(code).not.toBe(0);
  expect(code).not.toBe(null);
}

describe.each(["analyze", "compare", "fingerprint"])("%s", (command) => {
  test.for([
    ["as it starts", "start"],
    ["when it gets its work", "job"],
  ] as const)("a worker that ends %s", async ([, when], { folder }) => {
    writeDumps(folder);
    const run = await pagekin([command, ...NAMES, "--workers", "3", "--out", "out"], {
      cwd: folder,
      env: killing(when),
    });
    expectOneLine(run);
    expect(readdirSync(folder).sort()).toEqual(NAMES);
  });
});

test.for(["start", "job"])("replay, a worker that ends at its %s", async (when, { folder }) => {
  writeDumps(folder);
  writeScenario(folder, { sources: NAMES, until: "1s", vary: { policy: ["one-group", "per-member"] } }, "s");
  const run = await pagekin(["replay", "s.yaml", "--workers", "2", "--out", "out"], {
    cwd: folder,
    env: killing(when),
  });
  expectOneLine(run);
  expect(readdirSync(folder).sort()).toEqual([...NAMES, "s.yaml"]);
});

test("a worker that ends while it waits for more work", async ({ folder }) => {
  writeDumps(folder);
  const mark = path.join(folder, "mark");
  const args = ["analyze", "vm=-", "a.raw", "--workers", "2", "--out", "out"];
  const child = start(args, { cwd: folder, env: killing("idle", mark) });
  const end = ended(child);
  child.stdin.write(randomBytes(1024 * 1024, 9));
  // The pipe stays open until the worker has ended.
  while (!existsSync(mark) && child.exitCode === null) await wait(20);
  await wait(100);
  child.stdin.end();
  expectOneLine(await end);
  expect(readdirSync(folder).sort()).toEqual([...NAMES, "mark"]);
});

test("without the killer the same command works", async ({ folder }) => {
  writeDumps(folder);
  const run = await pagekin(["analyze", ...NAMES, "--workers", "3", "--out", "out", "--quiet"], {
    cwd: folder,
    env: killing("never"),
  });
  expect(run).toEqual({ code: 0, stdout: "", stderr: "" });
});
