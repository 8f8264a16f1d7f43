// Migration streams that are cut or damaged anywhere.

import { expect, test } from "vitest";
import {
  compressed,
  filled,
  head,
  list,
  mappedStream,
  page,
  pageBits,
  ramSections,
  tail,
  u8,
} from "../../support/dumps/migration.js";
import { harmlessCuts, pageOf, readDamaged } from "../../support/dumps/stream-checks.js";

const Q35 = "pc-q35-7.2";
const [A, B] = [1, 2].map((seed) => pageOf(seed));

const SMALL = 1024;
const [a, b] = [6, 7].map((seed) => pageOf(seed, SMALL));
const records = [
  page(0, a, "r"),
  filled(SMALL, 0),
  filled(2 * SMALL, 3),
  compressed(3 * SMALL, Buffer.alloc(SMALL, 8)),
];
const ram = ramSections([list({ r: 8 * SMALL, "pc.rom": SMALL })], records, [page(0, b), filled(0, 0, "pc.rom")]);
const small = Buffer.concat([head(Q35, pageBits(10)), ram, tail()]);
const end = small.indexOf(ram) + ram.length;

test("cut at every place are refused, but behind all of RAM where a stream may end", async () => {
  // Right behind RAM, and behind the byte 00 that ends the stream.
  expect(await harmlessCuts(small, SMALL)).toEqual([end, small.lastIndexOf(u8(6))]);
});

test("damaged anywhere are read or refused, and soon", async () => {
  const seeds = Array.from({ length: 250 }, (_, i) => i + 1);
  const read = await readDamaged(small, seeds, SMALL);
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(seeds.length);
});

test("damaged with mapped-ram are read or refused, and soon", async () => {
  const mapped = mappedStream(Q35, [{ block: "pc.ram", pages: [A, undefined, B] }], { align: 256 });
  const seeds = Array.from({ length: 150 }, (_, i) => i + 1);
  expect(await readDamaged(mapped, seeds)).toBeLessThan(seeds.length);
});
