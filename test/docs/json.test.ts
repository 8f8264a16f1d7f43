// docs/json.md has every key that commands print, and no other. That of `capture`: test/capture/qmp.test.ts.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { expectDocumented } from "../support/json-keys.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf } from "../support/pieces.js";

const page = (number: number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : 4 * number + i));
const pages = (...numbers: number[]) => dumpOf(numbers.flatMap(page));

/** Three members of two tenants; the last file ends within a page. */
function writeWorld(folder: string): void {
  const write = (name: string, bytes: string | Buffer) => writeFileSync(path.join(folder, name), bytes);
  write("a.raw", pages(0, 1, 2, 2));
  write("b.raw", pages(0, 1, 3, 4));
  write("c.raw", Buffer.concat([pages(0, 1, 2, 5), Buffer.alloc(1024, 1)]));
  write("i.csv", "path,member,tenant\na.raw,a,red\nb.raw,b,red\nc.raw,c,blue\n");
}

const WITH_RESULTS: [command: string, args: string[]][] = [
  ["analyze", ["--inventory", "i.csv"]],
  [
    "compare",
    ["--inventory", "i.csv", "--policy", "by:tenant", "--policy", "best:2", "--add", "a", "--host-memory", "1g"],
  ],
  ["processes", ["--inventory", "i.csv", "--min-resident", "4k", "--sample", "1"]],
  ["fingerprint", ["--inventory", "i.csv"]],
];

for (const [command, args] of WITH_RESULTS) {
  test(`${command}`, async ({ folder }) => {
    writeWorld(folder);
    const said = await succeed([command, ...args, "--out", "out", "--json"], { cwd: folder });
    expectDocumented(command, [said]);
    expect(JSON.parse(said)).toMatchObject({ out: "out", files: expect.arrayContaining(["manifest.json"]) });
  });
}

test("replay", async ({ folder }) => {
  writeWorld(folder);
  const scenario = "inventory: i.csv\npolicy: by:tenant\nuntil: 2s\nvary: {scanner.pages_to_scan: [2, 4]}\n";
  writeFileSync(path.join(folder, "s.yaml"), scenario);
  expectDocumented("replay", [await succeed(["replay", "s.yaml", "--out", "out", "--json"], { cwd: folder })]);
});

test("inspect, of a dump and of its trace", async ({ folder }) => {
  writeWorld(folder);
  await succeed(["fingerprint", "c.raw", "--out", "out", "--quiet"], { cwd: folder });
  const inspected = ["c.raw", "out/c.parquet"].map((file) => succeed(["inspect", file, "--json"], { cwd: folder }));
  expectDocumented("inspect", await Promise.all(inspected));
});
