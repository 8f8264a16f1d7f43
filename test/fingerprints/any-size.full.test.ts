// Worlds that do not fit into the memory allowed: fingerprints are spilled, tables are split, and nothing else changes.

import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder, removeFolder, tablesIn } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { PIECE } from "../support/pieces.js";
import { fillRandom, randomNumbers } from "../support/random.js";
import { FIVE_SIZES } from "../support/reference.js";
import { sameSpectrum } from "../support/spectrum.js";
import { because, HAS_ZSTD, zstd } from "../support/tools.js";
import { type Member, twinTables } from "../support/twin.js";

/** Of the members; the first has more than a segment (64 MiB). */
const MIB = [68, 36, 24, 20];
const NUMBER_BYTES = 4;
const WORDS = PIECE / NUMBER_BYTES;

/** The numbers of a member's pieces: a fifth zero, a fifth common to all, the rest found once. */
function numbersOf(member: number): Int32Array {
  const random = randomNumbers(member);
  const numbers = new Int32Array(MIB[member - 1] * 1024);
  for (let at = 0; at < numbers.length; at += 4) {
    const kind = random(10);
    const first = kind < 2 ? 0 : kind < 4 ? 1 + 4 * random(4096) : member * 0x100000 + at;
    for (let i = 0; i < 4; i++) numbers[at + i] = kind < 2 ? 0 : first + i;
  }
  return numbers;
}

/** The bytes of the pieces: equal where the numbers are. */
function bytesOf(numbers: Int32Array): Buffer {
  const words = new Int32Array(numbers.length * WORDS);
  numbers.forEach((number, i) => {
    if (number !== 0) fillRandom(words.subarray(i * WORDS, (i + 1) * WORDS), number);
  });
  return Buffer.from(words.buffer);
}

/** The numbers stand for the bytes: 4 for 1024. */
const members: Member[] = MIB.map((_, i) => ({ name: `m${i + 1}`, dump: Buffer.from(numbersOf(i + 1).buffer) }));
const WORLDS = [{ timeS: 0, members }];
const TABLES = twinTables(WORLDS, FIVE_SIZES, [], WORDS);
const expectSameSpectrum = sameSpectrum(WORLDS, FIVE_SIZES, [], WORDS);

async function expectSame(out: string): Promise<void> {
  expect(tablesIn(out)).toEqual(TABLES);
  await expectSameSpectrum(out);
}

let folder: string;
let dumps: string[];

beforeAll(() => {
  folder = makeFolder();
  dumps = members.map(({ name }, i) => {
    const file = path.join(folder, `${name}.raw`);
    writeFileSync(file, bytesOf(numbersOf(i + 1)));
    return file;
  });
});

afterAll(() => removeFolder(folder));

describe.each(["1", "2", "5"])("with %s workers", (workers) => {
  test.each(["1m", "3m", "1g"])("and %s of memory, 148 MiB of dumps give the same bytes", async (memory) => {
    const out = path.join(folder, `out-${workers}-${memory}`);
    await succeed(["analyze", ...dumps, "--max-memory", memory, "--workers", workers, "--out", out, "--quiet"]);
    await expectSame(out);
  });
});

test("--verify over them in little memory gives the same bytes", async () => {
  const out = path.join(folder, "verified");
  await succeed(["analyze", ...dumps, "--verify", "--max-memory", "1m", "--workers", "2", "--out", out, "--quiet"]);
  await expectSame(out);
});

test("traces of them in little memory give the same bytes", async () => {
  const traces = path.join(folder, "traces");
  const out = path.join(folder, "out-traces");
  await succeed(["fingerprint", ...dumps, "--max-memory", "1m", "--workers", "2", "--out", traces, "--quiet"]);
  const files = members.map(({ name }) => path.join(traces, `${name}.parquet`));
  await succeed(["analyze", ...files, "--max-memory", "1m", "--workers", "2", "--out", out, "--quiet"]);
  await expectSame(out);
});

async function expectSameFrom(form: string, compress: (bytes: Buffer) => Buffer): Promise<void> {
  const out = path.join(folder, `out-${form}`);
  const file = path.join(folder, `m1.${form}`);
  writeFileSync(file, compress(bytesOf(numbersOf(1))));
  await succeed(["analyze", `m1=${file}`, ...dumps.slice(1), "--out", out, "--quiet"]);
  await expectSame(out);
}

test("a gzip of more than 64 MiB gives the same bytes", () =>
  expectSameFrom("gz", (bytes) => gzipSync(bytes, { level: 0 })));

test.skipIf(!HAS_ZSTD)(
  `a zstd of more than 64 MiB gives the same bytes${because(HAS_ZSTD, "zstd is not installed")}`,
  () => expectSameFrom("zst", (bytes) => zstd(bytes, "-1")),
);

test("nothing is left of the temporary files", async () => {
  const temporary = makeFolder();
  try {
    const out = path.join(folder, "out-temporary");
    await succeed(["analyze", ...dumps, "--max-memory", "1m", "--out", out, "--quiet"], { env: { TMPDIR: temporary } });
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    removeFolder(temporary);
  }
});
