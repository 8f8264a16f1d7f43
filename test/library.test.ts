// The library's options, progress, and what becomes of a call that is aborted. index.test.ts has what it computes.

import { execFileSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import {
  type AnalyzeOptions,
  analyze,
  comparePolicies,
  fingerprintPages,
  parsePolicies,
  readSpectra,
  replay,
  spectra,
  VERSION,
} from "pagekin";
import { describe, expect } from "vitest";
import { elfCore, qemuNote } from "./support/dumps/elf.js";
import { test } from "./support/folder.js";
import { makeTwo, openFiles } from "./support/library.js";
import { randomBytes } from "./support/random.js";
import { because, IS_LINUX } from "./support/tools.js";

const MIB = 2 ** 20;

/** Whatever a script without types may give. */
// biome-ignore lint/suspicious/noExplicitAny: that is what such a script has
type Anything = any;
const loose = { analyze, comparePolicies, fingerprintPages, parsePolicies, readSpectra, replay, spectra } as Record<
  string,
  Anything
>;

describe("what has the wrong type is a TypeError that says what is wanted", () => {
  const wrong: [what: string, call: () => unknown, message: string][] = [
    [
      "sources in a string",
      () => loose.analyze("x"),
      'analyze: the first argument must be an array of sources, such as ["vm1.raw", "vm2.raw"], not the string "x"',
    ],
    [
      "numbers as sources",
      () => loose.spectra([1]),
      'spectra: the first argument must be an array of sources, such as ["vm1.raw", "vm2.raw"], not an array with a number',
    ],
    ["no sources", () => loose.analyze(), "not undefined"],
    [
      "options in a string",
      () => loose.analyze([], "4096"),
      'analyze: options must be an object, not the string "4096"',
    ],
    ["null as options", () => loose.spectra([], null), "spectra: options must be an object, not null"],
    [
      "a list as options",
      () => loose.replay("s.yaml", [1]),
      "replay: options must be an object, not an array with a number",
    ],
    [
      "one page size",
      () => loose.analyze([], { pageSizes: 4096 }),
      "analyze: pageSizes must be an array of numbers, not 4096",
    ],
    [
      "page sizes as the command line has them",
      () => loose.analyze([], { pageSizes: ["4k"] }),
      "analyze: pageSizes must be an array of numbers, not an array with a string",
    ],
    [
      "a flag in a string",
      () => loose.analyze([], { verify: "yes" }),
      'verify must be true or false, not the string "yes"',
    ],
    [
      "a size in a string",
      () => loose.spectra([], { maxMemory: "1g" }),
      'maxMemory must be a number, not the string "1g"',
    ],
    ["ranges that there are not", () => loose.spectra([], { ranges: "some" }), "ranges must be one of ram, all"],
    ["a format that there is not", () => loose.analyze([], { format: "elv" }), "format must be one of raw, kdump, "],
    [
      "a controller",
      () => loose.analyze([], { signal: new AbortController() }),
      "signal must be an AbortSignal, not an object",
    ],
    ["progress", () => loose.replay("s.yaml", { onProgress: true }), "replay: onProgress must be a function, not true"],
    ["scenarios", () => loose.replay(["s.yaml"]), "replay: the first argument must be the path of a YAML file"],
    [
      "spectra",
      () => loose.readSpectra(1),
      "readSpectra: the first argument must be the path of a spectrum.parquet, not 1",
    ],
    ["one policy", () => loose.parsePolicies("by:tenant"), 'must be an array of policies, such as ["by:tenant"]'],
    ["no spectrum", () => loose.comparePolicies([], {}), "comparePolicies: the first argument must be a spectrum"],
    ["no policies", () => loose.comparePolicies({}, {}), "policies must be an array of objects, not undefined"],
    ["policies in texts", () => loose.comparePolicies({}, { policies: ["one-group"] }), "not an array with a string"],
    ["a page in a string", () => loose.fingerprintPages("x", [4096]), "must be a Uint8Array"],
    [
      "one size of pages",
      () => loose.fingerprintPages(new Uint8Array(4096), 4096),
      "must be an array of page sizes, not 4096",
    ],
  ];
  test.for(wrong)("%s", async ([, call, message]) => {
    const error = await (async () => call())().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(message);
  });
});

describe("an option that does not exist is a TypeError that names the nearest one", () => {
  const unknown: [call: () => unknown, message: string][] = [
    [() => loose.analyze([], { pageSize: [4096] }), "analyze: unknown option pageSize; did you mean pageSizes?"],
    [() => loose.spectra([], { range: "all" }), "spectra: unknown option range; did you mean ranges?"],
    [
      () => loose.spectra([], { allow_truncated: true }),
      "unknown option allow_truncated; did you mean allowTruncated?",
    ],
    [() => loose.replay("s.yaml", { threads: 2 }), "unknown option threads; options are workers, onProgress, signal"],
    [() => loose.readSpectra("s.parquet", { signals: 1 }), "readSpectra: unknown option signals; did you mean signal?"],
    [() => loose.comparePolicies({}, { policy: [] }), "unknown option policy; did you mean policies?"],
    [() => loose.parsePolicies([], { limits: { maxGroups: 2 } }), "unknown option maxGroups; did you mean maxGroup?"],
  ];
  test.for(unknown)("%#", async ([call, message]) => {
    const error = await (async () => call())().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(message);
  });

  test("and undefined is as if an option was not given", async ({ folder }) => {
    const sources = makeTwo(folder);
    const given = {
      pageSizes: undefined,
      ranges: undefined,
      signal: undefined,
      onProgress: undefined,
      format: undefined,
    };
    expect((await analyze(sources, given)).map(({ sharing }) => sharing)).toEqual(
      (await analyze(sources)).map(({ sharing }) => sharing),
    );
  });
});

test("ranges and format count as on the command line", async ({ folder }) => {
  // RAM up to 1 MiB, and a segment right below 4 GiB, where firmware is.
  const file = path.join(folder, "vm.elf");
  const loads = [
    { paddr: 0, bytes: randomBytes(64 * 1024, 1) },
    { paddr: 0xffff0000, bytes: randomBytes(64 * 1024, 2) },
  ];
  writeFileSync(file, elfCore({ notes: [qemuNote()], loads }));
  const pagesOf = async (options: AnalyzeOptions) => {
    const [{ found }] = await analyze([file], { pageSizes: [4096], ...options });
    return found.map(({ format, pages }) => [format, pages[0]]);
  };
  expect(await pagesOf({})).toEqual([["elf", 16]]);
  expect(await pagesOf({ ranges: "ram" })).toEqual([["elf", 16]]);
  expect(await pagesOf({ ranges: "all" })).toEqual([["elf", 32]]);
  const [[format, pages]] = await pagesOf({ format: "raw" });
  expect([format, pages]).toEqual(["raw", Math.floor(statSync(file).size / 4096)]);
});

test("package.json is exported", () => {
  expect(createRequire(import.meta.url)("pagekin/package.json")).toMatchObject({ name: "pagekin", version: VERSION });
});

describe("progress", () => {
  test("goes up to the bytes of all files", async ({ folder }) => {
    const sources = makeTwo(folder);
    for (const call of [analyze, spectra]) {
      const told: [number, number | undefined][] = [];
      await call(sources, { onProgress: (done, all) => told.push([done, all]) });
      expect(told.at(-1)).toEqual([16384, 16384]);
      expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).sort((a, b) => a - b));
    }
    const told: [number, number | undefined][] = [];
    const scenario = path.join(folder, "scenario.yaml");
    writeFileSync(scenario, JSON.stringify({ sources: sources.map((file) => path.basename(file)) }));
    await replay(scenario, { onProgress: (done, all) => told.push([done, all]) });
    expect(told.at(-1)).toEqual([16384, 16384]);
  });

  test("has no end where nobody knows it, and is told while it goes on", async ({ folder }) => {
    const file = path.join(folder, "vm.raw.gz");
    writeFileSync(file, gzipSync(Buffer.alloc(64 * MIB)));
    for (const workers of [1, 2]) {
      const told: [number, number | undefined][] = [];
      await analyze([file, ...makeTwo(folder)], { workers, onProgress: (done, all) => told.push([done, all]) });
      expect(told.at(-1)).toEqual([64 * MIB + 16384, undefined]);
    }
  });

  test("that throws ends the call with its error", async ({ folder }) => {
    const bytes = new Error("enough");
    const onProgress = () => {
      throw bytes;
    };
    const caught = await analyze(makeTwo(folder), { onProgress }).catch((error: unknown) => error);
    expect(caught).toBe(bytes);
  });
});

