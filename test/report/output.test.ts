// The result folder: what an earlier run wrote is replaced or removed, what others put there is not touched.

import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect } from "vitest";
import { test, textsIn } from "../support/folder.js";
import { ended, pagekin, start, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { rowsOf } from "../support/table.js";
import { because, IS_LINUX } from "../support/tools.js";

const ANALYZED = [
  "copies.csv",
  "inter.csv",
  "ledger.csv",
  "manifest.json",
  "page_sizes.csv",
  "pairs.csv",
  "self.csv",
  "spectrum.parquet",
];

function writeDumps(folder: string): void {
  writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, 0, TINY]));
  writeFileSync(path.join(folder, "b.raw"), dumpOf([TINY, TINY, TINY, TINY]));
}

/** Names, contents and times of change. */
function stateOf(folder: string): unknown {
  return [textsIn(folder), readdirSync(folder).map((name) => statSync(path.join(folder, name)).mtimeMs)];
}

const run = (folder: string, ...args: string[]) => pagekin([...args, "--out", "out", "--quiet"], { cwd: folder });

test("an earlier run's files are replaced", async ({ folder }) => {
  writeDumps(folder);
  const out = path.join(folder, "out");
  expect(await run(folder, "analyze", "a.raw")).toMatchObject({ code: 0 });
  expect(await run(folder, "analyze", "b.raw")).toMatchObject({ code: 0 });
  expect(rowsOf(out, "self.csv").map(({ member }) => member)).toEqual(["b", "b", "b", "b", "b"]);
  expect(readdirSync(out).sort()).toEqual(ANALYZED);
  expect(readdirSync(folder).sort()).toEqual(["a.raw", "b.raw", "out"]);
});

test("an earlier run's files that are not written again are removed", async ({ folder }) => {
  writeDumps(folder);
  const out = path.join(folder, "out");
  expect(await run(folder, "fingerprint", "a.raw", "b.raw")).toMatchObject({ code: 0 });
  expect(readdirSync(out).sort()).toEqual(["a.parquet", "b.parquet", "manifest.json"]);
  expect(await run(folder, "fingerprint", "b.raw")).toMatchObject({ code: 0 });
  expect(readdirSync(out).sort()).toEqual(["b.parquet", "manifest.json"]);
});

test("of two runs at once the files of the later one are left, and no others", async ({ folder }) => {
  writeDumps(folder);
  const out = path.join(folder, "out");
  expect(await run(folder, "analyze", "a.raw")).toMatchObject({ code: 0 });
  const waiting = start(["analyze", "later=-", "--out", "out", "--quiet"], { cwd: folder });
  const end = ended(waiting);
  // More than is looked at to tell what it is.
  waiting.stdin.write(dumpOf(new Array(128).fill(TINY)));
  while (!readdirSync(out).some((name) => name.startsWith("."))) await setTimeout(10);
  expect(await run(folder, "analyze", "a.raw", "b.raw")).toMatchObject({ code: 0 });
  waiting.stdin.end();
  expect(await end).toMatchObject({ code: 0, stderr: "" });
  expect(readdirSync(out).sort()).toEqual(ANALYZED);
  expect(rowsOf(out, "self.csv")[0]).toMatchObject({ member: "later" });
});

