// DuckDB reads the rows of traces whose pages lie anywhere and are zero in any pattern: deltas and runs of any length.

import { mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { cases } from "../support/cases.js";
import { query, quote } from "../support/duckdb.js";
import { limeFile } from "../support/dumps/lime.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { fingerprintOf } from "../support/reference.js";

const ZERO = fingerprintOf(dumpOf([0]));

/** Pages of 1 KiB behind a gap: numbers of pieces, in stretches that are zero or all different. */
const range = fc.record({
  gap: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2 ** 20, max: 2 ** 38 })),
  stretches: fc.array(fc.record({ isZero: fc.boolean(), pages: fc.integer({ min: 1, max: 90 }) }), {
    minLength: 1,
    maxLength: 12,
  }),
});

test("rows are the pages of the dump", async ({ folder }) => {
  await fc.assert(
    fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 12 }), async (ranges) => {
      let next = 0;
      let piece = TINY;
      const parts = ranges.map(({ gap, stretches }) => {
        const pieces = stretches.flatMap(({ isZero, pages }) =>
          Array.from({ length: pages }, () => (isZero ? 0 : piece++)),
        );
        const first = next + gap;
        next = first + pieces.length;
        return { first, pieces };
      });
      const work = mkdtempSync(path.join(folder, "case-"));
      const files = parts.map(({ first, pieces }) => [first * 1024, dumpOf(pieces)] as [number, Buffer]);
      writeFileSync(path.join(work, "vm.lime"), limeFile(...files));
      await succeed(["fingerprint", "vm.lime", "--page-size", "1k", "--out", "out", "--quiet"], { cwd: work });
      const trace = quote(path.join(work, "out", "vm.parquet"));
      const rows = await query(`SELECT page, lower(hex(fingerprint)) AS fingerprint, zero FROM ${trace}`);
      const expected = parts.flatMap(({ first, pieces }) =>
        pieces.map((number, i) => ({
          page: String(first + i),
          fingerprint: number === 0 ? ZERO : fingerprintOf(dumpOf([number])),
          zero: number === 0,
        })),
      );
      expect(rows).toEqual(expected);
    }),
    { numRuns: cases(10) },
  );
});
