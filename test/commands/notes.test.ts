// What a person should know of a source is said by every command that reads it, and kept in the manifest.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { limeFile } from "../support/dumps/lime.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";

const LINES = [
  ["analyze"],
  ["compare", "--policy", "one-group"],
  ["processes", "--min-resident", "4k"],
  ["fingerprint"],
];

interface Manifest {
  sources: { source: string; notes?: string[] }[];
}

const manifestIn = (folder: string) => JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as Manifest;

test("what follows the end of a compressed file, known only when all of it was read", async ({ folder }) => {
  const trace = "page_bytes,page,fingerprint\n4096,0,aa\n4096,1,bb\n";
  const padded = (bytes: string | Buffer) => Buffer.concat([gzipSync(bytes), Buffer.alloc(512)]);
  writeFileSync(path.join(folder, "vm.raw.gz"), padded(randomBytes(1 << 20, 1)));
  writeFileSync(path.join(folder, "vm.csv.gz"), padded(trace));
  const note = "512 zero bytes follow the end of the gzip stream; they are no part of the data.";
  for (const source of ["vm.raw.gz", "vm.csv.gz"]) {
    writeFileSync(path.join(folder, "s.yaml"), `sources: [${source}]\nscanner: {pages_to_scan: 4}\nuntil: 1\n`);
    const reading = source === "vm.csv.gz" ? LINES.filter(([command]) => command !== "fingerprint") : LINES;
    for (const line of [...reading.map((one) => [...one, source]), ["replay", "s.yaml"]]) {
      const said = await succeed([...line, "--out", "out", "--force"], { cwd: folder });
      expect(said, line.join(" ")).toMatch(new RegExp(`Note: \\S*${source}: ${note}`));
      expect(manifestIn(path.join(folder, "out")).sources, line.join(" ")).toMatchObject([
        { source: expect.stringMatching(`${source}$`), notes: [note] },
      ]);
    }
    expect(await succeed(["inspect", source], { cwd: folder })).toContain(note);
  }
});

test("what a spectrum keeps of the dumps that it was made of", async ({ folder }) => {
  const dump = limeFile([0, randomBytes(64 << 10, 1)]);
  writeFileSync(path.join(folder, "vm.lime"), dump.subarray(0, -5000));
  await succeed(["analyze", "vm.lime", "--allow-truncated", "--out", "out", "--quiet"], { cwd: folder });
  const [{ notes }] = manifestIn(path.join(folder, "out")).sources;
  expect(notes).toHaveLength(1);
  const said = await succeed(["compare", "out/spectrum.parquet", "--out", "again"], { cwd: folder });
  expect(said).toContain(`out/spectrum.parquet: vm: ${notes?.[0]}`);
  expect(manifestIn(path.join(folder, "again")).sources).toMatchObject([{ notes: [`vm: ${notes?.[0]}`] }]);
});
