// A disk that is full, or a limit on the size of files: exit code 2, a clear line, nothing half written.

import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { type HowToRun, pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { randomBytes } from "../support/random.js";
import { CAN_MOUNT, withDisk } from "../support/tmpfs.js";
import { because } from "../support/tools.js";

const NAMES = Array.from({ length: 40 }, (_, i) => `m${i}.raw`);

/** 40 members: 780 pairs, some 20 KiB of pairs.csv. */
function writeMany(folder: string): void {
  NAMES.forEach((name, i) => {
    writeFileSync(path.join(folder, name), dumpOf([TINY, TINY + i, 0, 0]));
  });
}

/** Runs pagekin in a folder where it must fail and leave nothing. */
async function expectFull(folder: string, args: string[], says: RegExp, how: HowToRun = {}): Promise<void> {
  const before = readdirSync(folder);
  const { code, stdout, stderr } = await pagekin(args, { cwd: folder, ...how });
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^pagekin: [^\n]+\n$/),
  });
  expect(stderr).toMatch(says);
  expect(readdirSync(folder)).toEqual(before);
}

describe("under a limit on the size of files", () => {
  test("a table that is cut short is an error", async ({ folder }) => {
    writeMany(folder);
    // In KiB: the manifest and all other tables would fit.
    const how = { before: "ulimit -f 16" };
    await expectFull(
      folder,
      ["analyze", ...NAMES, "--page-size", "4k", "--out", "out"],
      /pairs\.csv: file size limit/,
      how,
    );
  });

  test("a long table is an error", async ({ folder }) => {
    writeMany(folder);
    const how = { before: "ulimit -f 16" };
    await expectFull(folder, ["analyze", ...NAMES, "--out", "out"], /file size limit/, how);
  });

  test("a long spectrum is an error", async ({ folder }) => {
    // No two contents have the same copies: some 90 KiB of spectrum, and little of anything else.
    const sets = Array.from({ length: 4095 }, (_, i) => i + 1);
    const names = Array.from({ length: 12 }, (_, member) => {
      const held = sets.filter((set) => (set >> member) & 1);
      const rows = held.map((set, page) => `4096,${page},${set.toString(16).padStart(8, "0")}\n`);
      writeFileSync(path.join(folder, `v${member}.csv`), `page_bytes,page,fingerprint\n${rows.join("")}`);
      return `v${member}.csv`;
    });
    const how = { before: "ulimit -f 16" };
    const says = /out\/spectrum\.parquet: file size limit/;
    await expectFull(folder, ["analyze", ...names, "--out", "out"], says, how);
    await expectFull(folder, ["compare", ...names, "--policy", "one-group", "--out", "out"], says, how);
  });

  test("a trace is an error", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), randomBytes(1024 * 1024, 3));
    const how = { before: "ulimit -f 16", env: { TMPDIR: folder } };
    await expectFull(folder, ["fingerprint", "vm.raw", "--out", "out"], /file size limit/, how);
  });

  test("a spooled dump is an error", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.gz"), gzipSync(randomBytes(1024 * 1024, 3)));
    const how = { before: "ulimit -f 512", env: { TMPDIR: folder } };
    await expectFull(folder, ["analyze", "vm.gz", "--verify", "--out", "out"], /file size limit/, how);
  });
});

describe.skipIf(!CAN_MOUNT)(`on a full disk${because(CAN_MOUNT, "no file system can be mounted here")}`, () => {
  test("the tables are an error", async ({ folder }) => {
    await withDisk(folder, "300k", async (disk) => {
      writeMany(disk);
      await expectFull(disk, ["analyze", ...NAMES, "--out", "out"], /no space left/);
      // 40 rows of members.csv for each policy at each size, with zero pages and without.
      const policies = Array.from({ length: 30 }, (_, i) => `--policy=similar:${i + 1}`);
      const compare = ["compare", ...NAMES, "--page-size", "1k,2k,4k", ...policies, "--out", "out"];
      await expectFull(disk, compare, /no space left/);
      // And where there is room for the same command, it does the same work.
      await succeed([
        "analyze",
        ...NAMES.map((name) => path.join(disk, name)),
        "--out",
        path.join(folder, "out"),
        "--quiet",
      ]);
    });
  });

  test("the traces are an error", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), randomBytes(8 * 1024 * 1024, 3));
    await withDisk(folder, "128k", (disk) =>
      expectFull(disk, ["fingerprint", "../vm.raw", "--out", "out"], /no space left/),
    );
  });

  test.for([
    ["spilled fingerprints", ["../vm.raw", "--max-memory", "1m"], /no space left.*TMPDIR.*--max-memory/],
    ["a spooled dump", ["../vm.gz", "--verify"], /no space left.*TMPDIR/],
  ] as const)("%s in TMPDIR are an error", async ([, args, says], { folder }) => {
    const dump = randomBytes(64 * 1024 * 1024, 3);
    writeFileSync(path.join(folder, "vm.raw"), dump);
    writeFileSync(path.join(folder, "vm.gz"), gzipSync(dump.subarray(0, 1024 * 1024)));
    await withDisk(folder, "128k", (disk) =>
      expectFull(disk, ["analyze", ...args, "--out", "../out"], says, { env: { TMPDIR: disk } }),
    );
    expect(readdirSync(folder).sort()).toEqual(["disk", "vm.gz", "vm.raw"]);
  });
});

test("a TMPDIR that is not there is an error that names it", async ({ folder }) => {
  writeFileSync(path.join(folder, "vm.gz"), gzipSync(randomBytes(1024 * 1024, 3)));
  const how = { env: { TMPDIR: path.join(folder, "missing") } };
  await expectFull(folder, ["analyze", "vm.gz", "--verify", "--out", "out"], /missing: no such file.*TMPDIR/, how);
});
