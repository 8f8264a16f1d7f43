// The plans of AVML files, before any page is read.

import { describe, expect, test } from "vitest";
import { CODE } from "../../../src/dumps/extents.js";
import { avml } from "../../../src/dumps/formats/avml.js";
import { lime } from "../../../src/dumps/formats/lime.js";
import { avmlFile, avmlHeader, avmlOf, avmlRange } from "../../support/dumps/avml.js";
import { limeRange } from "../../support/dumps/lime.js";
import { damagedForms, memoryOf, planDamaged, planOf, refusalOf } from "../../support/dumps/planned.js";
import { chunk, IDENTIFIER, plainChunk, rawSnappy, snappyChunk } from "../../support/dumps/snappy.js";
import { expectInStep } from "../../support/limits.js";
import { randomBytes } from "../../support/random.js";

const A = Buffer.alloc(0x2c00, randomBytes(1000, 1));
const B = randomBytes(4096, 2);
const TWO = avmlFile([0x1000, A], [0x100000, B]);
const BLOCKS_LEFT_OUT = expect.stringMatching(/leaves out whole blocks of zeros/);

test("a head of AVML is AVML's alone", () => {
  const big = avmlHeader(0, 9);
  big.subarray(0, 8).swap32();
  for (const head of [TWO.subarray(0, 4096), avmlHeader(0, 9, { version: 1 }), big]) {
    expect(avml.probe(head)).toBe(true);
    expect(lime.probe(head)).toBe(false);
  }
  for (const text of ["", "AVML", "LMVA\x02\0\0\0", "-AVML\x02\0\0\0"])
    expect(avml.probe(Buffer.from(text, "latin1"))).toBe(false);
});

test("chunks, compressed and stored, make up the ranges", async () => {
  const file = Buffer.concat([avmlRange(0x1000, A, 3000), avmlRange(0x100000, B, 1)]);
  const plan = await planOf(avml, file);
  expect(memoryOf(plan, file)).toEqual([
    [0x1000, A],
    [0x100000, B],
  ]);
  expect(plan).toMatchObject({ addressSpace: "physical", wins: "first", notes: [BLOCKS_LEFT_OUT] });
  expect(plan.details).toEqual({ ranges: 2, compressed_ranges: 2, bare_headers: 0 });
  expect(plan.extents.count).toBe(4 + 4096);
  expect([0, 1].map((i) => plan.extents.arrays().codes[i])).toEqual([CODE.snappyChunk, CODE.storedChunk]);
  expect(plan.extents.arrays().offsets[0]).toBe(32 + IDENTIFIER.length + 4);
});

test("headers of LiME may stand between, and ranges overlap and go down", async () => {
  const file = Buffer.concat([avmlRange(0x8000, A), limeRange(0x9000, B), avmlRange(0x3, B)]);
  const expected = [
    [0x8000, A],
    [0x9000, B],
    [0x3, B],
  ];
  expect(memoryOf(await planOf(avml, file), file)).toEqual(expected);
  const turned = Buffer.concat([limeRange(0x9000, B), avmlRange(0x8000, A)]);
  expect(memoryOf(await planOf(lime, turned), turned)).toEqual([expected[1], expected[0]]);
});

test("chunks that are to be skipped and identifiers may stand anywhere behind the first", async () => {
  const empty = new Array<Buffer>(5000).fill(chunk(0x80, Buffer.alloc(0)));
  const parts = [B.subarray(0, 100), B.subarray(100)];
  const padding = chunk(0xfe, Buffer.alloc(70_000, 1));
  const chunks = [
    IDENTIFIER,
    padding,
    snappyChunk(parts[0]),
    ...empty,
    IDENTIFIER,
    plainChunk(parts[1]),
    padding,
    ...empty,
  ];
  const file = Buffer.concat([avmlOf(0, B.length, chunks), avmlRange(0x4000, B)]);
  expect(memoryOf(await planOf(avml, file), file)).toEqual([
    [0, B],
    [0x4000, B],
  ]);
});

