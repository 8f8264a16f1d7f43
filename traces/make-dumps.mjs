// node traces/make-dumps.mjs DIR: small raw dumps whose sharing is known, in DIR/semma and DIR/world.
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

// A dump is planned as a list of 4 KiB pages, a page as the numbers of its four pieces of 1 KiB. Piece 0 is zero.
// Pieces are equal only if their numbers are: the first word is a one-to-one function of the number, and never zero.
/** @typedef {[number, number, number, number]} Page */
/** @typedef {{ pages: number, zero_pages: number, contents: number }} MemberCount */
/** @typedef {{ shared_contents: number, nonzero_shared_contents: number }} PairCount */
/** @typedef {{ members: Record<string, MemberCount>, pairs: Record<string, PairCount>, set: { pages: number, contents_sum: number, contents_union: number } }} Count */

const PIECE = 1024;
const PAGE = 4096;
const SIZES = [1024, 2048, 4096, 8192, 16384];

/** The pages of SEMMA's worked example: three copies of P in VM1 and VM2, three of Q in VM3. */
export function planSemma() {
  /** @type {Page} */ const p = [1, 2, 3, 4];
  /** @type {Page} */ const q = [5, 6, 7, 8];
  return { VM1: [p, p, p], VM2: [p, p, p], VM3: [q, q, q] };
}

/** The pages of the small world: four members that share in every way that matters to the tables. */
export function planWorld() {
  let last = 0;
  /** @type {(count: number) => Page[]} */
  const fresh = (count) => Array.from({ length: count }, () => [++last, ++last, ++last, ++last]);
  /** @type {(count: number) => Page[]} */
  const zeros = (count) => Array.from({ length: count }, () => [0, 0, 0, 0]);
  /** @type {(pages: Page[], times: number) => Page[]} */
  const repeat = (pages, times) => Array.from({ length: times }, () => pages).flat();

  const system = fresh(128); // in all four; one page off in batch, so there at 4 KiB and below only
  const runtime = fresh(96); // in web and db
  const image = fresh(80); // in db and batch
  const pieces = fresh(32); // in web; cache has each page turned by 1 KiB, so they share at 1 KiB only
  const halves = fresh(24); // half of each: before zeros in web, after zeros in batch, so shared at 1 and 2 KiB
  return {
    web: [
      ...system,
      ...runtime,
      ...zeros(160),
      ...repeat(fresh(8), 6), // self-shared, at every page size
      ...halves.map(/** @returns {Page} */ ([a, b]) => [a, b, 0, 0]),
      ...pieces,
      ...fresh(280),
    ],
    db: [
      ...zeros(64),
      ...system,
      ...runtime,
      ...repeat(fresh(16), 4),
      ...image,
      ...fresh(40).map(/** @returns {Page} */ ([a, b]) => [a, b, 0, 0]),
      ...fresh(552),
    ],
    cache: [
      ...system,
      ...zeros(640),
      ...pieces.map(/** @returns {Page} */ ([a, b, c, d]) => [d, a, b, c]),
      ...fresh(96).flatMap((page) => [page, ...zeros(1)]), // zero at 4 KiB, not at 8
      ...fresh(204),
      ...zeros(340),
    ],
    batch: [
      ...fresh(1),
      ...system,
      ...image,
      ...halves.map(/** @returns {Page} */ ([a, b]) => [0, 0, a, b]),
      ...zeros(100),
      ...repeat(fresh(4), 10),
      ...fresh(142), // 515 pages in all: 12 KiB are left over at 16 KiB
    ],
  };
}

/**
 * What a plan shares at one page size, counted from the numbers of the pieces; no byte is looked at.
 * @param {Record<string, Page[]>} plan
 * @returns {Count}
 */
