import { describe, expect } from "vitest";
import { kdump } from "../../../src/dumps/formats/kdump.js";
import { PagekinError } from "../../../src/errors.js";
import { type Chunk, flattenedOf, inChunks, type KdumpSpec, kdumpOf } from "../../support/dumps/kdump.js";
import { dataOf, planning } from "../../support/dumps/kdump-plans.js";
import { test } from "../../support/folder.js";
import { expectInStep } from "../../support/limits.js";
import { randomBytes, randomNumbers } from "../../support/random.js";

const PAGE = 4096;
const [A, B, C] = [1, 2, 3].map((seed) => randomBytes(PAGE, seed));
const PAGES: KdumpSpec["pages"] = { 0: A, 1: B, 2: { like: 0 }, 3: "excluded", 6: C, 7: { like: 0 } };
const PLAIN = kdumpOf({ pages: PAGES });
const HELD = { 0: A, 1: B, 2: A, 6: C, 7: A };

const planOf = (dump: Uint8Array, allowTruncated = false) =>
  planning(kdump, dump, (plan) => plan(dump.length, { allowTruncated }));

/** The pages of a dump by number, and how many bytes of them had to be brought together. */
async function heldBy(dump: Uint8Array, allowTruncated = false) {
  const plan = await planOf(dump, allowTruncated);
  const pages = Object.entries(dataOf(dump, plan)).map(([address, { data }]) => [Number(address) / PAGE, data]);
  return { pages: Object.fromEntries(pages), extra: plan.extra?.length ?? 0, notes: plan.notes };
}

async function lineOf(dump: Uint8Array, allowTruncated = false): Promise<string> {
  const error = await planOf(dump, allowTruncated).then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(PagekinError);
  return (error as PagekinError).line;
}

describe("a flattened kdump has the pages of the plain one", () => {
  test("in one chunk", async () => {
    expect(await heldBy(flattenedOf([[0, PLAIN]]))).toEqual({ pages: HELD, extra: 0, notes: [expect.anything()] });
  });

  test("in chunks that hold whole pages", async () => {
    const head = PLAIN.length - 3 * PAGE;
    const chunks: Chunk[] = [[0, PLAIN.subarray(0, head)]];
    for (const [at, bytes] of inChunks(PLAIN.subarray(head), PAGE)) chunks.push([head + at, bytes]);
    expect(await heldBy(flattenedOf(chunks))).toMatchObject({ pages: HELD, extra: 0 });
  });

  test.for([1, 7, 24, 1000, 4096, 6000])("in chunks of %i bytes, which pages straddle", async (chunkBytes) => {
    const { pages, extra } = await heldBy(flattenedOf(inChunks(PLAIN, chunkBytes)));
    expect(pages).toEqual(HELD);
    // Page 0 is gathered once, though three have its data.
    expect(extra % PAGE).toBe(0);
    expect(extra).toBeGreaterThan(0);
    expect(extra).toBeLessThanOrEqual(3 * PAGE);
  });

  test("in chunks of any order and size that write places again, the last of which counts", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed);
      // Rubbish first, of which nothing may be left, and then the plain file in pieces that overlap.
      const chunks: Chunk[] = Array.from({ length: 10 }, () => [random(PLAIN.length - 999), randomBytes(1000, seed)]);
      const pieces = inChunks(PLAIN, 500 + random(9000));
      while (pieces.length > 0) {
        const [[at, bytes]] = pieces.splice(random(pieces.length), 1);
        chunks.push([at, PLAIN.subarray(at, at + bytes.length + random(3000))]);
      }
      expect((await heldBy(flattenedOf(chunks))).pages).toEqual(HELD);
    }
  });

  test("where zeros are left out", async () => {
    const chunks = inChunks(PLAIN, 512).filter(([, bytes]) => bytes.some((byte) => byte !== 0));
    expect(chunks.length).toBeLessThan(PLAIN.length / 512 - 10);
    expect((await heldBy(flattenedOf(chunks))).pages).toEqual(HELD);
  });

  test("with empty chunks, and bytes behind the end mark", async () => {
    const dump = flattenedOf([
      [2 ** 40, Buffer.alloc(0)],
      [0, PLAIN],
      [0, Buffer.alloc(0)],
    ]);
    expect((await heldBy(Buffer.concat([dump, A]))).pages).toEqual(HELD);
  });
});

/** The plain file in chunks of 1000 bytes with one of its own before the end mark. */
const withChunk = (at: number | bigint, size: number | bigint): Buffer => {
  const dump = flattenedOf([...inChunks(PLAIN, 1000), [0, Buffer.alloc(0)]]);
  dump.writeBigInt64BE(BigInt(at), dump.length - 32);
  dump.writeBigInt64BE(BigInt(size), dump.length - 24);
  return dump;
};
const LAST = (withChunk(0, 0).length - 32).toString(16);

