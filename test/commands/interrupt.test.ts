import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test, textsIn } from "../support/folder.js";
import { ended, start, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { randomBytes } from "../support/random.js";

/** Writes so much that a good part must have been read before the write is complete, for a pipe holds little. */
function feed(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdin.write(randomBytes(8 * 1024 * 1024, 1), (error) => (error ? reject(error) : resolve()));
  });
}

const WAYS: [how: string, args: string[]][] = [
  ["analyze reads a pipe", ["analyze", "vm=-"]],
  ["analyze with workers reads a pipe", ["analyze", "vm=-", "other.raw", "--workers", "3"]],
  ["analyze spools a pipe", ["analyze", "vm=-", "--verify"]],
  ["analyze spills a pipe's fingerprints", ["analyze", "vm=-", "--max-memory", "1m"]],
  ["compare reads a pipe", ["compare", "vm=-", "other.raw", "--workers", "2"]],
  ["fingerprint reads a pipe", ["fingerprint", "vm=-", "other.raw", "--workers", "2"]],
];
const SIGNALS: [signal: NodeJS.Signals, code: number][] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
];

describe.each(WAYS)("while %s", (_how, args) => {
  test.for(SIGNALS)("%s ends it with exit code %i and leaves nothing", async ([signal, code], { folder }) => {
    const temporary = path.join(folder, "tmp");
    mkdirSync(temporary);
    writeFileSync(path.join(folder, "other.raw"), dumpOf([TINY, 0, TINY]));
    const child = start([...args, "--out", "a/b/out"], { cwd: folder, env: { TMPDIR: temporary } });
    const end = ended(child);
    await feed(child);
    child.kill(signal);
    const run = await end;
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toMatch(/^(pagekin: [^\n]+\n)?$/);
    expect(readdirSync(folder).sort()).toEqual(["other.raw", "tmp"]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

test("an earlier run's results are not touched by an interrupt", async ({ folder }) => {
  writeFileSync(path.join(folder, "vm.raw"), dumpOf([TINY, 0, TINY]));
  await succeed(["analyze", "vm.raw", "--out", "out", "--quiet"], { cwd: folder });
  const before = textsIn(path.join(folder, "out"));
  const child = start(["analyze", "vm=-", "--out", "out"], { cwd: folder });
  const end = ended(child);
  await feed(child);
  child.kill("SIGINT");
  expect((await end).code).toBe(130);
  expect(textsIn(path.join(folder, "out"))).toEqual(before);
  expect(readdirSync(folder).sort()).toEqual(["out", "vm.raw"]);
});

test("a reader of the summary that goes away is no error, and the results are whole", async ({ folder }) => {
  const file = path.join(folder, "vm.raw");
  writeFileSync(file, dumpOf([TINY, 0, TINY]));
  const child = start(["analyze", file, "--out", path.join(folder, "out"), "--json"]);
  child.stdout.destroy();
  const end = ended(child);
  child.stdin.end();
  expect(await end).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(readdirSync(path.join(folder, "out"))).toContain("manifest.json");
});
