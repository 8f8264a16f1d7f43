// The plans of LiME files, before any page is read.

import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { avml } from "../../../src/dumps/formats/avml.js";
import { lime } from "../../../src/dumps/formats/lime.js";
import { header, limeFile, limeRange } from "../../support/dumps/lime.js";
import { damagedForms, memoryOf, planDamaged, planOf, refusalOf } from "../../support/dumps/planned.js";
import { expectInStep } from "../../support/limits.js";
import { randomBytes } from "../../support/random.js";

const A = randomBytes(0x9ec00, 1).subarray(0, 0x2c00);
const B = randomBytes(4096, 2);
const C = randomBytes(8192, 3);
const TWO = limeFile([0x1000, A], [0x100000, B]);

describe("a head", () => {
  test("of LiME is LiME's alone", () => {
    expect(lime.probe(TWO.subarray(0, 4096))).toBe(true);
    expect(avml.probe(TWO.subarray(0, 4096))).toBe(false);
  });

  test("of a big-endian machine, of another version and of a compressed dump too, so that none is taken for raw", () => {
    expect(lime.probe(header({ first: 0n, last: 9n, bigEndian: true }))).toBe(true);
    expect(lime.probe(header({ first: 0n, last: 9n, version: 7 }))).toBe(true);
    for (const dump of [TWO, A, Buffer.alloc(1 << 20)])
      expect(lime.probe(deflateSync(dump, { windowBits: 11 }).subarray(0, 4096))).toBe(true);
  });

  test("of anything else is not", () => {
    const others = ["", "EMi", "EMiL", "LiME", "LiME\x02\0\0\0", "x\x01EMiL\x01\0\0\0"].map((text) =>
      Buffer.from(text, "latin1"),
    );
    for (const head of [...others, Buffer.concat([Buffer.from([0x38, 0x8d]), B]), Buffer.alloc(4096), B])
      expect(lime.probe(head)).toBe(false);
  });
});

test("ranges lie where their headers say, to the last byte", async () => {
  const plan = await planOf(lime, TWO);
  expect(memoryOf(plan, TWO)).toEqual([
    [0x1000, A],
    [0x100000, B],
  ]);
  expect(plan).toMatchObject({
    addressSpace: "physical",
    wins: "first",
    notes: [],
    details: { ranges: 2 },
  });
  expect(plan.span).toBeUndefined();
});

test("ranges may go down and overlap, begin and end anywhere, and be one byte long", async () => {
  const ranges: [number, Buffer][] = [
    [0x5001, C],
    [0x3fff, B.subarray(0, 1)],
    [0x5800, B],
    [0, B.subarray(5)],
  ];
  const file = limeFile(...ranges);
  expect(memoryOf(await planOf(lime, file), file)).toEqual(ranges);
});

test("the last address of all that can be told", async () => {
  const first = 2n ** 53n - 2n;
  const file = Buffer.concat([header({ first, last: first }), Buffer.from([1])]);
  expect(memoryOf(await planOf(lime, file), file)).toEqual([[Number(first), Buffer.from([1])]]);
  const beyond = Buffer.concat([header({ first, last: first + 1n }), Buffer.from([1, 2])]);
  expect(await refusalOf(lime, beyond)).toMatch(/at 0x10: .*0x1fffffffffffff/);
});

test("half a million ranges of one byte, in a time in step with their number", async () => {
  const one = limeRange(0, B.subarray(0, 1));
  const withRanges = (count: number) => {
    const file = Buffer.alloc(one.length * count, one);
    for (let i = 0; i < count; i++) {
      file.writeUInt32LE(i, i * one.length + 8);
      file.writeUInt32LE(i, i * one.length + 16);
    }
    return file;
  };
  const file = withRanges(500_000);
  const { extents } = await planOf(lime, file);
  expect(extents.count).toBe(500_000);
  expect([extents.address(499_999), extents.arrays().offsets[499_999]]).toEqual([499_999, file.length - 1]);
  await expectInStep(500_000, withRanges, (many) => planOf(lime, many));
});

