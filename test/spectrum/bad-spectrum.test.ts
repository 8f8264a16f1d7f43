// spectrum.parquet as it should not be: among other sources, cut, changed, and with a footer or rows that lie.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { readSpectra } from "pagekin";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { makeFolder, removeFolder, test } from "../support/folder.js";

import { pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { readDamaged } from "../support/read-damaged.js";
import { expectLibraryRefuses, expectRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";
import {
  A,
  B,
  type Parts,
  PYARROW_FOLDER,
  ROWS,
  SIZE,
  type SpectrumRowSql,
  saveSpectrum,
  WORLD,
  writeSpectrum,
} from "../support/written-spectrum.js";

const PYARROW = readdirSync(PYARROW_FOLDER);

test("the good one is read", async ({ folder }) => {
  const file = await writeSpectrum(folder, {});
  await succeed(["compare", file, "--out", "out", "--quiet"], { cwd: folder });
  const rows = rowsOf(path.join(folder, "out"), "policies.csv");
  expect(rows.map(({ zero_pages, policy, pages, frames }) => [zero_pages, policy, pages, frames].join(" "))).toEqual([
    "counted one-group 14 6",
    "counted per-member 14 9",
    "counted zero-only 14 10",
    "counted by:tenant 14 9",
    "left-out one-group 9 5",
    "left-out per-member 9 7",
    "left-out zero-only 9 9",
    "left-out by:tenant 9 7",
  ]);
});

const worlds = (change: object) => ({ worlds: JSON.stringify([{ ...WORLD, ...change }]) });
const size = (change: object) => worlds({ sizes: [{ ...SIZE, ...change }] });
const memberA = (change: object) => worlds({ members: [{ ...A, ...change }, B] });
const row = (number: number, change: SpectrumRowSql) => ({
  rows: ROWS.map((one, i) => (i === number ? { ...one, ...change } : one)),
});
const allRows = (change: (row: (typeof ROWS)[number]) => SpectrumRowSql) => ({
  rows: ROWS.map((one) => ({ ...one, ...change(one) })),
});
const moreRows = (...more: SpectrumRowSql[]) => ({ rows: [...ROWS, ...more] });

const FOOTERS: [what: string, parts: Parts][] = [
  ["worlds that are no JSON", { worlds: "[{" }],
  ["worlds that are empty", { worlds: "" }],
  ["worlds null", { worlds: "null" }],
  ["worlds a number", { worlds: "5" }],
  ["worlds an object", { worlds: "{}" }],
  ["worlds a text", { worlds: '"abc"' }],
  ["a world that is null", { worlds: "[null]" }],
  ["a world that is a number", { worlds: "[5]" }],
  ["no world", { worlds: "[]" }],
  ["no world and no row", { worlds: "[]", where: "false" }],
  ["labels that are no JSON", { labels: "[" }],
  ["labels that are empty", { labels: "" }],
  ["labels null", { labels: "null" }],
  ["labels a number", { labels: "5" }],
  ["labels an object", { labels: "{}" }],
  ["labels a text", { labels: '"tenant"' }],
  ["a label's name a number", { labels: "[5]" }],
  ["a label's name null", { labels: "[null]" }],
  ["members missing", worlds({ members: undefined })],
  ["members an object", worlds({ members: {} })],
  ["no members", worlds({ members: [] })],
  ["a member null", worlds({ members: [null, B] })],
  ["a member fewer", worlds({ members: [A] })],
  ["a member more", worlds({ members: [A, B, { member: "c", labels: { tenant: "red" } }] })],
  ["a member's name a number", memberA({ member: 5 })],
  ["a member's name missing", memberA({ member: undefined })],
  ["a member's name empty", memberA({ member: "" })],
  ["a member twice", memberA({ member: "b" })],
  ["a member's labels missing", memberA({ labels: undefined })],
  ["a member's labels null", memberA({ labels: null })],
  ["a member's labels a number", memberA({ labels: 5 })],
  ["a member's labels a text", memberA({ labels: "red" })],
  ["a member's label a number", memberA({ labels: { tenant: 5 } })],
  ["a member's label null", memberA({ labels: { tenant: null } })],
  ["a member's label an object", memberA({ labels: { tenant: {} } })],
  ["sizes missing", worlds({ sizes: undefined })],
  ["no sizes", worlds({ sizes: [] })],
  ["sizes an object", worlds({ sizes: {} })],
  ["a size null", worlds({ sizes: [null] })],
  ["a size twice", worlds({ sizes: [SIZE, SIZE] })],
  ["a world twice", { worlds: JSON.stringify([WORLD, WORLD]) }],
  ["pages missing", size({ pages: undefined })],
  ["pages fewer", size({ pages: [9] })],
  ["pages more", size({ pages: [9, 5, 7] })],
  ["pages a text", size({ pages: "95" })],
  ["pages as texts", size({ pages: ["9", "5"] })],
  ["pages null", size({ pages: [null, 5] })],
  ["pages wrong", size({ pages: [10, 5] })],
  ["pages negative", size({ pages: [-9, 5] })],
  ["pages huge", size({ pages: [1e300, 5] })],
  ["zero pages missing", size({ zero_pages: undefined })],
  ["zero pages fewer", size({ zero_pages: [4] })],
  ["zero pages more", size({ zero_pages: [4, 1, 0] })],
  ["zero pages as texts", size({ zero_pages: ["4", "1"] })],
  ["zero pages true", size({ zero_pages: [4, true] })],
  ["zero pages other than the rows'", size({ pages: [8, 5], zero_pages: [3, 1] })],
  ["zero pages negative", size({ pages: [1, 5], zero_pages: [-4, 1] })],
  ["zero pages a fraction", size({ pages: [9.5, 5], zero_pages: [4.5, 1] })],
  ["a time as text", worlds({ time_s: "0" })],
  ["a time null", worlds({ time_s: null })],
  ["no time", worlds({ time_s: undefined })],
  ["a time before 0", { ...worlds({ time_s: -1 }), ...allRows(() => ({ time_s: "-1::DOUBLE" })) }],
  [
    "a time without end",
    {
      worlds: JSON.stringify([WORLD]).replace('"time_s":0', '"time_s":1e999'),
      ...allRows(() => ({ time_s: "'inf'::DOUBLE" })),
    },
  ],
  ["a time that is none", { ...worlds({ time_s: "NaN" }), ...allRows(() => ({ time_s: "'nan'::DOUBLE" })) }],
  ["a page size as text", size({ page_bytes: "4096" })],
  ["a page size in a list", size({ page_bytes: [4096] })],
  ["a page size missing", size({ page_bytes: undefined })],
  ["a page size that is none", { ...size({ page_bytes: 3000 }), ...allRows(() => ({ page_bytes: "3000" })) }],
  ["a page size of 0", { ...size({ page_bytes: 0 }), ...allRows(() => ({ page_bytes: "0" })) }],
];

const COPIES_OF_A = { copies: "[-1]", contents: "1" };
const BAD_ROWS: [what: string, parts: Parts][] = [
  ["another time", row(0, { time_s: "7::DOUBLE" })],
  ["another page size", row(0, { page_bytes: "8192" })],
  ["copies negative", row(0, { copies: "[-1]" })],
  ["copies negative, and pages to fit", { ...row(0, { copies: "[-1]" }), ...size({ pages: [3, 5] }) }],
  ["copies negative, and pages to fit unsigned", { ...row(0, COPIES_OF_A), ...size({ pages: [5 + 2 ** 32, 5] }) }],
  ["copies 0", row(0, { members: "['a', 'b']", copies: "[1, 0]" })],
  ["copies null", row(0, { copies: "[NULL]::INTEGER[]" })],
  ["a list of copies null", row(0, { copies: "NULL::INTEGER[]" })],
  ["a copy fewer", row(1, { copies: "[1]" })],
  ["a copy more", row(0, { copies: "[1, 1]" })],
  ["parts of copies", { rows: ROWS.map((one, i) => ({ ...one, copies: i === 0 ? "[1.5::DOUBLE]" : one.copies })) }],
  ["copies without lists", allRows(() => ({ copies: "1" }))],
  ["a list of members null", row(0, { members: "NULL::VARCHAR[]" })],
  ["a member null", row(0, { members: "[NULL]::VARCHAR[]" })],
  ["a member that the footer does not know", row(0, { members: "['x']" })],
  ["members missing", row(0, { members: "[]::VARCHAR[]", copies: "[]::INTEGER[]" })],
  ["a member twice", row(1, { members: "['b', 'b']", copies: "[1, 1]" })],
  ["a member twice, and copies to fit", row(1, { members: "['a', 'b', 'b']", copies: "[1, 1, 1]" })],
  ["members without lists", allRows(() => ({ members: "'a'" }))],
  ["members as numbers", allRows(() => ({ members: "[1]", copies: "[1]" }))],
  ["contents null", row(0, { contents: "NULL::BIGINT" })],
  ["contents 0", row(0, { contents: "0" })],
  ["contents negative, and pages to fit", { ...row(0, { contents: "-3" }), ...size({ pages: [3, 5] }) }],
  ["contents huge", row(0, { contents: "9223372036854775807" })],
  ["contents as texts", allRows(({ contents }) => ({ contents: `'${contents} contents'` }))],
  ["parts of contents", { ...row(0, { contents: "3.5::DOUBLE" }), ...size({ pages: [9.5, 5] }) }],
  ["zero null of the zero content", row(2, { zero: "NULL::BOOLEAN" })],
  ["zero null of another content", row(0, { zero: "NULL::BOOLEAN" })],
  ["zero as a text", allRows(({ zero }) => ({ zero: `'${zero}'` }))],
  ["no zero content", { where: "NOT zero" }],
  ["copies of the zero content other than the footer's", row(2, { copies: "[3, 1]" })],
  ["holders of the zero content other than the footer's", row(2, { members: "['a']", copies: "[4]" })],
  ["two zero contents in a row", row(2, { contents: "2" })],
  ["two zero contents in two rows", moreRows(ROWS[2])],
  ["a zero content where there are no zero pages", size({ pages: [5, 4], zero_pages: [0, 0] })],
];

describe("refused are", () => {
  test.for(FOOTERS)("%s", async ([, parts], { folder }) => {
    const file = await writeSpectrum(folder, parts);
    await expectLibraryRefuses(folder, () => readSpectra(file), [file]);
  });

  test.for(BAD_ROWS)("in rows: %s", async ([, parts], { folder }) => {
    const file = await writeSpectrum(folder, parts);
    await expectLibraryRefuses(folder, () => readSpectra(file), [file]);
  });

  test.for(["time_s", "page_bytes", "zero", "members", "copies", "contents"])(
    "a file without the column %s",
    async (column, { folder }) => {
      const file = await writeSpectrum(folder, { columns: `* EXCLUDE ${column}` });
      await expectLibraryRefuses(folder, () => readSpectra(file), [file, column]);
    },
  );
});

/** Those that may be taken: what they say can be read in one way only, and it adds up. */
const ODD: [what: string, parts: Parts][] = [
  ["a label named twice", { labels: '["tenant", "tenant"]' }],
  ["members in another order", row(1, { members: "['b', 'a']", copies: "[2, 1]" })],
  [
    "a copy vector in two rows",
    { rows: [{ ...ROWS[0], contents: "1" }, { ...ROWS[0], contents: "2" }, ...ROWS.slice(1)] },
  ],
  ["contents that nobody holds", moreRows({ ...ROWS[0], members: "[]::VARCHAR[]", copies: "[]::INTEGER[]" })],
  ["a copy vector that no content has", moreRows({ ...ROWS[0], copies: "[7]", contents: "0" })],
  ["copies as texts", allRows(({ copies }) => ({ copies: `${copies}::VARCHAR[]` }))],
  ["copies as 64 bits", allRows(({ copies }) => ({ copies: `${copies}::BIGINT[]` }))],
  [
    "more contents than numbers tell apart",
    { ...row(0, { contents: `${2n ** 63n - 1n}` }), ...size({ pages: [2 ** 63, 5] }) },
  ],
  [
    "a member named *",
    { ...memberA({ member: "*" }), ...allRows(({ members }) => ({ members: members.replace("'a'", "'*'") })) },
  ],
  [
    "worlds that are not sorted",
    {
      worlds: JSON.stringify([{ ...WORLD, time_s: 5 }, WORLD]),
      rows: [...ROWS.map((one) => ({ ...one, time_s: "5::DOUBLE" })), ...ROWS],
    },
  ],
];

test.for(ODD)("taken or refused, but no bug: %s", async ([, parts], { folder }) => {
  const file = await writeSpectrum(folder, parts);
  const { code, stdout, stderr } = await pagekin(["compare", file, "--out", "out", "--quiet"], { cwd: folder });
  expect(stdout).toBe("");
  expect(stderr).toMatch(code === 0 ? /^$/ : /^pagekin: [^\n]+\n$/);
  expect([0, 2]).toContain(code);
});

describe("a saved spectrum", () => {
  let shared: string;
  let file: string;

  beforeAll(async () => {
    shared = makeFolder();
    file = await saveSpectrum(shared);
  });

  afterAll(() => removeFolder(shared));

  test("among other sources is refused, and so is one that comes in another way", async ({ folder }) => {
    writeFileSync(path.join(folder, "s.parquet"), readFileSync(file));
    writeFileSync(path.join(folder, "s.parquet.gz"), gzipSync(readFileSync(file)));
    writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, TINY, TINY]));
    writeFileSync(path.join(folder, "i.csv"), "path,member\ns.parquet,vm\n");
    const says = ["s.parquet", /saved spectrum/, /only source/];
    await expectRefused(folder, ["compare", "a.raw", "s.parquet"], says);
    await expectRefused(folder, ["compare", "s.parquet", "a.raw", "--page-size", "1k"], says);
    await expectRefused(folder, ["compare", "s.parquet", "s.parquet"], says);
    await expectRefused(folder, ["compare", "--inventory", "i.csv"], says);
    await expectRefused(folder, ["compare", "vm=s.parquet"], ["s.parquet"]);
    await expectRefused(folder, ["compare", "s.parquet.gz"], ["s.parquet.gz", /compressed/]);
    for (const command of ["analyze", "fingerprint"]) {
      await expectRefused(folder, [command, "s.parquet"], ["s.parquet", /saved spectrum|trace already/]);
    }
    const { code, stderr } = await pagekin(["compare", "vm=-", "--out", "out"], {
      cwd: folder,
      input: readFileSync(file),
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^pagekin: standard input: [^\n]+\n$/) });
  });

  test("in the folder for the results is refused, and stays", async () => {
    const before = readdirSync(path.join(shared, "out")).map(
      (name) => statSync(path.join(shared, "out", name)).mtimeMs,
    );
    for (const force of [[], ["--force"]]) {
      const run = await pagekin(["compare", file, "--out", "out", ...force], { cwd: shared });
      expect(run).toEqual({
        code: 2,
        stdout: "",
        stderr: expect.stringMatching(/^pagekin: [^\n]+ lies in the folder for the results; [^\n]+\n$/),
      });
    }
    const after = readdirSync(path.join(shared, "out")).map((name) => statSync(path.join(shared, "out", name)).mtimeMs);
    expect(after).toEqual(before);
  });

  test("that is cut is refused", async ({ folder }) => {
    const bytes = readFileSync(file);
    for (const length of [4, 12, bytes.length >> 1, bytes.length - 8, bytes.length - 1]) {
      writeFileSync(path.join(folder, "bad.parquet"), bytes.subarray(0, length));
      await expectLibraryRefuses(folder, () => readSpectra("bad.parquet"), ["bad.parquet", /Parquet/]);
    }
  });

  test("that is cut anywhere is refused", async ({ folder }) => {
    const { length } = readFileSync(file);
    expect(await readDamaged("spectrum", folder, file, "cut")).toEqual({ forms: length - 4, read: 0 });
  });

  // In other forms, and with more bits of each byte: damaged-spectrum.full.test.ts.
  test("with any bits changed is read or refused", async ({ folder }) => {
    const { forms, read } = await readDamaged("spectrum", folder, file, "bits");
    expect(forms).toBe(readFileSync(file).length - 4);
    // Names, statistics and the like are checked by nobody.
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(forms / 2);
  });

  test.for(PYARROW)("by pyarrow is read: %s", async (name) => {
    const from = path.join(PYARROW_FOLDER, name);
    const [spectrum] = await readSpectra(from);
    expect(spectrum.members.map(({ member, labels }) => [member, labels.tenant])).toEqual([
      ["a", "red"],
      ["b", "blue"],
    ]);
    expect(spectrum.pages).toEqual([9, 5]);
    expect(spectrum.zeroPages).toEqual([4, 1]);
    const { starts, holders, copies, contents } = spectrum.vectors;
    expect([starts, holders, copies, contents].map((array) => [...array])).toEqual([
      [0, 1, 3],
      [0, 0, 1],
      [1, 1, 2],
      [3, 2],
    ]);
  });
});
