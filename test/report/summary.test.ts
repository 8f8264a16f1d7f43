// What the terminal shows: the numbers of the tables, in per cent.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";

const page = (number: number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : TINY + 4 * number + i));
const pages = (...numbers: number[]) => dumpOf(numbers.flatMap(page));

function write(folder: string, dumps: Record<string, Buffer>): void {
  for (const [name, dump] of Object.entries(dumps)) writeFileSync(path.join(folder, name), dump);
}

/** The words of the lines that begin with some words. */
function linesOf(summary: string, ...first: string[]): string[][] {
  const lines = summary.split("\n").map((line) => line.trim().split(/\s+/));
  return lines.filter((words) => first.every((word, i) => words[i] === word));
}

test("members, what they share with one another, and what part of the saving is self-sharing", async ({ folder }) => {
  // a saves 3 of 8 pages, 2 of 5 that are not zero; b saves 1 of 4, without zero pages. Both hold pages 1 and 2.
  write(folder, { "a.raw": pages(0, 0, 0, 1, 2, 2, 2, 3), "b.raw": pages(1, 2, 2, 5) });
  const summary = await succeed(["analyze", "a.raw", "b.raw", "--page-size", "4k"], { cwd: folder });
  const [self] = linesOf(summary, "a");
  expect(self).toEqual(expect.arrayContaining(["8", "37.50", "50.00", "40.00"]));
  expect(linesOf(summary, "a", "-")).toEqual([["a", "-", "16.67"]]);
  const [selfOfB] = linesOf(summary, "b");
  expect(selfOfB).toEqual(expect.arrayContaining(["4", "0.00", "25.00"]));
  expect(linesOf(summary, "b", "16.67")).toEqual([["b", "16.67", "-"]]);
  // 12 pages, 7 contents in the sum (4 + 3), 5 in all: 5 self-saved, 2 inter-saved.
  const [all] = linesOf(summary, "all", "together:");
  expect(all.join(" ")).toMatch(/41\.67 %.*16\.67 %.*58\.33 %.*28 KiB/);
  expect(summary).toContain("71.43 %");
  for (const file of ["self.csv", "inter.csv", "pairs.csv", "page_sizes.csv", "copies.csv", "ledger.csv"]) {
    expect(summary).toContain(file);
  }
});

test("several snapshots of a member: their mean, the least and the most, and the labels beside it", async ({
  folder,
}) => {
  // Self-sharing rates 0.75, 0 and 0.5.
  write(folder, { "x@0.raw": pages(1, 1, 1, 1), "x@1.raw": pages(1, 2, 3, 4), "x@2.raw": pages(1, 1, 2, 2) });
  write(folder, { "labels.csv": Buffer.from("member,os\nx,minix\n") });
  const sources = ["x@0.raw", "x@1.raw", "x@2.raw", "--inventory", "labels.csv"];
  const summary = await succeed(["analyze", ...sources, "--page-size", "4k"], { cwd: folder });
  const [row] = linesOf(summary, "x");
  expect(row).toEqual(expect.arrayContaining(["minix", "3", "41.67", "0.00", "75.00"]));
});

test("the curve over page sizes", async ({ folder }) => {
  // At 4 KiB: one of two pages saved; at 8 KiB: none.
  write(folder, { "x.raw": pages(1, 1) });
  const summary = await succeed(["analyze", "x.raw", "--page-size", "4k,8k"], { cwd: folder });
  expect(linesOf(summary, "self")).toContainEqual(["self", "50.00", "0.00"]);
});

