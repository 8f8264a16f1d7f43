// Raw dumps: what their length and their holes tell.

import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { cases } from "../../support/cases.js";
import { analyzed } from "../../support/dumps/run.js";
import { inFolder, test } from "../../support/folder.js";
import { succeed } from "../../support/pagekin.js";
import { randomBytes } from "../../support/random.js";
import { rowsOf } from "../../support/table.js";
import { because } from "../../support/tools.js";

const PAGE = 4096;
const MIB = 1024 * 1024;
const page = (number: number) => (number === 0 ? Buffer.alloc(PAGE) : randomBytes(PAGE, number));

/** Writes a file whose pages are numbered contents (0: written zeros), and holes elsewhere. */
function writeSparse(file: string, pages: number, written: Readonly<Record<number, number>>): void {
  const fd = openSync(file, "w");
  ftruncateSync(fd, pages * PAGE);
  for (const [at, number] of Object.entries(written)) writeSync(fd, page(number), 0, PAGE, Number(at) * PAGE);
  closeSync(fd);
}

/** Whether the file system of the tests keeps holes, and counts them in pages of 4 KiB. */
const KEEPS_HOLES = await inFolder(async (folder) => {
  const file = path.join(folder, "sparse");
  writeSparse(file, 300, { 7: 1, 9: 0 });
  return statSync(file).blocks * 512 === 2 * PAGE;
});
const WHY = because(KEEPS_HOLES, "the temporary folder's file system does not count holes in pages");

async function inspected(folder: string, ...args: string[]) {
  return JSON.parse(await succeed(["inspect", "--json", ...args], { cwd: folder }));
}

describe("the length of the file", () => {
  test.for([
    [5 * PAGE + 100, "4 KiB"],
    [MIB + PAGE, "1 MiB"],
    [3 * MIB - 4, "4 KiB"],
  ] as const)("%i bytes, no multiple of %s, is noted however the dump comes", async ([bytes, unit], { folder }) => {
    const dump = randomBytes(bytes, 1);
    writeFileSync(path.join(folder, "a.raw"), dump);
    writeFileSync(path.join(folder, "b.raw.gz"), gzipSync(dump, { level: 1 }));
    const note = new RegExp(`: The length of the file, ${bytes} bytes, is not a multiple of ${unit}`);
    const all = [/^a\.raw/, /^b\.raw\.gz/, /^standard input/].map((file) =>
      expect.stringMatching(new RegExp(file.source + note.source)),
    );
    for (const command of [
      ["analyze", "--workers", "2"],
      ["analyze", "--verify"],
      ["compare", "--policy", "one-group"],
      ["fingerprint"],
    ]) {
      const args = [...command, "a.raw", "b.raw.gz", "c=-", "--json", "--out", "out", "--force"];
      const { notes } = JSON.parse(await succeed(args, { cwd: folder, input: dump }));
      expect(notes).toEqual(all);
      const manifest = JSON.parse(readFileSync(path.join(folder, "out", "manifest.json"), "utf8"));
      expect(manifest.sources.map((source: { notes: string[] }) => source.notes.length)).toEqual([1, 1, 1]);
    }
    expect((await inspected(folder, "b.raw.gz")).notes).toContainEqual(expect.stringContaining("is not a multiple"));
    // A trace goes on saying it.
    const trace = path.join("out", "b.parquet");
    expect((await inspected(folder, trace)).notes).toEqual([expect.stringContaining("is not a multiple")]);
    expect(await succeed(["analyze", trace, "--out", "again"], { cwd: folder })).toContain("is not a multiple");
  });

  test("of whole MiB there is nothing to say", async ({ folder }) => {
    writeFileSync(path.join(folder, "a.raw"), randomBytes(2 * MIB, 1));
    const said = JSON.parse(await succeed(["analyze", "a.raw", "--json", "--out", "out"], { cwd: folder }));
    expect(said.notes).toEqual([]);
  });
});

