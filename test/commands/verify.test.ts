import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { analyze, EXIT, PagekinError } from "pagekin";
import { describe, expect } from "vitest";
import { collidingKibs } from "../support/collision.js";
import { test } from "../support/folder.js";
import { type HowToRun, pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { ALL_SIZES, fingerprintOf } from "../support/reference.js";
import { onlyRow, rowsOf } from "../support/table.js";
import { because, HAS_ZSTD, zstd } from "../support/tools.js";
import { xxh3of } from "../support/xxh3.js";

const [KIB_A, KIB_B] = collidingKibs();
const OWN = dumpOf([TINY, TINY + 1, TINY + 2, TINY + 3, TINY + 4, TINY + 5, TINY + 6, TINY + 7]);
/** The colliding KiB is the sixth of a, at 0x1400, and the third of b, at 0x800. */
const A = Buffer.concat([OWN.subarray(0, 5 * 1024), KIB_A, OWN.subarray(5 * 1024)]);
const B = Buffer.concat([Buffer.alloc(1024), OWN.subarray(0, 1024), KIB_B]);

function writeBoth(folder: string): [a: string, b: string] {
  const files: [string, string] = [path.join(folder, "a.raw"), path.join(folder, "b.raw")];
  writeFileSync(files[0], A);
  writeFileSync(files[1], B);
  return files;
}

/** A mismatch: exit code 3, one line with both places, and nothing besides the files that were there. */
async function expectMismatch(
  folder: string,
  sources: string[],
  places: string[],
  how: HowToRun = {},
  ...options: string[]
) {
  const before = readdirSync(folder);
  const out = path.join(folder, "out");
  const run = await pagekin(["analyze", ...sources, "--verify", "--out", out, ...options], how);
  expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 3, stdout: "" });
  expect(run.stderr).toMatch(/^pagekin: [^\n]+\n$/);
  for (const place of places) expect(run.stderr).toContain(place);
  expect(readdirSync(folder)).toEqual(before);
}

test("the two pages differ and have one digest, at every page size", () => {
  expect(KIB_A.equals(KIB_B)).toBe(false);
  for (const pageBytes of ALL_SIZES) {
    const [a, b] = [KIB_A, KIB_B].map((kib) => Buffer.concat([kib, Buffer.alloc(pageBytes - 1024)]));
    expect(fingerprintOf(a)).toBe(fingerprintOf(b));
    if (pageBytes <= 16384) expect(xxh3of(a)).toBe(xxh3of(b));
  }
});

test("without --verify they count as one content", async ({ folder }) => {
  const out = path.join(folder, "out");
  await succeed(["analyze", ...writeBoth(folder), "--page-size", "1k", "--out", out, "--quiet"]);
  // a: nine contents. b: zero, one of a's, and the colliding one.
  expect(onlyRow(rowsOf(out, "inter.csv"), {})).toMatchObject({
    pages: "12",
    contents_sum: "12",
    contents_union: "10",
  });
});

describe("with --verify they are a mismatch", () => {
  test("between two dumps", async ({ folder }) => {
    const [a, b] = writeBoth(folder);
    await expectMismatch(folder, [a, b], [`${a} at 0x1400`, `${b} at 0x800`]);
  });

  test.for([
    ["--workers", "3"],
    ["--max-memory", "1m"],
    ["--page-size", "1k"],
  ])("with %s", async (options, { folder }) => {
    const [a, b] = writeBoth(folder);
    await expectMismatch(folder, [b, a], [`${a} at 0x1400`, `${b} at 0x800`], {}, ...options);
  });

  test("inside one dump, in pages of 4 KiB, beyond the first 64 MiB", async ({ folder }) => {
    const file = path.join(folder, "one.raw");
    const dump = Buffer.alloc(65 * 1024 * 1024);
    KIB_A.copy(dump, 4096 + 1024);
    KIB_B.copy(dump, 64 * 1024 * 1024 + 8192 + 1024);
    writeFileSync(file, dump);
    const places = [`${file} at 0x1000`, `${file} at 0x4002000`];
    await expectMismatch(folder, [file], places, {}, "--page-size", "4k");
  });

  test("in a gzip", async ({ folder }) => {
    const [a] = writeBoth(folder);
    const b = path.join(folder, "b.gz");
    writeFileSync(b, gzipSync(B));
    await expectMismatch(folder, [a, `z=${b}`], [`${a} at 0x1400`, `${b} at 0x800`]);
  });

  test.skipIf(!HAS_ZSTD)(`in a zstd${because(HAS_ZSTD, "zstd is not installed")}`, async ({ folder }) => {
    const [a] = writeBoth(folder);
    const b = path.join(folder, "b.zst");
    writeFileSync(b, zstd(B));
    await expectMismatch(folder, [a, `z=${b}`], [`${a} at 0x1400`, `${b} at 0x800`]);
  });

  test("on standard input, of which nothing is left in TMPDIR", async ({ folder }) => {
    const [a] = writeBoth(folder);
    const how = { input: B, env: { TMPDIR: folder } };
    await expectMismatch(folder, [a, "piped=-"], [`${a} at 0x1400`, "standard input at 0x800"], how);
  });

  test("for the library too", async ({ folder }) => {
    const failed = await analyze(writeBoth(folder), { verify: true }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(PagekinError);
    expect(failed).toMatchObject({ exitCode: EXIT.mismatch });
  });
});

test("a mismatch leaves the results of an earlier run as they are", async ({ folder }) => {
  const [a, b] = writeBoth(folder);
  const out = path.join(folder, "out");
  await succeed(["analyze", a, "--out", out, "--quiet"]);
  const before = readdirSync(out);
  const { code } = await pagekin(["analyze", a, b, "--verify", "--out", out]);
  expect(code).toBe(3);
  expect(readdirSync(out)).toEqual(before);
  expect(rowsOf(out, "inter.csv").map(({ members }) => members)).toEqual(["1", "1", "1", "1", "1"]);
});

test("a trace has no bytes to verify: exit code 2", async ({ folder }) => {
  const [a, b] = writeBoth(folder);
  const traces = path.join(folder, "traces");
  await succeed(["fingerprint", a, "--out", traces, "--quiet"]);
  const before = readdirSync(folder);
  const trace = path.join(traces, "a.parquet");
  const run = await pagekin(["analyze", trace, b, "--verify", "--out", path.join(folder, "out")]);
  expect(run).toMatchObject({ code: 2, stdout: "" });
  expect(run.stderr).toMatch(/^pagekin: [^\n]+\n$/);
  expect(run.stderr).toContain(trace);
  expect(readdirSync(folder)).toEqual(before);
});