describe("many members", () => {
  const names = Array.from({ length: 30 }, (_, i) => `m${i}.raw`);
  /** m4 and m7 have two contents in common, m2 and m9 one, the others none; m20 saves two pages by itself, m5 one. */
  const common: Record<number, number[]> = { 4: [1, 2], 7: [1, 2], 2: [3], 9: [3], 20: [9, 9, 9], 5: [8, 8] };

  function writeMany(folder: string): void {
    for (const [i, name] of names.entries())
      write(folder, { [name]: pages(...(common[i] ?? []), 100 + i, 200 + i, 300 + i) });
    const rows = names.map((_, i) => `m${i},${i < 10 ? "red" : "blue"},${i}`);
    write(folder, { "labels.csv": Buffer.from(`member,tenant,serial\n${rows.join("\n")}\n`) });
  }

  test("the strongest pairs first, and where the others are", async ({ folder }) => {
    writeMany(folder);
    const summary = await succeed(["analyze", ...names, "--page-size", "4k"], { cwd: folder });
    const [largest] = linesOf(summary, "m4", "+", "m7");
    expect(largest).toEqual(["m4", "+", "m7", "2", "20.00", "%"]);
    const [next] = linesOf(summary, "m2", "+", "m9");
    expect(next).toEqual(["m2", "+", "m9", "1", "12.50", "%"]);
    expect(summary.search(/m4 +\+ m7/)).toBeLessThan(summary.search(/m2 +\+ m9/));
    expect(summary).toContain("all 435 pairs are in pairs.csv");
  });

  test("ranked by what they save, and summed by each label that groups them", async ({ folder }) => {
    writeMany(folder);
    const args = ["analyze", ...names, "--inventory", "labels.csv", "--page-size", "4k"];
    const summary = await succeed(args, { cwd: folder });
    const [, table] = summary.split("Self-sharing, ");
    const members = table.split("\n").flatMap((line) => /^ {2}(m\d+) /.exec(line)?.[1] ?? []);
    expect(members.slice(0, 3)).toEqual(["m20", "m5", "m0"]);
    expect(summary).toMatch(/Self-sharing by tenant\n/);
    expect(summary).not.toMatch(/by serial/);
    // blue: 20 members of 3 pages and 3 more, of which 2 are saved; red: 10 of 3 and 8 more, of which 1 is saved.
    expect(linesOf(summary, "blue")).toEqual([["blue", "20", "252", "KiB", "0.00", "3.17", "8", "KiB"]]);
    expect(linesOf(summary, "red")).toEqual([["red", "10", "152", "KiB", "0.00", "2.63", "4", "KiB"]]);
    expect(summary.indexOf("  blue")).toBeLessThan(summary.indexOf("  red"));
  });
});

test("identical members: how much they can show at most", async ({ folder }) => {
  const dump = pages(1, 2, 3, 4);
  write(folder, { "a.raw": dump, "b.raw": dump, "c.raw": dump, "d.raw": dump });
  const run = (...names: string[]) =>
    succeed(["analyze", ...names, "--page-size", "4k", "--out", "out"], { cwd: folder });
  const two = await run("a.raw", "b.raw");
  expect(two).toContain("identical memory would show at most 50 % here");
  expect(linesOf(two, "a", "-")).toEqual([["a", "-", "50.00"]]);
  expect(await run("a.raw", "b.raw", "c.raw", "d.raw")).toMatch(/inter-VM 75\.00 % \(identical memory: at most 75 %\)/);
});

test("warnings before the tables: no signature, an odd length; then the format of each source", async ({ folder }) => {
  write(folder, { "a.raw": pages(1, 2), "b.raw": Buffer.concat([pages(1, 2), Buffer.alloc(100, 1)]) });
  const run = (...more: string[]) =>
    succeed(["analyze", "a.raw", "b.raw", "--page-size", "4k", "--out", "out", ...more], { cwd: folder });
  const lines = (await run()).split("\n");
  const at = (text: RegExp) => lines.findIndex((line) => text.test(line));
  expect(at(/^Note: a\.raw, b\.raw: no known signature/)).toBe(2);
  expect(at(/^Note: b\.raw: The length of the file, 8292 bytes/)).toBe(4);
  expect(at(/^ {2}a\.raw +raw \(no known signature\)$/)).toBeGreaterThan(4);
  expect(at(/^ {2}b\.raw +raw \(no known signature\)$/)).toBeLessThan(at(/^Self-sharing/));
  expect(await run("--format", "raw")).not.toContain("no known signature");
});