/** Half a gigabyte in a small file. */
const long = (folder: string, name: string, bytes: Buffer) => {
  const file = path.join(folder, name);
  writeFileSync(file, gzipSync(bytes, { level: 1 }));
  return file;
};

describe("an aborted call rejects with the signal's reason", () => {
  test("before it begins", async ({ folder }) => {
    const [file] = makeTwo(folder);
    const signal = AbortSignal.abort("no more");
    for (const call of [analyze, spectra]) await expect(call([file], { signal })).rejects.toBe("no more");
    await expect(replay(file, { signal })).rejects.toBe("no more");
    await expect(readSpectra(file, { signal })).rejects.toBe("no more");
    const [spectrum] = await spectra([file]);
    const policies = await parsePolicies(["one-group"]);
    await expect(comparePolicies(spectrum, { policies, signal })).rejects.toBe("no more");
  });

  test("with an AbortError if it has no other", async ({ folder }) => {
    const controller = new AbortController();
    const aborted = analyze(makeTwo(folder), { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
  });

  const dumps: [what: string, make: (folder: string) => string][] = [
    ["a compressed raw dump is read", (folder) => long(folder, "vm.raw.gz", Buffer.alloc(512 * MIB))],
    [
      "an ELF dump is decompressed to a temporary file",
      (folder) => long(folder, "vm.elf.gz", elfCore({ loads: [{ bytes: Buffer.alloc(256 * MIB) }] })),
    ],
  ];
  const places = dumps.flatMap(([what, make]) => [1, 3].map((workers) => ({ what, make, workers })));

  describe.skipIf(!IS_LINUX)(`and has nothing open${because(IS_LINUX, "this is no Linux")}`, () => {
    test.for(places)("while $what, with $workers threads", async ({ make, workers }, { folder }) => {
      const sources = [make(folder), ...makeTwo(folder)];
      const controller = new AbortController();
      const { signal } = controller;
      const reason = { why: "enough" };
      const onProgress = () => controller.abort(reason);
      const beside = analyze(sources.slice(1), { workers });
      await expect(analyze(sources, { workers, signal, onProgress })).rejects.toBe(reason);
      // Another call at the same time is not touched.
      expect((await beside)[0].found.map(({ pages }) => pages[2])).toEqual([2, 2]);
      expect(openFiles(folder)).toEqual([]);
    });

    test.for([1, 2])("while nobody writes to a FIFO, with %s threads", async (workers, { folder }) => {
      const fifo = path.join(folder, "vm.raw");
      execFileSync("mkfifo", [fifo]);
      const controller = new AbortController();
      const waiting = spectra([`vm=${fifo}`], { workers, signal: controller.signal });
      await sleep(100);
      controller.abort("nobody");
      await expect(waiting).rejects.toBe("nobody");
      expect(openFiles(folder)).toEqual([]);
    });

    test("while buckets are in temporary files; which an unharmed call closes, too", async ({ folder }) => {
      const file = path.join(folder, "vm.raw");
      writeFileSync(file, randomBytes(64 * MIB, 1));
      const options = { maxMemory: MIB, workers: 1, pageSizes: [1024] };
      await analyze([file], options);
      expect(openFiles(folder)).toEqual([]);
      const controller = new AbortController();
      const onProgress = () => controller.abort("now");
      await expect(analyze([file], { ...options, signal: controller.signal, onProgress })).rejects.toBe("now");
      expect(openFiles(folder)).toEqual([]);
    });

    test.for([1, 2])("while a scenario is replayed, with %s threads", async (workers, { folder }) => {
      const sources = makeTwo(folder).map((file) => path.basename(file));
      const file = path.join(folder, "scenario.yaml");
      const scenario = { sources, until: "90000m", sample: "9000m", vary: { policy: ["one-group", "per-member"] } };
      writeFileSync(file, JSON.stringify(scenario));
      const controller = new AbortController();
      const replayed = replay(file, { workers, signal: controller.signal });
      await sleep(300);
      controller.abort("too long");
      await expect(replayed).rejects.toBe("too long");
      expect(openFiles(folder)).toEqual([]);
    });
  });
});