describe("is refused, with the place:", () => {
  const behindTwo = (bytes: Uint8Array) => Buffer.concat([TWO, bytes]);
  const end = TWO.length;
  const at = (offset: number) => `dump: at 0x${offset.toString(16)}: `;
  const bad: [what: string, bytes: Buffer, offset: number, says: string | RegExp][] = [
    ["an end before the start", behindTwo(header({ first: 16n, last: 15n })), end + 16, "before its start"],
    [
      "a length that wraps around",
      behindTwo(header({ first: 0n, last: 2n ** 64n - 1n })),
      end + 16,
      "0xffffffffffffffff",
    ],
    [
      "a start near 2^64",
      behindTwo(header({ first: 2n ** 64n - 4096n, last: 2n ** 64n - 1n })),
      end + 16,
      "beyond any machine",
    ],
    ["another version", behindTwo(header({ first: 0n, last: 0n, version: 2 })), end + 4, /version 1, this one 2/],
    ["something in the reserved bytes", behindTwo(header({ first: 0n, last: 0n, reserved: 1n })), end + 24, "zero"],
    ["a big-endian header", behindTwo(header({ first: 0n, last: 0n, bigEndian: true })), end, "big-endian"],
    [
      "a range longer than the file",
      behindTwo(limeRange(0x200000, B).subarray(0, 4000)),
      end + 32,
      "0x200000-0x200fff",
    ],
    ["half a header", behindTwo(header({ first: 0n, last: 0n }).subarray(0, 31)), end, "the file ends before"],
    [
      "a range written short",
      Buffer.concat([limeRange(0, C).subarray(0, -100), limeRange(0x8000, C)]),
      8224,
      /neither a range.s header nor zero padding.*short/,
    ],
    ["a compressed dump", deflateSync(TWO, { windowBits: 11 }), 0, /compress=1.*decompress/],
  ];
  test.for(bad)("%s", async ([, bytes, offset, says]) => {
    const line = await refusalOf(lime, bytes);
    expect(line).toContain(at(offset));
    expect(line).toMatch(says);
  });
});

describe("with --allow-truncated", () => {
  test("a range that the file does not hold to its end is read as far as it goes", async () => {
    const cut = TWO.subarray(0, -96);
    const plan = await planOf(lime, cut, true);
    expect(memoryOf(plan, cut)).toEqual([
      [0x1000, A],
      [0x100000, B.subarray(0, -96)],
    ]);
    expect(plan.span).toEqual([{ address: 0x1000, bytes: 0x100000 }]);
    expect(plan.notes).toEqual([expect.stringMatching(/ends before .*0x100000-0x100fff.* 96 bytes/)]);
  });

  test("what is before a range written short is read", async () => {
    const file = Buffer.concat([limeRange(0, C).subarray(0, -100), limeRange(0x8000, C)]);
    const plan = await planOf(lime, file, true);
    expect(memoryOf(plan, file)).toEqual([[0, file.subarray(32, 32 + C.length)]]);
    expect(plan.notes).toEqual([expect.stringMatching(/0x2020.*short/)]);
  });

  test("lies of headers are still refused", async () => {
    expect(await refusalOf(lime, Buffer.concat([TWO, header({ first: 16n, last: 15n })]), true)).toContain(
      "before its start",
    );
  });
});

test("a range that begins with a header is told of, since AVML 0.17.0 left out bytes", async () => {
  const swallowed = Buffer.concat([header({ first: 0n, last: 4095n }), limeRange(0x1000, B.subarray(0, 4064))]);
  expect((await planOf(lime, swallowed)).notes).toEqual([expect.stringMatching(/at 0x20 .*AVML 0\.17\.0/)]);
  expect(await refusalOf(lime, Buffer.concat([swallowed, B]))).toMatch(/at 0x1020: .*AVML 0\.17\.0/);
});

test("a file cut anywhere is refused, but for between its ranges", async () => {
  const small = limeFile([0x1000, B.subarray(0, 70)], [0x3000, C.subarray(0, 40)]);
  for (let end = 8; end < small.length; end++) {
    const cut = small.subarray(0, end);
    if (end !== 32 + 70) expect(await refusalOf(lime, cut)).toContain("the file ends before");
    const plan = await planOf(lime, cut, true);
    const bytes = memoryOf(plan, cut).map(([, content]) => (content as Buffer).length);
    const expected = [Math.min(70, end - 32), Math.min(40, end - 134)].filter((length) => length > 0);
    expect(bytes).toEqual(expected);
    expect(plan.notes).toHaveLength(end === 32 + 70 ? 0 : 1);
  }
});

test("damaged files give a plan or a refusal, and a plan keeps to the file", async () => {
  const small = limeFile([0x1000, B.subarray(0, 70)], [0x3000, C.subarray(0, 40)], [0x2000, A.subarray(0, 9)]);
  expect(await planDamaged(lime, damagedForms(small, 1500, 5))).toBeGreaterThan(200);
});