describe("a flattened dump is refused", () => {
  test.for<[what: string, dump: Buffer, says: RegExp]>([
    ["with a chunk at a negative position", withChunk(-5, 8), new RegExp(`at 0x${LAST}: .*8 bytes for position -5`)],
    ["with a chunk of negative size", withChunk(0, -8), new RegExp(`at 0x${LAST}: .*-8 bytes`)],
    ["with a chunk beyond 2^53", withChunk(2n ** 62n, 4), new RegExp(`at 0x${LAST}: .*4611686018427387904`)],
    [
      "with a chunk beyond its end",
      withChunk(0, 2n ** 40n),
      new RegExp(`at 0x${LAST}: .*ends before the end of a chunk`),
    ],
    [
      "without its end mark",
      flattenedOf([[0, PLAIN]], { endMark: false }),
      /ends before its end mark.*--allow-truncated/,
    ],
    ["of another version", Buffer.concat([Buffer.from("makedumpfile"), Buffer.alloc(5000)]), /at 0x0: .*unknown type/],
    ["with nothing in it", flattenedOf([]), /at 0x1000: no chunk has the signature/],
    ["with another format in it", flattenedOf([[0, A]]), /at 0x1010: a flattened dump of an unknown format/],
    [
      "with headers in no chunk",
      flattenedOf([
        [0, PLAIN.subarray(0, 16)],
        [2 ** 50, A],
      ]),
      /no byte order or word size/,
    ],
  ])("%s", async ([, dump, says]) => {
    expect(await lineOf(dump)).toMatch(says);
  });

  test("where no chunk has a page's data", async () => {
    const chunks = inChunks(PLAIN, 1000).filter(([at]) => at !== 18000);
    const line = await lineOf(flattenedOf(chunks));
    expect(line).toMatch(/no chunk has the data of page 0, at 0x4078 of the plain file/);
    const { pages, notes } = await heldBy(flattenedOf(chunks), true);
    expect(pages).toEqual({ 1: B, 6: C });
    expect(notes).toContainEqual(expect.stringMatching(/not whole.*3 pages/));
  });

  test("where scattered pages take too much memory", async () => {
    // Two chunks, and descriptors whose data all lie across their border, each a byte further on.
    const blockBytes = 65536;
    const shared = randomBytes(2 * blockBytes, 5);
    const pages: KdumpSpec["pages"] = { 0: { flags: 1, data: shared } };
    for (let n = 1; n <= 5000; n++) pages[n] = { like: 0 };
    const plain = kdumpOf({ pages, blockBytes });
    const data = plain.length - shared.length;
    for (let n = 0; n <= 5000; n++) {
      const at = data - (5001 - n) * 24;
      plain.writeBigUInt64LE(BigInt(data + 1 + n), at);
      plain.writeUInt32LE(65536, at + 8);
    }
    const border = data + blockBytes;
    const dump = flattenedOf([
      [0, plain.subarray(0, border)],
      [border, plain.subarray(border)],
    ]);
    expect(await lineOf(dump)).toMatch(/more than 256 MiB together; make it plain/);
  });

  test("with millions of tiny chunks, within bounds", async () => {
    const withChunks = (count: number) => {
      const dump = Buffer.alloc(4096 + 17 * count, 0);
      flattenedOf([]).copy(dump);
      for (let at = 4096, n = count; at < dump.length; at += 17, n--) {
        dump.writeBigInt64BE(BigInt((n * 7919) % 1_300_000), at);
        dump.writeBigInt64BE(1n, at + 8);
      }
      return dump;
    };
    expect(await lineOf(withChunks(1_200_000))).toMatch(/too many chunks of a few bytes/);
    await expectInStep(1_000_000, withChunks, async (dump) => {
      expect(await lineOf(dump, true)).toMatch(/a flattened dump of an unknown format/);
    });
  });
});

test("a cut flattened dump is read as far as it goes", async () => {
  const whole = flattenedOf(inChunks(PLAIN, 1000));
  const { pages, notes } = await heldBy(whole.subarray(0, -16), true);
  expect(pages).toEqual(HELD);
  expect(notes).toContainEqual(expect.stringMatching(/not whole.*absent: 0 pages/));
  const cut = await heldBy(whole.subarray(0, -16 - PAGE - 1), true);
  expect(cut.pages).toEqual({ 0: A, 1: B, 2: A, 7: A });
  expect(cut.notes).toContainEqual(expect.stringMatching(/not whole.*1 page of/));
  // The bitmaps are written after the pages by some: without them nobody knows which pages there are.
  const chunks = inChunks(PLAIN, 4096);
  const late = flattenedOf([...chunks.filter(([at]) => at !== 2 * PAGE), chunks[2]]);
  expect((await heldBy(late)).pages).toEqual(HELD);
  expect(await lineOf(late.subarray(0, -16 - 100), true)).toMatch(/before all of its bitmaps are written/);
});
