import { fingerprintPages } from "pagekin";
import { describe, expect, test } from "vitest";
import { randomBytes } from "../support/random.js";
import { ALL_SIZES, fingerprintOf } from "../support/reference.js";
import { xxh3of } from "../support/xxh3.js";

/** What xxhsum -H2 prints for a page of zeros, and for one whose byte i is 7 i + floor(i / 256) modulo 256. */
const PUBLISHED: [pageBytes: number, zeros: string, pattern: string][] = [
  [1024, "0717191e67688313de5f15ab6daf7941", "a3da96fbd688736171bee625238addb4"],
  [2048, "436ede2b81c5274f211d551610b7f84a", "7e487a6edeb1f3fe3293e8238bd8f743"],
  [4096, "3ee8dc4f9e7ee49593d76fe148c689ba", "08ef8fc6d37a71915c722d9ceb6f9064"],
  [8192, "6c8a36bd5451c725620797930ab0991a", "faf2bec757bd87c66c3c33c8adf8d207"],
  [16384, "a21d459c03bf6c99b7ce04b81707a4d0", "6244230d83d87154ab2733e104980c24"],
];

const zeros = (pageBytes: number) => Buffer.alloc(pageBytes);
const pattern = (pageBytes: number) => Buffer.from(Array.from({ length: pageBytes }, (_, i) => 7 * i + (i >> 8)));

describe.each(PUBLISHED)("published digests of %i bytes", (pageBytes, ofZeros, ofPattern) => {
  test("are pagekin's", () => {
    expect(fingerprintPages(zeros(pageBytes), [pageBytes])).toEqual(
      new Map([[pageBytes, [{ fingerprint: ofZeros, zero: true }]]]),
    );
    expect(fingerprintPages(pattern(pageBytes), [pageBytes])).toEqual(
      new Map([[pageBytes, [{ fingerprint: ofPattern, zero: false }]]]),
    );
  });

  test("are those of the plain twin and of hash-wasm", () => {
    expect([zeros(pageBytes), pattern(pageBytes)].map(xxh3of)).toEqual([ofZeros, ofPattern]);
    expect([zeros(pageBytes), pattern(pageBytes)].map(fingerprintOf)).toEqual([ofZeros, ofPattern]);
  });
});

/** Ends of stripes, of blocks of 1 KiB, of halves; both ends of the page. */
function edges(pageBytes: number): number[] {
  const marks = [
    0,
    63,
    64,
    960,
    1023,
    1024,
    pageBytes / 2 - 1,
    pageBytes / 2,
    pageBytes - 65,
    pageBytes - 64,
    pageBytes - 1,
  ];
  return [...new Set(marks.filter((at) => at >= 0 && at < pageBytes))];
}

describe.each(ALL_SIZES)("the plain twin at %i bytes", (pageBytes) => {
  test("agrees with hash-wasm and with pagekin on zeros, random bytes and one byte that is not zero", () => {
    // The twin takes its time: of the large sizes only the ends are tried.
    const places = pageBytes <= 16384 ? edges(pageBytes) : [pageBytes - 1];
    const nearlyZero = places.map((at) => {
      const bytes = zeros(pageBytes);
      bytes[at] = 0x80;
      return bytes;
    });
    for (const bytes of [zeros(pageBytes), randomBytes(pageBytes, pageBytes), ...nearlyZero]) {
      const digest = xxh3of(bytes);
      expect(fingerprintOf(bytes)).toBe(digest);
      expect(fingerprintPages(bytes, [pageBytes]).get(pageBytes)).toEqual([
        { fingerprint: digest, zero: bytes.every((byte) => byte === 0) },
      ]);
    }
  });
});