test("five million empty chunks take no memory, and a time in step with their number", async () => {
  const withChunks = (count: number) =>
    avmlOf(0, B.length, [IDENTIFIER, Buffer.alloc(4 * count, chunk(0x80, Buffer.alloc(0))), plainChunk(B)]);
  await expectInStep(5_000_000, withChunks, async (file) => {
    const { extents } = await planOf(avml, file);
    expect(extents.count).toBe(1);
  });
});

test("millions of tiny pieces, which would take many times their room in memory, are refused", async () => {
  const bytes = 4_500_000;
  const byte = plainChunk(Buffer.from([7]));
  const file = avmlOf(0, bytes, [IDENTIFIER, Buffer.alloc(bytes * byte.length, byte)]);
  expect(await refusalOf(avml, file)).toMatch(/at 0x[0-9a-f]+: 4194305 pieces .* less than 64 bytes/);
});

describe("a header without bytes, as AVML 0.17.0 wrote a block of zeros,", () => {
  test("is elided zero", async () => {
    const bare = [avmlHeader(0x1000, 0x3000), avmlHeader(0x1000000, 0x1000000)];
    const file = Buffer.concat([bare[0], avmlRange(0x4000, B), bare[1], limeRange(0x5000, B), bare[0]]);
    const plan = await planOf(avml, file);
    expect(memoryOf(plan, file)).toEqual([
      [0x1000, 0x3000],
      [0x4000, B],
      [0x1000000, 0x1000000],
      [0x5000, B],
      [0x1000, 0x3000],
    ]);
    expect(plan.details).toEqual({ ranges: 5, compressed_ranges: 1, bare_headers: 3 });
    expect(plan.notes).toEqual([
      BLOCKS_LEFT_OUT,
      expect.stringMatching(/^Headers without bytes: 3, .*0\.17\.0.*ends with one/),
    ]);
  });

  test("is refused where it is longer than a block", async () => {
    expect(await refusalOf(avml, avmlHeader(0, 0x1000001))).toMatch(/at 0x20: .*0x0-0x1000000/);
  });
});

describe("is refused, with the place:", () => {
  const start = TWO.length + 32;
  const first = start + IDENTIFIER.length;
  const range = (...chunks: Buffer[]) => Buffer.concat([TWO, avmlOf(0x200000, 4096, chunks)]);
  const good = plainChunk(B);
  const coded = (data: Buffer) => snappyChunk(B, data);
  const bad: [what: string, bytes: Buffer, offset: number, says: string | RegExp][] = [
    ["another version", avmlHeader(0, 1, { version: 3 }), 4, /version 2, this one 3/],
    ["something in the reserved bytes", avmlHeader(0, 1, { reserved: 1n }), 24, "zero"],
    ["no identifier", range(good), start, "neither a snappy stream nor"],
    ["another identifier", range(chunk(0xff, Buffer.from("snappy")), good), start, "invalid stream identifier"],
    [
      "another identifier later",
      range(IDENTIFIER, chunk(0xff, Buffer.from("sNaPp")), good),
      first,
      "invalid stream identifier",
    ],
    ["a chunk of no known type", range(IDENTIFIER, chunk(0x7f, B)), first, "0x7f"],
    [
      "more than its range",
      range(IDENTIFIER, good, good),
      first + good.length,
      /4096 bytes have|frames of a range have/,
    ],
    [
      "a chunk that goes beyond its range",
      range(IDENTIFIER, plainChunk(randomBytes(4100, 3))),
      first,
      "beyond its range",
    ],
    [
      "less than its range",
      range(IDENTIFIER, plainChunk(B.subarray(1))),
      first + good.length - 1,
      /hold 4095 bytes, .* 4096/,
    ],
    ["nothing of its range", Buffer.concat([TWO, avmlHeader(0, 9), Buffer.alloc(40)]), start, /hold 0 bytes|neither/],
    [
      "a wrong length of the frames",
      avmlOf(0, 4096, [IDENTIFIER, good], 5000n),
      32 + 10 + good.length,
      /4114 bytes.* 5000/,
    ],
    [
      "a length near 2^64",
      avmlOf(0, 4096, [IDENTIFIER, good], 2n ** 64n - 1n),
      32 + 10 + good.length,
      "18446744073709551615",
    ],
    ["a chunk without bytes", range(IDENTIFIER, plainChunk(Buffer.alloc(0)), good), first, "this one 0"],
    ["a chunk without a CRC", range(IDENTIFIER, chunk(1, Buffer.alloc(3)), good), first, "1 to 65536"],
    [
      "a compressed chunk without bytes",
      range(IDENTIFIER, coded(Buffer.alloc(0)), good),
      first,
      "invalid chunk length 4",
    ],
    [
      "a compressed chunk that is too long",
      range(IDENTIFIER, coded(Buffer.alloc(76491, 1))),
      first,
      "chunk length 76495",
    ],
    ["a stored chunk that is too long", range(IDENTIFIER, chunk(1, Buffer.alloc(65541))), first, "65537"],
    ["a chunk that says 64 KiB and one", range(IDENTIFIER, coded(rawSnappy(65537, B))), first, "65537"],
    ["a chunk that says 4 GiB", range(IDENTIFIER, coded(rawSnappy(2 ** 32 - 1, B))), first, "4294967295"],
    ["a chunk whose length does not end", range(IDENTIFIER, coded(Buffer.alloc(9, 0x80))), first, "does not end"],
    ["a cut chunk", avmlOf(0, 4096, [IDENTIFIER, good]).subarray(0, -20), 32 + 10, "the file ends before"],
    ["a cut trailer", TWO.subarray(0, -1), TWO.length - 8, "the file ends before the length"],
  ];
  test.for(bad)("%s", async ([, bytes, offset, says]) => {
    const line = await refusalOf(avml, bytes);
    expect(line).toContain(`dump: at 0x${offset.toString(16)}: `);
    expect(line).toMatch(says);
  });
});

