import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { analyzeDamaged, analyzed, pages } from "../../support/dumps/analyzed.js";
import { avmlFile, avmlHeader, avmlOf, avmlRange } from "../../support/dumps/avml.js";
import { limeRange } from "../../support/dumps/lime.js";
import { damagedForms } from "../../support/dumps/planned.js";
import { IDENTIFIER, plainChunk, rawSnappy, snappyChunk } from "../../support/dumps/snappy.js";
import { test } from "../../support/folder.js";
import { succeed } from "../../support/pagekin.js";
import { expectSourcesRefused } from "../../support/refused.js";

test("counts the pages that a file has, and where every byte went", async ({ folder }) => {
  const low = Buffer.concat([pages(1, 2), pages(3).subarray(0, 0xc00)]);
  const dump = avmlFile([0x1000, low], [0x10000, pages(0, 1)]);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "1k,4k");
  expect(ledger).toMatchObject({
    format: "avml",
    address_space: "physical",
    nonzero_bytes: "12288",
    stored_zero_bytes: "4096",
    elided_zero_bytes: "0",
    absent_bytes: String(0x12000 - 0x1000 - 0x2c00 - 0x2000),
    outside_ram_bytes: "0",
    repeated_bytes: "0",
    tail_bytes: "3072",
  });
  expect(self.map(({ page_bytes, pages, zero_pages, contents }) => [page_bytes, pages, zero_pages, contents])).toEqual([
    ["1024", "19", "4", "4"],
    ["4096", "4", "1", "3"],
  ]);
});

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
