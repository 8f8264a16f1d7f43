import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskedCrc32c, unsnappy } from "../../src/unpack/snappy.js";
import {
  compressed,
  copy,
  crc32c,
  decoded,
  literal,
  literalsOnly,
  masked,
  nearCopy,
  rawSnappy,
  varint,
} from "../support/dumps/snappy.js";
import { randomBytes, randomNumbers } from "../support/random.js";

const GUARD = 0xa5;

/** What comes of snappy in a target of so many bytes; undefined if it is refused. What lies beside the target must stay. */
function unpacked(data: Uint8Array, length: number): Buffer | undefined {
  const room = Buffer.alloc(length + 32, GUARD);
  const done = unsnappy(data, room.subarray(16, 16 + length));
  expect([...room.subarray(0, 16), ...room.subarray(16 + length)]).toEqual(new Array(32).fill(GUARD));
  return done ? room.subarray(16, 16 + length) : undefined;
}

/** Bytes with repetitions near and far. */
const texts = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 90 }), fc.integer({ min: 1, max: 40 })), { maxLength: 30 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => new Array<Uint8Array>(times).fill(bytes))));

describe("raw snappy", () => {
  const abcd = literal(Buffer.from("abcd"));
  const cases: [what: string, data: Buffer, expected: string][] = [
    ["nothing", rawSnappy(0), ""],
    ["a literal", rawSnappy(4, abcd), "abcd"],
    ["two literals", rawSnappy(8, abcd, abcd), "abcdabcd"],
    ["a near copy", rawSnappy(8, abcd, nearCopy(4, 4)), "abcdabcd"],
    ["a copy that overlaps itself", rawSnappy(13, abcd, nearCopy(2, 9)), "abcdcdcdcdcdc"],
    ["a run", rawSnappy(68, abcd, copy(1, 64)), `abcd${"d".repeat(64)}`],
    ["a copy of one byte", rawSnappy(5, abcd, copy(4, 1)), "abcda"],
    ["a copy whose offset has four bytes", rawSnappy(6, abcd, copy(3, 2, 4)), "abcdbc"],
    [
      "lengths of literals in one to four bytes",
      rawSnappy(16, ...[1, 2, 3, 4].map((n) => literal(Buffer.from("wxyz"), n))),
      "wxyz".repeat(4),
    ],
    [
      "a copy from 2047 before",
      rawSnappy(2058, literal(Buffer.from(`abcdefghijk${"-".repeat(2036)}`)), nearCopy(2047, 11)),
      `abcdefghijk${"-".repeat(2036)}abcdefghijk`,
    ],
  ];
  test.for(cases)("%s", ([, data, expected]) => {
    expect(decoded(data)?.toString()).toBe(expected);
    expect(unpacked(data, expected.length)?.toString()).toBe(expected);
  });

  const damaged: [what: string, data: Buffer, length: number][] = [
    ["no byte at all", Buffer.alloc(0), 0],
    ["a length that does not end", Buffer.from([0x80]), 0],
    ["a length of more than five bytes", Buffer.from([0x84, 0x80, 0x80, 0x80, 0x80, 0, ...abcd]), 4],
    ["less than it says", rawSnappy(5, abcd), 5],
    ["more than it says", rawSnappy(3, abcd), 3],
    ["another length than asked for", rawSnappy(4, abcd), 5],
    ["a length of 4 GiB", rawSnappy(2 ** 32 - 1, abcd), 4],
    ["a copy from before the start", rawSnappy(8, abcd, nearCopy(5, 4)), 8],
    ["a copy from nowhere", rawSnappy(8, abcd, nearCopy(0, 4)), 8],
    ["a copy from 4 GiB before", rawSnappy(8, abcd, copy(2 ** 32 - 1, 4, 4)), 8],
    ["a copy beyond the end", rawSnappy(7, abcd, nearCopy(4, 4)), 7],
    ["a copy first", rawSnappy(4, nearCopy(1, 4)), 4],
    ["a literal of 2 GiB", rawSnappy(4, abcd, Buffer.from([0xfc, 0xff, 0xff, 0xff, 0x7f])), 4],
    ["a tag without its offset", rawSnappy(8, abcd, Buffer.from([0x01])), 8],
    ["something behind the end", rawSnappy(4, abcd, abcd), 4],
  ];
  test.for(damaged)("is refused: %s", ([, data, length]) => {
    expect(unpacked(data, length)).toBeUndefined();
  });

  test("takes a literal of 4 GiB for an empty one, as Google's decoder does", () => {
    const data = rawSnappy(4, literal(Buffer.from("abcd")), Buffer.from([0xfc, 0xff, 0xff, 0xff, 0xff]));
    expect(unpacked(data, 4)?.toString()).toBe("abcd");
  });

  test("of any bytes gives them back", () => {
    fc.assert(
      fc.property(texts, (bytes) => {
        for (const data of [compressed(bytes), literalsOnly(bytes)])
          expect(unpacked(data, bytes.length)?.equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("of 64 KiB", () => {
    for (const bytes of [Buffer.alloc(65536), randomBytes(65536, 3), Buffer.alloc(65536, randomBytes(4000, 4))])
      expect(unpacked(compressed(bytes), bytes.length)?.equals(bytes)).toBe(true);
  });

  test("cut anywhere is refused", () => {
    const data = compressed(Buffer.from(`${"abcdefgh".repeat(9)}xyz${"0123456789".repeat(30)}`));
    for (let end = 0; end < data.length; end++) expect(unpacked(data.subarray(0, end), 375)).toBeUndefined();
  });

  test("with damaged bytes decodes as it does byte by byte, or is refused as there", () => {
    const below = randomNumbers(11);
    let refused = 0;
    for (let run = 0; run < 6000; run++) {
      const plain = Buffer.from(
        "abcdefgh".repeat(1 + below(9)) + "xyz".repeat(below(30)) + "0123456789".repeat(below(9)),
      );
      const data = compressed(plain);
      for (let times = 1 + below(3); times > 0; times--) data[below(data.length)] = below(256);
      const expected = decoded(data);
      const length = expected?.length ?? plain.length;
      const got = unpacked(data, length);
      expect(got?.toString("hex"), `run ${run}`).toBe(expected?.toString("hex"));
      if (got === undefined) refused++;
    }
    expect(refused).toBeGreaterThan(1500);
    expect(refused).toBeLessThan(5700);
  });

  test("of random bytes decodes as it does byte by byte", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.uint8Array({ maxLength: 120 }), (length, bytes) => {
        const data = Buffer.concat([varint(length), bytes]);
        expect(unpacked(data, length)?.toString("hex")).toBe(decoded(data)?.toString("hex"));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("the masked CRC-32C", () => {
  // RFC 3720, appendix B.4, whose bytes stand the other way round; and the check value of the CRC catalogue.
  const published: [what: string, bytes: Uint8Array, crc: number][] = [
    ["32 zeros", Buffer.alloc(32), 0x8a9136aa],
    ["32 bytes of ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
    ["32 bytes upwards", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["32 bytes downwards", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["123456789", Buffer.from("123456789"), 0xe3069283],
    ["nothing", Buffer.alloc(0), 0],
  ];
  test.for(published)("of %s", ([, bytes, crc]) => {
    expect(crc32c(bytes)).toBe(crc);
    expect(maskedCrc32c(bytes)).toBe(masked(crc));
  });

  test("of any bytes, wherever they begin", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, from) => {
        expect(maskedCrc32c(bytes.subarray(from))).toBe(masked(crc32c(bytes.subarray(from))));
      }),
      { numRuns: 500 },
    );
  });
});