describe("other files", () => {
  test.for(["notes.txt", ".hidden", "self.csv"])(
    "such as %s are an error, and nothing is changed",
    async (name, { folder }) => {
      writeDumps(folder);
      const out = path.join(folder, "out");
      if (name === "self.csv") mkdirSync(out);
      else expect(await run(folder, "analyze", "a.raw")).toMatchObject({ code: 0 });
      writeFileSync(path.join(out, name), "mine");
      const before = stateOf(out);
      const { code, stdout, stderr } = await run(folder, "analyze", "b.raw");
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
      expect(stderr).toContain(name);
      expect(stateOf(out)).toEqual(before);
      expect(readdirSync(folder).sort()).toEqual(["a.raw", "b.raw", "out"]);
    },
  );

  test("and folders are left alone with --force", async ({ folder }) => {
    writeDumps(folder);
    const out = path.join(folder, "out");
    mkdirSync(path.join(out, "folder"), { recursive: true });
    writeFileSync(path.join(out, "notes.txt"), "mine");
    writeFileSync(path.join(out, "folder", "more.txt"), "mine too");
    expect(await run(folder, "analyze", "a.raw")).toMatchObject({ code: 2 });
    for (const dump of ["a.raw", "b.raw"]) {
      expect(await run(folder, "analyze", dump, "--force")).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(readdirSync(out).sort()).toEqual([...ANALYZED, "folder", "notes.txt"].sort());
    }
    expect(rowsOf(out, "self.csv")[0].member).toBe("b");
    expect(textsIn(path.join(out, "folder"))).toEqual({ "more.txt": "mine too" });
  });
});

test("bad input leaves an earlier run's results as they are", async ({ folder }) => {
  writeDumps(folder);
  const out = path.join(folder, "out");
  expect(await run(folder, "analyze", "a.raw")).toMatchObject({ code: 0 });
  const before = stateOf(out);
  writeFileSync(path.join(folder, "cut.gz"), Buffer.from("1f8b0800", "hex"));
  expect(await run(folder, "analyze", "b.raw", "cut.gz")).toMatchObject({ code: 2 });
  expect(stateOf(out)).toEqual(before);
  expect(readdirSync(folder).sort()).toEqual(["a.raw", "b.raw", "cut.gz", "out"]);
});

test("folders on the way are made, and not left behind by bad input", async ({ folder }) => {
  writeDumps(folder);
  writeFileSync(path.join(folder, "cut.gz"), Buffer.from("1f8b0800", "hex"));
  const failed = await pagekin(["analyze", "cut.gz", "--out", "x/y/z"], { cwd: folder });
  expect(failed.code).toBe(2);
  expect(readdirSync(folder).sort()).toEqual(["a.raw", "b.raw", "cut.gz"]);
  await succeed(["analyze", "a.raw", "--out", "x/y/z", "--quiet"], { cwd: folder });
  expect(readdirSync(path.join(folder, "x/y/z")).sort()).toEqual(ANALYZED);
});

test("an empty folder that was there is used", async ({ folder }) => {
  writeDumps(folder);
  mkdirSync(path.join(folder, "out"));
  expect(await run(folder, "analyze", "a.raw")).toMatchObject({ code: 0 });
  expect(readdirSync(path.join(folder, "out")).sort()).toEqual(ANALYZED);
});

test("a file in the folder's place is an error", async ({ folder }) => {
  writeDumps(folder);
  writeFileSync(path.join(folder, "out"), "mine");
  const { code, stderr } = await run(folder, "analyze", "a.raw", "--force");
  expect(code).toBe(2);
  expect(stderr).toMatch(/^pagekin: out: --out is a file[^\n]*\n$/);
  expect(textsIn(folder)).toMatchObject({ out: "mine" });
});

test("a folder that cannot be made is an error", async ({ folder }) => {
  writeDumps(folder);
  const { code, stderr } = await pagekin(["analyze", "a.raw", "--out", "a.raw/inside"], { cwd: folder });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
  expect(readdirSync(folder).sort()).toEqual(["a.raw", "b.raw"]);
});

// Node's own recursive mkdir would never end there.
test.skipIf(!IS_LINUX)(`a folder in /proc is an error${because(IS_LINUX, "this is no Linux")}`, async ({ folder }) => {
  writeDumps(folder);
  for (const args of [
    ["analyze", "a.raw", "--out", "/proc/none/inside"],
    ["capture", "process", String(process.pid), "--out", "/proc/none/inside"],
  ]) {
    const { code, stderr } = await pagekin(args, { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^pagekin: \/proc\/none\/inside: no such file[^\n]+\n$/);
  }
});
