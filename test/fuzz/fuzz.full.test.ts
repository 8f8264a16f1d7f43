// A small part of `npm run fuzz`, with a seed of its own.

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { FORMAT_NAMES } from "../../src/dumps/formats/registry.js";
import { SUBJECTS } from "./subjects.js";

const FUZZ = path.join(import.meta.dirname, "fuzz.mjs");

test("every format of dumps has a subject, which is called as it is or begins so", () => {
  const names = SUBJECTS.map(({ name }) => name);
  expect(FORMAT_NAMES.filter((format) => !names.some((name) => `${name}-`.startsWith(`${format}-`)))).toEqual([]);
});

/** The last line says how many failures there were; the lines before it say which. */
async function fuzz(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [FUZZ, ...args]).catch((error) => error);
  return stdout;
}

test("changed dumps of every format, and all other files, are read or refused", async () => {
  const printed = await fuzz("--cases", "60", "--seed", "7");
  expect(printed).toMatch(/^(\S+ +60 cases, .* 0 failed;.*\n)+seed 7: 0 failures/);
  expect(printed.trim().split("\n")).toHaveLength(SUBJECTS.length + 1);
});

test("files in gzip and zstd are refused wherever they are cut", async () => {
  expect(await fuzz("--every-cut", "--cases", "600", "gzip", "zstd")).toMatch(
    /^(\S+ +\d+ cases, .* 0 failed;.*\n){2}seed 1: 0 failures/,
  );
});
