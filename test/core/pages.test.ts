import * as fc from "fast-check";
import { fingerprintPages, PagekinError } from "pagekin";
import { expect, test } from "vitest";
import { dumpOf, TINY } from "../support/pieces.js";
import { randomBytes } from "../support/random.js";
import { ALL_SIZES, FIVE_SIZES, fingerprintOf, referencePages } from "../support/reference.js";

function expectReference(bytes: Buffer, pageSizes: readonly number[]): void {
  const expected = new Map(pageSizes.map((pageBytes) => [pageBytes, referencePages(bytes, pageBytes)]));
  expect(fingerprintPages(bytes, pageSizes)).toEqual(expected);
}

test("every page of every size has the fingerprint that hash-wasm gives it", () => {
  // Runs of equal pieces make zero pages, and equal ones, of many sizes; the pieces differ in one byte, at borders.
  const runs = fc.array(fc.tuple(fc.oneof(fc.constant(0), fc.nat(TINY + 9)), fc.integer({ min: 1, max: 300 })), {
    maxLength: 24,
    size: "max",
  });
  fc.assert(
    fc.property(runs, fc.nat(1023), (parts, tailBytes) => {
      const pieces = parts.flatMap(([number, times]) => new Array<number>(times).fill(number));
      expectReference(dumpOf(pieces, tailBytes), ALL_SIZES);
    }),
    { numRuns: 40 },
  );
});

test("any choice of sizes gives each the same pages, ascending and once", () => {
  const bytes = randomBytes(3 * 65536, 5);
  bytes.fill(0, 32768, 32768 + 70000);
  const choices = fc.array(fc.constantFrom(...ALL_SIZES.slice(0, 8)), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(choices, (pageSizes) => {
      const found = fingerprintPages(bytes, pageSizes);
      expect([...found.keys()]).toEqual([...new Set(pageSizes)].sort((a, b) => a - b));
      for (const [pageBytes, pages] of found) expect(pages).toEqual(referencePages(bytes, pageBytes));
    }),
    { numRuns: 25 },
  );
});

test("a page in which one bit is set or turned is another content, wherever the bit is", () => {
  const pageAndBit = fc
    .constantFrom(...ALL_SIZES)
    .chain((pageBytes) => fc.tuple(fc.constant(pageBytes), fc.nat(pageBytes - 1), fc.nat(7), fc.boolean()));
  fc.assert(
    fc.property(pageAndBit, ([pageBytes, at, bit, onZeros]) => {
      const page = onZeros ? Buffer.alloc(pageBytes) : randomBytes(pageBytes, 9);
      const before = fingerprintOf(page);
      page[at] ^= 1 << bit;
      const [{ fingerprint, zero }] = fingerprintPages(page, [pageBytes]).get(pageBytes) ?? [];
      expect({ fingerprint, zero }).toEqual({ fingerprint: fingerprintOf(page), zero: false });
      expect(fingerprint).not.toBe(before);
    }),
    { numRuns: 60 },
  );
});

test("a dump of more than 64 MiB has the pages of its parts, in order", () => {
  const bytes = Buffer.alloc(65 * 1024 * 1024 + 5000);
  for (const at of [0, 1048576 - 512, 31 * 1048576 + 77, 64 * 1048576 - 300, 65 * 1048576]) {
    randomBytes(4096, at + 1).copy(bytes, at);
  }
  expectReference(bytes, [4096, 16384, 2097152]);
});

test.each([0, 1, 1023])("%i bytes hold no page", (length) => {
  expect(fingerprintPages(Buffer.alloc(length, 1), FIVE_SIZES)).toEqual(new Map(FIVE_SIZES.map((size) => [size, []])));
});

test.each([0, 512, 1000, 3000, 1536, 4194304, -4096, Number.NaN])("%f bytes is no page size", (pageBytes) => {
  expect(() => fingerprintPages(Buffer.alloc(65536), [pageBytes])).toThrow(PagekinError);
});
