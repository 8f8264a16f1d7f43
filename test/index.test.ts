// The library beside analyze and fingerprintPages: rates, errors, version.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  analyze,
  EXIT,
  interSharing,
  PagekinError,
  pairRate,
  replay,
  type Sharing,
  selfSharing,
  VERSION,
} from "pagekin";
import { describe, expect } from "vitest";
import { elfCore } from "./support/dumps/elf.js";
import { limeFile } from "./support/dumps/lime.js";
import { filled, stream } from "./support/dumps/migration.js";
import { saved } from "./support/dumps/virsh.js";
import { test } from "./support/folder.js";
import { madeDumps } from "./support/made-dumps.js";
import { dumpOf, TINY } from "./support/pieces.js";

test("SEMMA's worked example by the library", async ({ folder }) => {
  madeDumps.writeSemma(folder);
  const sources = ["VM1", "VM2", "VM3"].map((name) => path.join(folder, `${name}.raw`));
  const [{ world, sharing }] = await analyze(sources, { pageSizes: [4096] });
  expect(world.snapshots.map(({ member, timeS }) => [member, timeS])).toEqual([
    ["VM1", 0],
    ["VM2", 0],
    ["VM3", 0],
  ]);
  expect([0, 1, 2].map((member) => selfSharing(sharing[0], member).selfRate)).toEqual([2 / 3, 2 / 3, 2 / 3]);
  expect(interSharing(sharing[0])).toEqual({
    pages: 9,
    contentsSum: 3,
    contentsUnion: 2,
    selfSaved: 6,
    interSaved: 1,
    selfRate: 2 / 3,
    interRate: 1 / 9,
    totalRate: 7 / 9,
    nonzeroInterRate: 1 / 9,
    selfShareOfSaving: 6 / 7,
  });
  expect(sharing[0].pairs.map((pair) => pairRate(sharing[0], pair))).toEqual([1 / 6, 0, 0]);
});

test("a cut dump is refused, or read as far as it goes with a note of what is missing", async ({ folder }) => {
  const file = path.join(folder, "cut.lime");
  writeFileSync(file, limeFile([0x1000, Buffer.alloc(8192, 7)]).subarray(0, -5000));
  await expect(analyze([file], { pageSizes: [1024] })).rejects.toMatchObject({ exitCode: EXIT.input });
  const [{ found }] = await analyze([file], { pageSizes: [1024], allowTruncated: true });
  expect(found).toMatchObject([{ pages: [3], notes: [expect.stringMatching(/missing: 5000 bytes/)] }]);
});

test("dumps that are analyzed side by side are each taken for what they are", async ({ folder }) => {
  const page = Buffer.alloc(4096, "x");
  const migration = stream("pc-q35-7.2", { "pc.ram": 4096 }, [filled(0, 1, "pc.ram")]);
  const files = Object.entries({
    raw: page,
    lime: limeFile([0, page]),
    elf: elfCore({ loads: [{ bytes: page }] }),
    "qemu-migration": migration,
    "virsh-save": saved({ stream: migration }),
  });
  for (const [format, bytes] of files) writeFileSync(path.join(folder, format), bytes);
  const found = await Promise.all(files.map(([format]) => analyze([path.join(folder, format)], { workers: 1 })));
  const formats = found.map(([{ world }]) => world.snapshots[0].source.format);
  expect(formats).toEqual(files.map(([format]) => format));
});

test("SEMMA's worked example replayed by the library, alone and with two threads", async ({ folder }) => {
  madeDumps.writeSemma(folder);
  const scenario = {
    sources: ["VM1", "VM2", "VM3"].map((name) => `${name}.raw`),
    vary: { policy: ["one-group", "per-member"] },
  };
  const file = path.join(folder, "scenario.yaml");
  writeFileSync(file, JSON.stringify(scenario)); // JSON is YAML
  for (const workers of [1, 2]) {
    const runs = await replay(file, { workers });
    expect(runs.map(({ name }) => name)).toEqual(["policy=one-group", "policy=per-member"]);
    const [together, apart] = runs.map(({ samples }) => samples[samples.length - 1].groups);
    expect(runs[0].members).toEqual(["VM1", "VM2", "VM3"]);
    // Nine pages of two contents; apart each member has three of one.
    expect(together.map(({ pagesShared, pagesSharing }) => [pagesShared, pagesSharing])).toEqual([[2, 7]]);
    expect(apart.map(({ pagesShared, pagesSharing }) => [pagesShared, pagesSharing])).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  }
});

test("rates of nothing are 0", () => {
  const nothing: Sharing = {
    pageBytes: 4096,
    pages: [0, 0],
    zeroPages: [0, 0],
    nonzeroContents: [0, 0],
    nonzeroUnion: 0,
    pairs: [{ a: 0, b: 1, contents: 0 }],
    copies: [],
  };
  expect(selfSharing(nothing, 0)).toMatchObject({ selfRate: 0, nonzeroSelfRate: 0, zeroSaved: 0 });
  expect(interSharing(nothing)).toMatchObject({ selfRate: 0, interRate: 0, totalRate: 0, selfShareOfSaving: 0 });
  expect(pairRate(nothing, nothing.pairs[0])).toBe(0);
});

describe("errors are PagekinErrors with a place, a line and an exit code", () => {
  test("a file that is not there", async ({ folder }) => {
    const file = path.join(folder, "none.raw");
    const error = await analyze([file]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PagekinError);
    expect(error).toMatchObject({ exitCode: EXIT.input, place: { file } });
    expect((error as PagekinError).line).toMatch(new RegExp(`^${file}: no such file`));
  });

  test("no source, a page size that is none, too little memory, no threads", async ({ folder }) => {
    const file = path.join(folder, "vm.raw");
    writeFileSync(file, dumpOf([TINY, TINY, TINY, TINY]));
    const wrong = [
      analyze([]),
      analyze([file], { pageSizes: [3000] }),
      analyze([file], { maxMemory: 1000 }),
      analyze([file], { workers: 0 }),
    ];
    for (const failed of wrong) await expect(failed).rejects.toBeInstanceOf(PagekinError);
  });

  test("the line says file, offset or line, what is wrong and what to do", () => {
    const options = { file: "a.raw", offset: 0x1f0, hint: "copy it again" };
    expect(new PagekinError("the stream ends early", options).line).toBe(
      "a.raw: at 0x1f0: the stream ends early; copy it again",
    );
    expect(new PagekinError("no page", { file: "a.csv", line: 7 }).line).toBe("a.csv: line 7: no page");
  });

  test("the exit codes are the contract's", () => {
    expect(EXIT).toEqual({ done: 0, bug: 1, input: 2, mismatch: 3, interrupted: 130 });
  });
});

test("workers and little memory give the library the same results", async ({ folder }) => {
  madeDumps.writeWorld(folder);
  const sources = ["web.raw", "db.raw", "cache.raw", "batch.raw.gz"].map((file) => path.join(folder, file));
  const sharingOf = async (options: object) => (await analyze(sources, options)).map(({ sharing }) => sharing);
  const expected = await sharingOf({ workers: 1 });
  expect(expected[0].map(({ pages }) => pages[0])).toEqual(
    Object.values(madeDumps.expected(madeDumps.planWorld())).map(({ members }) => members.web.pages),
  );
  expect(await sharingOf({ workers: 3, maxMemory: 1024 * 1024 })).toEqual(expected);
});

test("the version is the package's", () => {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  expect(VERSION).toBe(JSON.parse(text).version);
});
