import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { analyzeDamaged, analyzed, pages } from "../../support/dumps/analyzed.js";
import { avmlFile, avmlHeader, avmlOf, avmlRange } from "../../support/dumps/avml.js";
import { limeFile, limeRange } from "../../support/dumps/lime.js";
import { damagedForms } from "../../support/dumps/planned.js";
import { IDENTIFIER, plainChunk, rawSnappy, snappyChunk } from "../../support/dumps/snappy.js";
import { test } from "../../support/folder.js";
import { succeed } from "../../support/pagekin.js";
import { expectSourcesRefused } from "../../support/refused.js";
import { because, has } from "../../support/tools.js";

test("chunks may be of any length, and end anywhere in a page", async ({ folder }) => {
  const { ledger, self } = await analyzed(folder, avmlRange(0x2000, pages(1, 2, 0, 1), 1000), "--page-size", "4k");
  expect(ledger).toMatchObject({ nonzero_bytes: "12288", stored_zero_bytes: "4096", absent_bytes: "0" });
  expect(self[0]).toMatchObject({ pages: "4", zero_pages: "1", contents: "3" });
});

test("headers of LiME may stand between; where ranges overlap the first one counts", async ({ folder }) => {
  const dump = Buffer.concat([
    avmlRange(0x10000, pages(1, 2), 5000),
    limeRange(0x4000, pages(3)),
    avmlRange(0x11000, pages(1, 4)),
  ]);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "4k");
  expect(ledger).toMatchObject({ format: "avml", nonzero_bytes: "16384", repeated_bytes: "4096" });
  expect(self[0]).toMatchObject({ pages: "4", contents: "4" });
});

test("a header without bytes is elided zero", async ({ folder }) => {
  const dump = Buffer.concat([avmlHeader(0x1000, 0x3000), avmlRange(0x4000, pages(1, 0)), avmlHeader(0x6000, 0x1000)]);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "4k");
  expect(ledger).toMatchObject({
    nonzero_bytes: "4096",
    stored_zero_bytes: "4096",
    elided_zero_bytes: "16384",
    absent_bytes: "0",
  });
  expect(self[0]).toMatchObject({ pages: "6", zero_pages: "5", contents: "2" });
});

test("is inspected", async ({ folder }) => {
  writeFileSync(path.join(folder, "vm.avml"), avmlFile([0x1000, pages(1)], [0x100000, pages(2)]));
  const found = JSON.parse(await succeed(["inspect", "vm.avml", "--json"], { cwd: folder }));
  expect(found).toMatchObject({ format: "avml", address_space: "physical" });
});

describe("blocks of zeros that AVML leaves out are noted", () => {
  const BLOCK = 16 * 1024 * 1024;
  const MESSAGE = "leaves out whole blocks of zeros";
  const block = (number: number) => Buffer.concat([pages(number), Buffer.alloc(BLOCK - 4096)]);
  async function notesOf(folder: string, dump: Buffer): Promise<string[]> {
    writeFileSync(path.join(folder, "vm"), dump);
    return JSON.parse(await succeed(["inspect", "vm", "--json"], { cwd: folder })).notes;
  }

  test.for([
    ["a block between two of zeros", limeFile([0x1000, pages(1)], [0x100000 + BLOCK, block(2)])],
    ["blocks without a gap", limeFile([0, block(1)], [BLOCK, block(2)])],
    ["the end of a range, whose blocks are zero", limeFile([0x1000, pages(1)], [0x100000 + 2 * BLOCK, pages(2)])],
    ["the first block alone", limeFile([0, block(1)])],
  ] as const)("as AVML 0.18 and later write them without compression: %s", async ([, dump], { folder }) => {
    expect(await notesOf(folder, dump)).toEqual([expect.stringMatching(`AVML 0.18.*${MESSAGE}`)]);
  });

  test.for([
    ["whole ranges of LiME", limeFile([0x1000, pages(1)], [0x100000, Buffer.concat([block(1), pages(2)])])],
    ["a small machine", limeFile([0x1000, pages(1)], [0x100000, pages(2)])],
  ] as const)("not of %s", async ([, dump], { folder }) => {
    expect(await notesOf(folder, dump)).toEqual([]);
  });

  const AVML = process.env.PAGEKIN_TEST_AVML ?? "avml";
  const HAS_AVML = has(AVML);
  test.skipIf(!HAS_AVML)(`as avml itself writes them${because(HAS_AVML, "avml is not installed")}`, ({ folder }) => {
    const raw = Buffer.concat([block(1), Buffer.alloc(BLOCK), block(2), Buffer.alloc(BLOCK)]);
    writeFileSync(path.join(folder, "vm.raw"), raw);
    return Promise.all(
      ["lime", "lime_compressed"].map(async (format) => {
        const args = ["convert", "--source-format", "raw", "--format", format, "vm.raw", format];
        execFileSync(AVML, args, { cwd: folder });
        const { pages, notes } = JSON.parse(await succeed(["inspect", format, "--json"], { cwd: folder }));
        expect(pages).toBe((2 * BLOCK) / 4096);
        expect(notes).toEqual([expect.stringContaining(MESSAGE)]);
      }),
    );
  });
});

describe("is refused", () => {
  const one = pages(1);
  const range = (...chunks: Buffer[]) => avmlOf(0x1000, 4096, [IDENTIFIER, ...chunks]);
  const good = plainChunk(one);
  /** An extent begins with the CRC of its first chunk. */
  const first = /at 0x2[ae]/;
  const bad: [what: string, dump: Buffer, says: (string | RegExp)[]][] = [
    ["where a stored chunk is not what its CRC is of", range(plainChunk(one, 1)), [first, /CRC/]],
    ["where a compressed chunk is not what its CRC is of", range(snappyChunk(one, undefined, 1)), [first, /CRC/]],
    ["where a chunk makes less than it says", range(snappyChunk(one, rawSnappy(4096, Buffer.from([0, 65])))), [first]],
    ["where a chunk is no snappy", range(snappyChunk(one, rawSnappy(4096, Buffer.from([1, 0])))), [first]],
    [
      "where the length of the frames is another",
      avmlOf(0x1000, 4096, [IDENTIFIER, good], 1n),
      ["at 0x1032", /length/],
    ],
    ["where the frames have too little", range(plainChunk(one.subarray(1))), ["at 0x1031", /4095/]],
    ["where it ends in a chunk", range(good).subarray(0, -9), ["at 0x2a", /ends before/, /--allow-truncated/]],
  ];
  test.for(bad)("%s", async ([, dump, says], { folder }) => {
    writeFileSync(path.join(folder, "vm.avml"), dump);
    await expectSourcesRefused(folder, ["vm.avml"], ["vm.avml", ...says]);
  });
});

test("with --allow-truncated whole chunks count, and the rest is absent", async ({ folder }) => {
  const dump = avmlRange(0x1000, pages(1, 2, 3, 4), 0x2000).subarray(0, -20);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "4k", "--allow-truncated");
  expect(ledger).toMatchObject({ nonzero_bytes: "8192", absent_bytes: "8192" });
  expect(self[0]).toMatchObject({ pages: "2" });
});

test("damaged files are read or refused", async ({ folder }) => {
  const small = Buffer.concat([
    avmlRange(0x1000, pages(1, 0), 3000),
    avmlHeader(0x9000, 4096),
    limeRange(0x3000, pages(2)),
  ]);
  const { refused } = await analyzeDamaged(folder, damagedForms(small, 120, 13));
  expect(refused).toBeGreaterThan(10);
});
