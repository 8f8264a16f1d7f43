// A small part of `npm run fuzz`, with a seed of its own.

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const FUZZ = path.join(import.meta.dirname, "fuzz.mjs");

/** The last line says how many failures there were; the lines before it say which. */
async function fuzz(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [FUZZ, "--most-ms", "10000", ...args]).catch(
    (error) => error,
  );
  return stdout;
}

test("changed dumps of every format are read or refused", { timeout: 120_000 }, async () => {
  expect(await fuzz("--cases", "60", "--seed", "7")).toMatch(
    /^(\S+ +60 cases, .* 0 failed;.*\n){22}seed 7: 0 failures/,
  );
});

test("files in gzip and zstd are refused wherever they are cut", { timeout: 120_000 }, async () => {
  expect(await fuzz("--every-cut", "--cases", "600", "gzip", "zstd")).toMatch(
    /^(\S+ +\d+ cases, .* 0 failed;.*\n){2}seed 1: 0 failures/,
  );
});
