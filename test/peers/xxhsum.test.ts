import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fingerprintPages } from "pagekin";
import { describe, expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { ALL_SIZES } from "../support/reference.js";
import { THREE } from "../support/three.js";
import { because, HAS_XXHSUM } from "../support/tools.js";

/** What the line in docs/traces.md prints for a page of a dump. */
function xxhsum(file: string, pageBytes: number, page: number): string {
  const line = `dd if="$1" bs=${pageBytes} skip=${page} count=1 status=none | xxhsum -H2`;
  return execFileSync("sh", ["-c", line, "sh", file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).slice(
    0,
    32,
  );
}

describe.skipIf(!HAS_XXHSUM)(`xxhsum -H2${because(HAS_XXHSUM, "xxhsum is not installed")}`, () => {
  test.for(ALL_SIZES)("prints the fingerprints of pages of %i bytes", (pageBytes, { folder }) => {
    const { dump } = THREE[0];
    const file = path.join(folder, "dump");
    writeFileSync(file, dump);
    const pages = fingerprintPages(dump, [pageBytes]).get(pageBytes) ?? [];
    expect(pages).toHaveLength(Math.floor(dump.length / pageBytes));
    const some = [0, 1, 2, 7, pages.length >> 1, pages.length - 1].filter((page) => page < pages.length);
    expect(some.map((page) => pages[page].fingerprint)).toEqual(some.map((page) => xxhsum(file, pageBytes, page)));
  });

  test("prints what stands in a trace", async ({ folder }) => {
    const file = path.join(folder, "vm.raw");
    writeFileSync(file, THREE[1].dump);
    const traces = path.join(folder, "traces");
    await succeed(["fingerprint", file, "--out", traces, "--quiet"]);
    const rows = await query(
      `SELECT page_bytes, page::INTEGER AS page, lower(hex(fingerprint)) AS fingerprint
       FROM ${quote(path.join(traces, "vm.parquet"))} WHERE page IN (0, 5, 33, 148)`,
    );
    expect(rows).toHaveLength(4 * 5);
    for (const { page_bytes, page, fingerprint } of rows) {
      expect(fingerprint).toBe(xxhsum(file, Number(page_bytes), Number(page)));
    }
  });
});