export function count(plan, pageBytes = PAGE) {
  const perPage = pageBytes / PIECE;
  const zero = Array(perPage).fill(0).join();
  const members = Object.entries(plan).map(([name, pages]) => {
    const pieces = pages.flat();
    const list = Array.from({ length: Math.floor(pieces.length / perPage) }, (_, i) =>
      pieces.slice(i * perPage, (i + 1) * perPage).join(),
    );
    return { name, list, contents: new Set(list) };
  });
  const pairs = members.flatMap((a, i) =>
    members.slice(i + 1).map((b) => {
      const shared = [...a.contents].filter((content) => b.contents.has(content));
      const nonzero = shared.filter((content) => content !== zero);
      return [`${a.name}+${b.name}`, { shared_contents: shared.length, nonzero_shared_contents: nonzero.length }];
    }),
  );
  return {
    members: Object.fromEntries(
      members.map(({ name, list, contents }) => [
        name,
        { pages: list.length, zero_pages: list.filter((page) => page === zero).length, contents: contents.size },
      ]),
    ),
    pairs: Object.fromEntries(pairs),
    set: {
      pages: members.reduce((sum, { list }) => sum + list.length, 0),
      contents_sum: members.reduce((sum, { contents }) => sum + contents.size, 0),
      contents_union: new Set(members.flatMap(({ list }) => list)).size,
    },
  };
}

/**
 * A plan's counts at each of the five page sizes, by size.
 * @param {Record<string, Page[]>} plan
 * @returns {Record<string, Count>}
 */
export function expected(plan) {
  return Object.fromEntries(SIZES.map((size) => [size, count(plan, size)]));
}

/**
 * The bytes of a member. Each piece is a stretch of Marsaglia's xorshift32 sequence that begins where its number says.
 * @param {Page[]} pages
 */
export function bytes(pages) {
  const data = Buffer.alloc(pages.length * PAGE);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  pages.flat().forEach((number, i) => {
    if (number === 0) return;
    let x = Math.imul(number, 0x9e3779b1);
    for (let at = i * PIECE; at < (i + 1) * PIECE; at += 4) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      view.setInt32(at, x, true);
    }
  });
  return data;
}

/** Writes VM1.raw, VM2.raw and VM3.raw into a folder. @param {string} dir */
export function writeSemma(dir) {
  mkdirSync(dir, { recursive: true });
  for (const [name, pages] of Object.entries(planSemma())) writeFileSync(join(dir, `${name}.raw`), bytes(pages));
}

/** Writes web.raw, db.raw, cache.raw (sparse), batch.raw.gz and expected.json into a folder. @param {string} dir */
export function writeWorld(dir) {
  mkdirSync(dir, { recursive: true });
  const plan = planWorld();
  writeFileSync(join(dir, "web.raw"), bytes(plan.web));
  writeFileSync(join(dir, "db.raw"), bytes(plan.db));
  writeSparse(join(dir, "cache.raw"), plan.cache);
  writeFileSync(join(dir, "batch.raw.gz"), gzipSync(bytes(plan.batch), { level: 1 }));
  writeFileSync(join(dir, "expected.json"), `${JSON.stringify(expected(plan), null, 1)}\n`);
}

/** Zero pages become holes, the last ones too. @type {(path: string, pages: Page[]) => void} */
function writeSparse(path, pages) {
  const data = bytes(pages);
  const file = openSync(path, "w");
  try {
    pages.forEach((page, i) => {
      if (page.some((number) => number !== 0)) writeSync(file, data, i * PAGE, PAGE, i * PAGE);
    });
    ftruncateSync(file, data.length);
  } finally {
    closeSync(file);
  }
}

/** Both folders of dumps. @param {string} dir */
export function makeDumps(dir) {
  writeSemma(join(dir, "semma"));
  writeWorld(join(dir, "world"));
}

if (process.argv[1]?.endsWith("make-dumps.mjs")) {
  const [dir, ...rest] = process.argv.slice(2);
  if (dir === undefined || dir.startsWith("-") || rest.length > 0) {
    console.error("usage: node traces/make-dumps.mjs DIR");
    process.exit(2);
  }
  makeDumps(dir);
  console.log(`${join(dir, "semma")}: VM1.raw VM2.raw VM3.raw`);
  console.log(`${join(dir, "world")}: web.raw db.raw cache.raw batch.raw.gz expected.json`);
}
