import { writeFileSync } from "node:fs";
import path from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect } from "vitest";
import { analyzeDamaged, analyzed, pages } from "../../support/dumps/analyzed.js";
import { avmlFile } from "../../support/dumps/avml.js";
import { header, limeFile, limeRange } from "../../support/dumps/lime.js";
import { damagedForms } from "../../support/dumps/planned.js";
import { test } from "../../support/folder.js";
import { succeed } from "../../support/pagekin.js";
import { expectSourcesRefused } from "../../support/refused.js";

test.for([
  ["lime", limeFile],
  ["avml", avmlFile],
] as const)("%s: counts the pages that a file has, and where every byte went", async ([format, fileOf], { folder }) => {
  // Three pages of 1 KiB stand behind the second page, and make no whole page of 4 KiB.
  const low = Buffer.concat([pages(1, 2), pages(3).subarray(0, 0xc00)]);
  const dump = fileOf([0x1000, low], [0x10000, pages(0, 1)]);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "1k,4k");
  expect(ledger).toMatchObject({
    format,
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

test("ranges may go down; where they overlap the first one counts", async ({ folder }) => {
  const dump = limeFile([0x10000, pages(1, 2)], [0x4000, pages(3)], [0x11000, pages(1, 4)]);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "4k");
  expect(ledger).toMatchObject({ nonzero_bytes: "16384", repeated_bytes: "4096", tail_bytes: "0" });
  expect(self[0]).toMatchObject({ pages: "4", contents: "4" });
});

test("a page that two ranges have together is whole", async ({ folder }) => {
  const bytes = pages(1, 2, 3);
  const dump = limeFile([0x1000, bytes.subarray(0, 0x1801)], [0x2801, bytes.subarray(0x1801)]);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "4k");
  expect(ledger).toMatchObject({ nonzero_bytes: "12288", tail_bytes: "0", absent_bytes: "0" });
  expect(self[0]).toMatchObject({ pages: "3", contents: "3" });
});

test("is inspected", async ({ folder }) => {
  writeFileSync(path.join(folder, "vm.lime"), limeFile([0x1000, pages(1)], [0x100000, pages(2)]));
  const found = JSON.parse(await succeed(["inspect", "vm.lime", "--json"], { cwd: folder }));
  expect(found).toMatchObject({ format: "lime", address_space: "physical" });
});

test("zeros behind the last range are read, and noted; anything else is shown", async ({ folder }) => {
  const dump = limeFile([0x1000, pages(1)], [0x100000, pages(2, 0)]);
  for (const bytes of [1, 7, 31, 32, 4096, 3_000_000]) {
    const { ledger, self } = await analyzed(folder, Buffer.concat([dump, Buffer.alloc(bytes)]), "--page-size", "4k");
    expect(self[0]).toMatchObject({ pages: "3", zero_pages: "1" });
    expect(ledger).toMatchObject({ tail_bytes: "0", stored_zero_bytes: "4096" });
    writeFileSync(path.join(folder, "padded"), Buffer.concat([dump, Buffer.alloc(bytes)]));
    const { notes } = JSON.parse(await succeed(["inspect", "padded", "--json"], { cwd: folder }));
    expect(notes).toEqual([expect.stringMatching(`^${bytes} zero bytes follow the last range`)]);
  }
  const at = `at 0x${dump.length.toString(16)}`;
  for (const [behind, says] of [
    [Buffer.from("DUMP_END and more of these"), "ends before"],
    [Buffer.from("DUMP_END and more of these, up to a header"), "44554d505f454e4420616e64206d6f72"],
    [Buffer.concat([Buffer.alloc(5000), Buffer.from("x")]), "00000000"],
  ] as const) {
    writeFileSync(path.join(folder, "more"), Buffer.concat([dump, behind]));
    await expectSourcesRefused(folder, ["more"], [at, says]);
  }
});

describe("is refused", () => {
  const good = limeRange(0x1000, pages(1));
  const bad: [what: string, dump: Buffer, says: (string | RegExp)[]][] = [
    [
      "where a range ends before its start",
      Buffer.concat([good, header({ first: 1n, last: 0n })]),
      ["at 0x1030", /before its start/],
    ],
    ["where a length wraps around", header({ first: 0n, last: 2n ** 64n - 1n }), ["at 0x10", "0xffffffffffffffff"]],
    [
      "where a range was written short",
      Buffer.concat([good.subarray(0, -96), good]),
      ["at 0x1020", /neither a range's header nor zero padding/, /short/],
    ],
    ["where it ends in a range", good.subarray(0, -1), ["at 0x20", /ends before/, /--allow-truncated/]],
    ["where it ends in a header", Buffer.concat([good, good.subarray(0, 31)]), ["at 0x1020", /ends before/]],
    ["of a big-endian machine", header({ first: 0n, last: 0n, bigEndian: true }), ["at 0x0", /big-endian/]],
    ["compressed by LiME", deflateSync(good, { windowBits: 11 }), [/compress=1/, /decompress/]],
    ["compressed by LiME without headers", deflateSync(pages(1, 2), { windowBits: 11 }), [/compress=1/, /decompress/]],
  ];
  test.for(bad)("%s", async ([, dump, says], { folder }) => {
    writeFileSync(path.join(folder, "vm.lime"), dump);
    await expectSourcesRefused(folder, ["vm.lime"], ["vm.lime", ...says]);
  });
});

test("with --allow-truncated what is there counts, and the rest is absent", async ({ folder }) => {
  const dump = limeFile([0x1000, pages(1, 2)], [0x8000, pages(3, 4)]).subarray(0, -0x1800);
  const { ledger, self } = await analyzed(folder, dump, "--page-size", "4k", "--allow-truncated");
  expect(ledger).toMatchObject({
    nonzero_bytes: "8192",
    tail_bytes: "2048",
    absent_bytes: String(0x9000 - 0x2000 - 0x800),
  });
  expect(self[0]).toMatchObject({ pages: "2" });
});

test("damaged files are read or refused", async ({ folder }) => {
  const small = limeFile([0x1000, pages(1)], [0x3000, pages(2).subarray(0, 900)], [0x2000, pages(3)]);
  const { refused } = await analyzeDamaged(folder, damagedForms(small, 120, 9));
  expect(refused).toBeGreaterThan(10);
});