describe.skipIf(!KEEPS_HOLES)(`holes of a sparse file${WHY}`, () => {
  const PAGES = 4096;
  /** As Firecracker's diff snapshot: pages that have changed, one of them to zero. */
  const CHANGED = { 10: 1, 11: 2, 12: 0, 13: 2, 700: 3, 3000: 1 };

  test("are zeros, and noted, by default", async ({ folder }) => {
    writeSparse(path.join(folder, "diff"), PAGES, CHANGED);
    const { pages, zero_pages, ledger, notes } = await inspected(folder, "diff");
    expect({ pages, zero_pages }).toEqual({ pages: PAGES, zero_pages: PAGES - 5 });
    expect(ledger.absent_bytes).toBe(0);
    const holes = (PAGES - 6) * PAGE;
    expect(notes).toContainEqual(expect.stringMatching(`sparse.* ${holes} of its ${PAGES * PAGE} bytes are holes`));
    expect(await succeed(["analyze", "diff", "--out", "out"], { cwd: folder })).toContain("--holes absent");
  });

  test("are absent with --holes absent, and written zeros are not", async ({ folder }) => {
    writeSparse(path.join(folder, "diff"), PAGES, CHANGED);
    const found = await analyzed(folder, "diff", "--holes", "absent");
    expect(found).toMatchObject({ pages: 6, zeroPages: 1, contents: 4, nonzero: 5 * PAGE, zero: PAGE });
    expect(found.absent).toBe((PAGES - 6) * PAGE);
    const { extents, notes } = await inspected(folder, "diff", "--holes", "absent");
    // The written page of zeros is the shortest stretch of zeros.
    expect(extents[0]).toEqual({ address: 10 * PAGE, bytes: 4 * PAGE });
    expect(notes).toContainEqual(expect.stringContaining(`${PAGE} more bytes are stored zeros`));
  });

  test("whose every zero is a hole is said to be so", async ({ folder }) => {
    const { 12: _, ...changed } = CHANGED;
    writeSparse(path.join(folder, "diff"), PAGES, changed);
    const { pages, zero_pages, notes } = await inspected(folder, "diff", "--holes", "absent");
    expect({ pages, zero_pages }).toEqual({ pages: 5, zero_pages: 0 });
    expect(notes).toContainEqual(expect.stringContaining("They are all of its zeros"));
  });

  test("make the same tables and spectra as written zeros, unless they are absent", async ({ folder }) => {
    writeSparse(path.join(folder, "a.raw"), 512, { 3: 1, 4: 2, 100: 1 });
    writeFileSync(path.join(folder, "whole"), readFileSync(path.join(folder, "a.raw")));
    for (const file of ["a.raw", "whole"])
      await succeed(["analyze", `a=${file}`, "--out", `${file}-out`, "--quiet"], { cwd: folder });
    for (const file of ["self.csv", "copies.csv", "spectrum.parquet"])
      expect(readFileSync(path.join(folder, "a.raw-out", file))).toEqual(
        readFileSync(path.join(folder, "whole-out", file)),
      );
  });

  test("of any files: as many pages are absent as holes, at 4 KiB and with the tail", async ({ folder }) => {
    const layout = fc.dictionary(fc.nat(199).map(String), fc.nat(3), { maxKeys: 60 });
    await fc.assert(
      fc.asyncProperty(layout, async (written) => {
        const file = path.join(folder, "any");
        writeSparse(file, 200, written);
        const holes = 200 - Object.keys(written).length;
        fc.pre(holes < 200 && statSync(file).blocks * 512 === (200 - holes) * PAGE);
        const found = await analyzed(folder, "any", "--holes", "absent");
        const numbers = Object.values(written);
        expect(found).toMatchObject({
          pages: numbers.length,
          zeroPages: numbers.filter((number) => number === 0).length,
          contents: new Set(numbers).size,
          absent: holes * PAGE,
        });
      }),
      { numRuns: cases(25) },
    );
  });

  test("merged with the base are what the base and the diff are", async ({ folder }) => {
    // As `snapshot-editor edit-memory rebase` does: the data of the diff over the base.
    const base = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [i, 100 + (i % 9)]));
    const diff = { 5: 1, 6: 0, 40: 2 };
    writeSparse(path.join(folder, "base"), 64, base);
    writeSparse(path.join(folder, "merged"), 64, { ...base, ...diff });
    writeSparse(path.join(folder, "diff"), 64, diff);
    execFileSync("cp", ["base", "byhand"], { cwd: folder });
    for (const [at, number] of Object.entries(diff)) {
      writeFileSync(path.join(folder, "page"), page(number));
      const place = ["bs=4096", `seek=${at}`, "conv=notrunc", "status=none"];
      execFileSync("dd", ["if=page", "of=byhand", ...place], { cwd: folder });
    }
    await succeed(["analyze", "merged", "byhand", "--page-size", "4k", "--out", "out", "--quiet"], { cwd: folder });
    const [merged, byhand] = rowsOf(path.join(folder, "out"), "self.csv");
    expect({ ...byhand, member: "merged" }).toEqual(merged);
  });

  test("that a copy, a pipe or a container has lost are said to be none", async ({ folder }) => {
    writeSparse(path.join(folder, "diff"), 256, { 3: 1 });
    const bytes = readFileSync(path.join(folder, "diff"));
    writeFileSync(path.join(folder, "copy"), bytes);
    writeFileSync(path.join(folder, "diff.gz"), gzipSync(bytes));
    for (const file of ["copy", "diff.gz"]) {
      const { pages, notes } = await inspected(folder, file, "--holes", "absent");
      expect(pages).toBe(256);
      expect(notes).toContainEqual(expect.stringContaining("has no holes"));
    }
  });
});