test("with --allow-truncated whole chunks are read", async () => {
  const file = avmlRange(0x1000, A, 3000).subarray(0, -500);
  expect(await refusalOf(avml, file)).toContain("0x1000-0x3bff");
  const plan = await planOf(avml, file, true);
  expect(memoryOf(plan, file)).toEqual([[0x1000, A.subarray(0, 9000)]]);
  expect(plan.span).toEqual([{ address: 0x1000, bytes: A.length }]);
  expect(plan.notes[0]).toContain(`${A.length - 9000} bytes`);
});

/** Ranges of some chunks each, in 400 bytes. */
const SMALL = Buffer.concat([
  avmlRange(0x1000, A.subarray(0, 90), 30),
  limeRange(0x2000, B.subarray(0, 20)),
  avmlHeader(0x3000, 4096),
  avmlRange(0x4000, B.subarray(0, 50), 40),
]);

test("a file cut anywhere is refused, but for behind a range or a header", async () => {
  const ends = [32, avmlRange(0x1000, A.subarray(0, 90), 30).length];
  ends.push(ends[1] + 52, ends[1] + 84, ends[1] + 116);
  const full = memoryOf(await planOf(avml, SMALL), SMALL);
  for (let end = 8; end < SMALL.length; end++) {
    const cut = SMALL.subarray(0, end);
    if (!ends.includes(end)) expect(await refusalOf(avml, cut), `cut at ${end}`).toContain("the file ends before");
    const plan = await planOf(avml, cut, true);
    expect(plan.notes.some((note) => /ends before|ends with one/.test(note))).toBe(
      end !== ends[1] && end !== ends[1] + 52,
    );
    if (end === ends[0] || end === ends[4]) continue;
    memoryOf(plan, cut).forEach(([address, content], i) => {
      expect(address).toBe(full[i][0]);
      if (Buffer.isBuffer(content)) expect((full[i][1] as Buffer).indexOf(content)).toBe(0);
    });
  }
});

test("damaged files give a plan or a refusal, and a plan keeps to the file", async () => {
  expect(await planDamaged(avml, damagedForms(SMALL, 1500, 7))).toBeGreaterThan(200);
});
