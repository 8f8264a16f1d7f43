import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test, textsIn } from "../support/folder.js";
import { inTable } from "../support/names.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";
import { WRONG_OPTIONS } from "../support/wrong-options.js";

const VERSION = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
const DUMP = dumpOf([TINY, 0, TINY + 1, TINY + 2, TINY, TINY, TINY, TINY]);

const writeDump = (folder: string) => writeFileSync(path.join(folder, "a.raw"), DUMP);

// The other commands with the same options: wrong-options.full.test.ts.
describe("analyze refuses", () => {
  test.for(WRONG_OPTIONS)("%s", async ([args, says], { folder }) => {
    writeDump(folder);
    await expectRefused(folder, ["analyze", "a.raw", ...args], [says]);
  });
});

describe.each(["analyze", "compare", "fingerprint"])("%s refuses", (command) => {
  test("--out without a folder", async ({ folder }) => {
    writeDump(folder);
    const { code, stdout, stderr } = await pagekin([command, "a.raw", "--out"], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^pagekin: [^\n]*out[^\n]*\n$/);
    expect(readdirSync(folder)).toEqual(["a.raw"]);
  });

  test("no source", async ({ folder }) => {
    await expectRefused(folder, [command], [/no input given/]);
  });

  test("standard input without a name", async ({ folder }) => {
    await expectRefused(folder, [command, "-"], [/standard input needs a name/, "NAME=-"], { input: DUMP });
  });

  test("sources that name no file or no time", async ({ folder }) => {
    writeDump(folder);
    await expectRefused(folder, [command, "vm="], [/names no file/]);
    await expectRefused(folder, [command, "vm@noon=a.raw"], [/no time in seconds/]);
    await expectRefused(folder, [command, "vm@-5=a.raw"], [/no time in seconds/]);
    await expectRefused(folder, [command, "@5=a.raw"], [/no time in seconds/]);
  });

  test("a member twice at one time, however the time is written", async ({ folder }) => {
    writeDump(folder);
    writeFileSync(path.join(folder, "a@0.dump"), DUMP);
    await expectRefused(folder, [command, "a.raw", "a.raw"], [/member a appears twice at time 0/]);
    await expectRefused(folder, [command, "a.raw", "a@0.dump"], [/member a appears twice at time 0/, "a@0.dump"]);
    await expectRefused(folder, [command, "vm@15=a.raw", "vm@15.0=a.raw"], [/member vm appears twice at time 15/]);
  });
});

test("analyze refuses a choice of pairs that there is not", async ({ folder }) => {
  writeDump(folder);
  await expectRefused(folder, ["analyze", "a.raw", "--pairs", "some"], [/pairs/]);
});

