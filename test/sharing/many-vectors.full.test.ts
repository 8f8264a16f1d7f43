// So many different sets of holders that they are handed on in parts, and counts of pairs beyond 16 bits.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { analyze } from "pagekin";
import { expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { test } from "../support/folder.js";

/** A CSV trace of 4 KiB pages with these contents, by number. */
function writeTrace(folder: string, member: string, contents: readonly number[]): string {
  const rows = contents.map((content, page) => `4096,${page},${content.toString(16).padStart(16, "0")}`);
  const file = path.join(folder, `${member}.csv`);
  writeFileSync(file, `page_bytes,page,fingerprint\n${rows.join("\n")}\n`);
  return file;
}

test("each content counts once, however many copy vectors there are", async ({ folder }) => {
  // Contents 1 to 2^16 - 1 are held by the members whose bits they have: as many vectors as contents.
  const members = 16;
  const shared = Array.from({ length: 2 ** members - 1 }, (_, i) => i + 1);
  const own = (member: number) => Array.from({ length: 500 }, (_, i) => 2 ** 20 * (member + 1) + i);
  const sources = Array.from({ length: members }, (_, member) => {
    const held = shared.filter((content) => (content >> member) & 1);
    return writeTrace(folder, `m${member}`, [...held, ...own(member)]);
  });
  for (const workers of [1, 3]) {
    const [world] = await analyze(sources, { workers });
    const sharing = world?.sharing[0];
    expect(sharing?.nonzeroContents).toEqual(Array(members).fill(2 ** (members - 1) + 500));
    expect(sharing?.nonzeroUnion).toBe(2 ** members - 1 + members * 500);
    expect(new Set(sharing?.pairs.map(({ contents }) => contents))).toEqual(new Set([2 ** (members - 2)]));
  }
});

test("contents of one holder count once, where a collection of vectors is full before they are taken", async ({
  folder,
}) => {
  // As many sets of holders as a collection takes, one more, and 1,000 contents that the first member holds alone. In which
  // parts of the index they lie is another matter in each run.
  const members = 17;
  const vectors = 49_152;
  await query(
    `CREATE TABLE sets AS SELECT i FROM range(1, ${2 ** members}) t(i) WHERE bit_count(i) > 1 ORDER BY bit_count(i), i LIMIT ${vectors}`,
  );
  const fingerprint = (bucket: string, number: string) => `unhex(printf('${bucket}%030x', ${number}))`;
  const sources: string[] = [];
  for (let member = 0; member < members; member++) {
    const held = [
      `SELECT ${fingerprint("00", "i")} AS f FROM sets WHERE (i >> ${member}) & 1 = 1`,
      `SELECT ${fingerprint("f0", "1")}`,
      ...(member === 0 ? [`SELECT ${fingerprint("f1", "i")} FROM range(1000) t(i)`] : []),
    ].join(" UNION ALL ");
    const file = path.join(folder, `m${member}.parquet`);
    const columns = `'m${member}' AS member, 0::DOUBLE AS time_s, 4096::INTEGER AS page_bytes, row_number() OVER () - 1 AS page, f AS fingerprint, false AS zero`;
    await query(`COPY (SELECT ${columns} FROM (${held})) TO ${quote(file)} (FORMAT parquet)`);
    sources.push(file);
  }
  const [world] = await analyze(sources, { workers: 1 });
  expect(world?.sharing[0]?.nonzeroUnion).toBe(vectors + 1 + 1000);
  const alone = world?.sharing[0]?.copies.find((row) => row.members === 1);
  expect(alone).toEqual({ members: 1, copies: 1, contents: 1000 });
});

test("the 1,000 largest pairs are 1,000 where members share more than 65,535 contents", async ({ folder }) => {
  // Pages of 1 KiB that differ in their first four bytes.
  const dump = new Uint8Array(90_000 * 1024);
  const words = new Uint32Array(dump.buffer);
  for (let page = 0; page < 90_000; page++) words[page * 256] = page + 1;
  const large = path.join(folder, "large.raw");
  const small = path.join(folder, "small.raw");
  writeFileSync(large, dump);
  writeFileSync(small, dump.subarray(0, 70_000 * 1024));
  const sources = Array.from({ length: 66 }, (_, i) => `v${i}=${i % 3 === 0 ? large : small}`);
  const [world] = await analyze(sources, { pageSizes: [1024] });
  const pairs = world?.sharing[0]?.pairs ?? [];
  // 22 members are large: all 231 pairs of them share 90,000, every other pair 70,000.
  expect(pairs.length).toBe(1000);
  expect(pairs.filter(({ contents }) => contents === 90_000).length).toBe(231);
  expect(pairs.filter(({ contents }) => contents === 70_000).length).toBe(769);
});
