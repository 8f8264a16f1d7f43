// Archives as tar writes them: the tables of the one dump inside, or a refusal.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { elfCore } from "../support/dumps/elf.js";
import { test } from "../support/folder.js";
import { countsOf } from "../support/packed.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { expectSourcesRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";
import { because, has } from "../support/tools.js";

const MEMORY = Buffer.concat([randomBytes(300_000, 1), Buffer.alloc(100_000)]);
const DUMPS = { "vm.elf": elfCore({ loads: [{ bytes: MEMORY }] }), "vm.raw": MEMORY };
const FORMATS = ["gnu", "oldgnu", "pax", "posix", "ustar", "v7"];
const HAS_TAR = has("tar") && /GNU tar/.test(execFileSync("tar", ["--version"], { encoding: "utf8" }));

function tar(folder: string, files: readonly string[], ...options: string[]): Buffer {
  execFileSync("tar", ["-cf", "archive.tar", ...options, ...files], { cwd: folder });
  return readFileSync(path.join(folder, "archive.tar"));
}

/** Standard input has the pages of a file. */
async function expectSamePages(folder: string, file: string, input: Buffer): Promise<void> {
  const args = ["analyze", `file=${file}`, "input=-", "--page-size", "1k,4k", "--out", "out", "--quiet"];
  await succeed(args, { cwd: folder, input });
  const self = rowsOf(path.join(folder, "out"), "self.csv").map(({ member, ...row }) => [member, row] as const);
  const of = (name: string) => self.filter(([member]) => member === name).map(([, row]) => row);
  expect(of("input")).toEqual(of("file"));
  const pairs = rowsOf(path.join(folder, "out"), "pairs.csv").map(({ shared_contents }) => shared_contents);
  expect(pairs).toEqual(of("file").map(({ contents }) => contents));
}

describe.skipIf(!HAS_TAR)(`tar archives${because(HAS_TAR, "GNU tar is not installed")}`, () => {
  test.for(FORMATS)("of the format %s with one dump in them", async (format, { folder }) => {
    mkdirSync(path.join(folder, "exported/lost+found"), { recursive: true });
    for (const [name, bytes] of Object.entries(DUMPS)) {
      const file = path.join(folder, "exported", name);
      writeFileSync(file, bytes);
      writeFileSync(path.join(folder, "exported/._note"), "of another system");
      const plain = await countsOf(folder, bytes);
      const archive = tar(folder, ["exported/lost+found", "exported/._note", `exported/${name}`], `--format=${format}`);
      expect(await countsOf(folder, archive), name).toEqual(plain);
      expect(await countsOf(folder, gzipSync(archive)), name).toEqual(plain);
      await expectSamePages(folder, file, gzipSync(archive));
    }
  });

  test("with a name that needs a header of its own", async ({ folder }) => {
    const name = `${"long".repeat(40)}.elf`;
    writeFileSync(path.join(folder, name), DUMPS["vm.elf"]);
    const plain = await countsOf(folder, DUMPS["vm.elf"]);
    for (const format of ["gnu", "pax"])
      expect(await countsOf(folder, tar(folder, [name], `--format=${format}`)), format).toEqual(plain);
  });

  test("with several files are refused, which are named", async ({ folder }) => {
    for (const name of ["a.raw", "b.raw"]) writeFileSync(path.join(folder, name), MEMORY);
    tar(folder, ["a.raw", "b.raw"]);
    await expectSourcesRefused(folder, ["archive.tar"], [/several files \(a\.raw, b\.raw, \.\.\.\); extract it/]);
  });

  test("with a sparse file are refused", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), MEMORY);
    truncateSync(path.join(folder, "vm.raw"), 16 * 2 ** 20);
    for (const format of ["gnu", "pax"]) {
      const archive = tar(folder, ["vm.raw"], "--sparse", `--format=${format}`);
      if (archive.length > 2 ** 20) continue; // the file system keeps no holes
      await expectSourcesRefused(folder, ["archive.tar"], [/sparse file; extract it first/]);
    }
  });

  test("cut anywhere, or with a damaged header, are refused", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.elf"), DUMPS["vm.elf"]);
    const archive = tar(folder, ["vm.elf"], "--format=pax");
    const file = path.join(folder, "bad.tar");
    // In the extended header's records and in their padding, right behind that, and in the file.
    for (const length of [550, 1000, 1024, 1536 + 100, 200_000]) {
      writeFileSync(file, archive.subarray(0, length));
      await expectSourcesRefused(folder, ["bad.tar"], ["bad.tar: at 0x", "ends early"]);
    }
    const damaged = Buffer.from(archive);
    damaged[1024 + 124] ^= 1; // the size in the second header
    writeFileSync(file, damaged);
    await expectSourcesRefused(folder, ["bad.tar"], ["bad.tar: at 0x400: ", "wrong checksum"]);
  });
});