test("no command, and one that there is not, are refused in a line", async () => {
  for (const args of [[], ["analyse", "a.raw"]]) {
    const { code, stdout, stderr } = await pagekin(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
  }
});

describe("taken are", () => {
  const sizes: [text: string, pageSizes: string[]][] = [
    ["4k", ["4096"]],
    ["4096", ["4096"]],
    ["4K,1024", ["1024", "4096"]],
    ["8k,4k,8k", ["4096", "8192"]],
  ];

  test.for(sizes)("--page-size %s", async ([text, pageSizes], { folder }) => {
    writeDump(folder);
    await succeed(["analyze", "a.raw", `--page-size=${text}`, "--out", "out", "--quiet"], { cwd: folder });
    expect(rowsOf(path.join(folder, "out"), "self.csv").map(({ page_bytes }) => page_bytes)).toEqual(pageSizes);
  });

  test("a file whose name has an = in it, by its whole name", async ({ folder }) => {
    for (const name of ["x=y.raw", "b.raw"]) writeFileSync(path.join(folder, name), DUMP);
    await succeed(["analyze", "x=y.raw", "x=b.raw", "--page-size", "4k", "--out", "out", "--quiet"], { cwd: folder });
    expect(rowsOf(path.join(folder, "out"), "self.csv").map(({ member }) => member)).toEqual(["x=y", "x"]);
  });
});

test("members are named after their files without the known extensions", async ({ folder }) => {
  const names = {
    "vm1.raw": "vm1",
    "vm2.dump": "vm2",
    "vm3.mem": "vm3",
    "vm4.img": "vm4",
    "vm5.bin": "vm5",
    "vm6.vmem": "vm6",
    "vm.7.raw": "vm.7",
    "vm8.v2": "vm8.v2",
    vm9: "vm9",
    ".raw": ".raw",
    "vm10@x.raw": "vm10@x",
    "@5.raw": "@5",
    // What a file holds, its name does not tell; so all of these are raw dumps.
    "elf1.elf": "elf1",
    "elf2.core": "elf2",
    "kdump1.kdump": "kdump1",
    "kdump2.flat": "kdump2",
    "lime.lime": "lime",
    "avml.avml": "avml",
    "stream.migration": "stream",
    "saved.save": "saved",
    "trace.parquet": "trace",
    "packed1.raw.gz": "packed1",
    "packed2.core.zst": "packed2",
    "packed3.lime.xz.gz": "packed3",
    "packed4.lz4": "packed4",
    "packed5.bz2": "packed5",
    "PACKED6.RAW.LZO": "PACKED6",
  };
  for (const name of Object.keys(names)) writeFileSync(path.join(folder, name), DUMP);
  await succeed(["analyze", ...Object.keys(names), "--page-size", "4k", "--out", "out", "--quiet"], { cwd: folder });
  expect(rowsOf(path.join(folder, "out"), "self.csv").map(({ member }) => member)).toEqual(
    Object.values(names).map(inTable),
  );
});

test("--help and --version print to stdout and write nothing", async ({ folder }) => {
  const main = await succeed(["--help"], { cwd: folder });
  for (const command of ["analyze", "compare", "fingerprint"]) {
    expect(main).toContain(`pagekin ${command}`);
    const help = await succeed([command, "--help"], { cwd: folder });
    for (const option of [
      "--page-size",
      "--inventory",
      "--out",
      "--force",
      "--workers",
      "--max-memory",
      "--json",
      "--quiet",
    ]) {
      expect(help).toContain(option);
    }
    expect(help).toMatch(new RegExp(`pagekin ${command} \\S+`));
  }
  expect(await succeed(["--version"], { cwd: folder })).toBe(`${VERSION}\n`);
  expect(readdirSync(folder)).toEqual([]);
});

test("--quiet prints nothing, --json prints one JSON text, and the files are the same", async ({ folder }) => {
  writeDump(folder);
  expect(await succeed(["analyze", "a.raw", "--out", "quiet", "--quiet"], { cwd: folder })).toBe("");
  const summary = JSON.parse(await succeed(["analyze", "a.raw", "--out", "json", "--json"], { cwd: folder }));
  expect(summary).toMatchObject({
    out: "json",
    page_sizes: [1024, 2048, 4096, 8192, 16384],
    files: expect.arrayContaining(["self.csv", "manifest.json"]),
  });
  // At 4 KiB the two pages differ; at 1 KiB there are eight pages and four contents.
  const [at1k, , at4k] = summary.worlds[0].sizes;
  expect(at1k).toMatchObject({
    page_bytes: 1024,
    pages: 8,
    self_saved_pages: 4,
    inter_saved_pages: 0,
    self_sharing_rate: 0.5,
  });
  expect(at4k).toMatchObject({
    page_bytes: 4096,
    pages: 2,
    self_saved_pages: 0,
    inter_saved_pages: 0,
    self_sharing_rate: 0,
  });
  const [quiet, json] = ["quiet", "json"].map((out) => textsIn(path.join(folder, out)));
  expect({ ...json, "manifest.json": "" }).toEqual({ ...quiet, "manifest.json": "" });
});
