import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import type { DumpPlan } from "../../../src/dumps/formats/format.js";
import { kdump } from "../../../src/dumps/formats/kdump.js";
import { PagekinError } from "../../../src/errors.js";
import { coded, flattenedOf, inChunks, type KdumpSpec, kdumpOf, noteOf } from "../../support/dumps/kdump.js";
import { dataOf, planning } from "../../support/dumps/kdump-plans.js";
import { test } from "../../support/folder.js";
import { expectInStep } from "../../support/limits.js";
import { succeed } from "../../support/pagekin.js";
import { randomBytes } from "../../support/random.js";
import { expectRefused, expectSourcesRefused } from "../../support/refused.js";
import { onlyRow, rowsOf } from "../../support/table.js";

const PAGE = 4096;
const [A, B, C] = [1, 2, 3].map((seed) => randomBytes(PAGE, seed));
const ZERO = Buffer.alloc(PAGE);
/** zlib makes it smaller. */
const HALF = Buffer.concat([A.subarray(0, PAGE / 2), Buffer.alloc(PAGE / 2)]);
const EIGHT = Buffer.from("pagekin!");

const planOf = (dump: Uint8Array, allowTruncated = false): Promise<DumpPlan> =>
  planning(kdump, dump, (plan) => plan(dump.length, { allowTruncated }));

/** The pages of a plan by number, all stored. */
async function pagesOf(dump: Uint8Array, allowTruncated = false): Promise<Record<string, Buffer>> {
  const data = dataOf(dump, await planOf(dump, allowTruncated));
  return Object.fromEntries(Object.entries(data).map(([address, { data }]) => [Number(address) / PAGE, data]));
}

async function lineOf(dump: Uint8Array): Promise<string> {
  const error = await planOf(dump).then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(PagekinError);
  return (error as PagekinError).line;
}

const MACHINES: [string, Partial<KdumpSpec>][] = [
  ["x86-64", {}],
  ["i386", { longBytes: 4, alignment: 4, machine: "i686" }],
  ["ARM", { longBytes: 4, alignment: 8, machine: "armv7l" }],
  ["s390x", { littleEndian: false, machine: "s390x" }],
  ["PowerPC", { longBytes: 4, alignment: 8, littleEndian: false, machine: "ppc" }],
];

describe.each(MACHINES)("a kdump of %s", (_, machine) => {
  test.for([1, 2, 3, 4, 5, 6])("has its pages, header version %i", async (version) => {
    const dump = kdumpOf({ ...machine, version, pages: { 0: A, 1: B, 5: C, 20: ZERO } });
    const plan = await planOf(dump);
    expect(await pagesOf(dump)).toEqual({ 0: A, 1: B, 5: C, 20: ZERO });
    expect(plan.span).toEqual([
      { address: 0, bytes: 2 * PAGE },
      { address: 5 * PAGE, bytes: PAGE },
      { address: 20 * PAGE, bytes: PAGE },
    ]);
    expect(plan).toMatchObject({ addressSpace: "physical", notes: [] });
    expect(plan.details?.writer).toBe("QEMU");
  });

  test("is one part of a split dump", async () => {
    const dump = kdumpOf({ ...machine, pages: { 0: A, 1: B, 2: C, 5: A }, part: [1, 3] });
    expect(await pagesOf(dump)).toEqual({ 1: B, 2: C });
    const { notes, span } = await planOf(dump);
    expect(notes).toEqual([
      expect.stringMatching(/other parts of a split dump.*: 2 pages of 4096 bytes.*page 1 on.*3\.$/),
    ]);
    expect(span).toHaveLength(2);
    const old = kdumpOf({ ...machine, version: 2, pages: { 0: A, 1: B, 2: C }, part: [1, 3] });
    expect(await pagesOf(old)).toEqual({ 1: B, 2: C });
  });
});

describe("a kdump", () => {
  test("of 32 bits with a max_mapnr that would be a block size", async () => {
    const machine = { longBytes: 4, alignment: 4, machine: "i686" } as const;
    const dump = kdumpOf({ ...machine, pages: { 7: A }, maxMapnr: 8192 });
    expect(await pagesOf(dump)).toEqual({ 7: A });
  });

  test("has pages of every codec", async () => {
    const packed = [coded.zlib(HALF), coded.lzo(EIGHT, PAGE), coded.snappy(EIGHT, PAGE), coded.zstd(7, PAGE)];
    const dump = kdumpOf({ pages: { ...packed, 4: B }, status: 1 });
    const expected = packed.map(({ data }, i) => ({ code: 2 + i, data: Buffer.from(data) }));
    expect(Object.values(dataOf(dump, await planOf(dump)))).toEqual([...expected, { code: 0, data: B }]);
  });

  test("has the zero pages of one descriptor target each", async () => {
    const dump = kdumpOf({ pages: { 0: ZERO, 1: A, 2: { like: 0 }, 9: { like: 0 } } });
    expect(await pagesOf(dump)).toEqual({ 0: ZERO, 1: A, 2: ZERO, 9: ZERO });
  });

  test("lacks excluded pages and says how many, and the level", async () => {
    const dump = kdumpOf({ pages: { 0: A, 1: "excluded", 2: "excluded", 3: B }, dumpLevel: 31 });
    const { span, notes, details } = await planOf(dump);
    expect(await pagesOf(dump)).toEqual({ 0: A, 3: B });
    expect(span).toEqual([{ address: 0, bytes: 4 * PAGE }]);
    expect(notes).toEqual([expect.stringMatching(/level 31.*absent: 2 pages of 4096 bytes/)]);
    expect(details).toMatchObject({ dump_level: 31, excluded_blocks: 2 });
  });

  test("lacks lost pages, which is no error whatever the status says", async () => {
    const pages = { 0: A, 1: "lost", 2: B } as const;
    for (const status of [0, 8]) {
      const dump = kdumpOf({ pages, status });
      const { notes, details } = await planOf(dump);
      expect(await pagesOf(dump)).toEqual({ 0: A, 2: B });
      expect(notes).toEqual([
        ...(status === 8 ? [expect.stringMatching(/incomplete/)] : []),
        expect.stringMatching(/^Lost .*absent: 1 page of 4096 bytes/),
      ]);
      expect(details).toMatchObject({ lost_blocks: 1, incomplete: status === 8 });
    }
  });

  test.for([8192, 16384, 65536])("has blocks of %i bytes", async (blockBytes) => {
    const big = randomBytes(blockBytes, 4);
    const dump = kdumpOf({ blockBytes, machine: "Unknown", pages: { 3: big, 4: coded.lzo(EIGHT, blockBytes) } });
    const plan = await planOf(dump);
    expect(plan.span).toEqual([{ address: 3 * blockBytes, bytes: 2 * blockBytes }]);
    expect(dataOf(dump, plan)[3 * blockBytes]).toEqual({ code: 0, data: big });
    expect(Array.from(plan.extents.arrays().lengths)).toEqual([blockBytes, blockBytes]);
  });

  test("may have one bitmap for both", async () => {
    const dump = kdumpOf({ pages: { 0: A, 3: B }, oneBitmap: true, version: 1 });
    expect(await pagesOf(dump)).toEqual({ 0: A, 3: B });
  });

  test("may be an old diskdump, whose sub header is another", async () => {
    const dump = kdumpOf({ pages: { 0: A, 3: B }, signature: "DISKDUMP", version: 6, lies: {} });
    dump.fill(0xff, PAGE, 2 * PAGE);
    expect(await pagesOf(dump)).toEqual({ 0: A, 3: B });
  });

  test.for(["", "Unknown"])("of QEMU tells a PC by its notes where it has no name but '%s'", async (machine) => {
    const kindOf = async (spec: Partial<KdumpSpec>) =>
      (await planOf(kdumpOf({ pages: { 0: A }, machine, ...spec }))).board?.kind;
    expect(await kindOf({})).toBe("pc");
    expect(await kindOf({ littleEndian: false })).toBe("other");
    expect(await kindOf({ longBytes: 4 })).toBe("other");
    expect(await kindOf({ notes: noteOf("CORE", 1, 336) })).toBe("pc");
    expect(await kindOf({ notes: noteOf("CORE", 1, 392) })).toBe("arm");
    expect(await kindOf({ notes: noteOf("CORE", 1, 376) })).toBe("riscv");
    expect(await kindOf({ notes: noteOf("CORE", 1, 480) })).toBe("other");
    expect(await kindOf({ longBytes: 4, notes: noteOf("CORE", 1, 144) })).toBe("pc");
    expect(await kindOf({ notes: noteOf("CORE", 1, 144) })).toBe("pc");
    expect(await kindOf({ notes: Buffer.concat([noteOf("VMCOREINFO", 0, 5), noteOf("QEMU", 0, 440)]) })).toBe("pc");
    expect(await kindOf({ notes: Buffer.alloc(300, 0xff) })).toBe("pc");
  });

  test.for<[string, Partial<KdumpSpec>, string, string | undefined]>([
    ["QEMU", { machine: "x86_64" }, "QEMU", "pc"],
    ["QEMU of Arm", { machine: "aarch64" }, "QEMU", "arm"],
    ["QEMU of s390", { machine: "s390x", littleEndian: false }, "QEMU", "other"],
    ["makedumpfile", { systemName: "Linux" }, "makedumpfile", undefined],
    [
      "makedumpfile, of QEMU's core",
      { systemName: "Linux", notes: noteOf("QEMU", 0, 440) },
      "makedumpfile, of QEMU's core",
      "pc",
    ],
    ["diskdump", { systemName: "Linux", signature: "DISKDUMP" }, "diskdump", undefined],
  ])("says that %s wrote it, by what it holds of utsname", async ([, spec, writer, kind]) => {
    const { details, board } = await planOf(kdumpOf({ pages: { 0: A }, ...spec }));
    expect([details?.writer, board?.kind]).toEqual([writer, kind]);
  });

  test("may end with its bitmaps, as an empty part of a split dump does", async () => {
    const dump = kdumpOf({ pages: { 0: A, 1: B }, maxMapnr: 9, part: [5, 9] });
    const end = dump.length - PAGE + Math.ceil(9 / 8);
    expect(await pagesOf(dump.subarray(0, end))).toEqual({});
    expect(await lineOf(dump.subarray(0, end - 1))).toMatch(/ends before the end of its bitmaps/);
  });

  test("of 1 GiB of pages is planned, in a time in step with their number", async () => {
    const withPages = (count: number) => {
      const pages: KdumpSpec["pages"] = { 0: ZERO };
      for (let n = 1; n < count; n++) pages[n] = { like: 0 };
      return kdumpOf({ pages, maxMapnr: 4 * count });
    };
    const { extents, span } = await planOf(withPages(2 ** 18));
    expect(extents.count).toBe(2 ** 18);
    expect(span).toEqual([{ address: 0, bytes: 2 ** 30 }]);
    await expectInStep(2 ** 18, withPages, planOf);
  });
});

/** Descriptors of a dump with 8 pages or less stand here. */
const DESCRIPTORS = 4 * PAGE;

/** A good dump of three pages with a number of 4 bytes changed. */
function withWord(offset: number, value: number): Buffer {
  const dump = kdumpOf({ pages: { 0: A, 1: coded.zlib(ZERO), 2: B } });
  dump.writeUInt32LE(value, offset);
  return dump;
}

describe("a kdump is refused", () => {
  test.for<[what: string, dump: Buffer, says: RegExp]>([
    ["with a header of no sense", withWord(428, 4097), /at 0x0: .*no byte order or word size/],
    ["of an unknown version", withWord(8, 7), /at 0x8: .*version 7: versions 1 to 6/],
    ["with a page count beyond 2^53", withWord(PAGE + 100, 2 ** 31), /at 0x1060: .*beyond 2\^53/],
    ["with bitmaps too short for its pages", withWord(PAGE + 96, 2 * 8 * PAGE + 1), /at 0x1b4: .*too short/],
    ["with bitmaps beyond its end", withWord(436, 64), /at 0x2000: .*ends before the end of its bitmaps/],
    ["with more bitmaps than can be", withWord(436, 2 ** 24), /at 0x1b4: .*more than 8 GiB/],
    ["with a sub header beyond its end", withWord(432, 0xffff), /at 0x10000000: .*ends before the end of its bitmaps/],
    ["with data in the headers", withWord(DESCRIPTORS, PAGE), /at 0x4000: .*at 0x1000, inside the headers/],
    ["with data among the descriptors", withWord(DESCRIPTORS, 4 * PAGE + 71), /at 0x4000: .*inside the headers/],
    ["with data beyond its end", withWord(DESCRIPTORS + 4, 1), /at 0x100004048: .*ends before the data of page 0/],
    ["with data beyond 2^53", withWord(DESCRIPTORS + 4, 2 ** 21), /at 0x4000: .*beyond 2\^53/],
    ["with data of negative place", withWord(DESCRIPTORS + 4, 0xffffffff), /at 0x4000: .*beyond 2\^53/],
    ["with data of no bytes", withWord(DESCRIPTORS + 24 + 8, 0), /at 0x4020: .*page 1 .* 0 bytes/],
    ["with more data than a page", withWord(DESCRIPTORS + 24 + 8, 4097), /at 0x4020: .*4097 bytes/],
    ["with a short stored page", withWord(DESCRIPTORS + 8, 4095), /at 0x4008: .*4095 bytes/],
    ["with two codecs for a page", withWord(DESCRIPTORS + 24 + 12, 3), /at 0x4024: .*flags 0x3/],
    ["with an unknown codec", withWord(DESCRIPTORS + 24 + 12, 64), /at 0x4024: .*flags 0x40/],
  ])("%s", async ([, dump, says]) => {
    expect(await lineOf(dump)).toMatch(says);
  });

  test("with a part of a split dump that ends before it begins", async () => {
    expect(await lineOf(kdumpOf({ pages: { 0: A }, part: [3, 1] }))).toMatch(/page 3 to 1/);
  });

  test("with a bitmap in more pieces than RAM has, within bounds", async () => {
    const dump = kdumpOf({ pages: { 0: A }, maxMapnr: 2 ** 23 });
    dump.fill(0x55, 2 * PAGE, 2 * PAGE + 2 ** 20);
    expect(await lineOf(dump)).toMatch(/more than a million pieces/);
  });
});

describe("pagekin with a kdump", () => {
  /** Two forms of the same 16 blocks; the kdump has them in every codec, plain and shared. */
  const eights = (blockBytes: number) => Buffer.alloc(blockBytes, EIGHT);
  const sevens = (blockBytes: number) => Buffer.alloc(blockBytes, 7);
  const worlds = [4096, 65536].map((blockBytes) => {
    const own = [10, 11, 12].map((seed) => Buffer.alloc(blockBytes, randomBytes(1024, seed)));
    const zero = Buffer.alloc(blockBytes);
    const raw = [zero, own[0], own[1], eights(blockBytes), eights(blockBytes), sevens(blockBytes), own[2], zero];
    const pages: KdumpSpec["pages"] = {
      ...{ 0: zero, 1: own[0], 2: coded.zlib(own[1]), 3: coded.lzo(EIGHT, blockBytes) },
      ...{ 4: coded.snappy(EIGHT, blockBytes), 5: coded.zstd(7, blockBytes), 6: own[2], 7: { like: 0 } },
    };
    const kdump = kdumpOf({ pages, blockBytes, machine: blockBytes === 4096 ? "x86_64" : "Unknown" });
    return { blockBytes, raw: Buffer.concat(raw), kdump };
  });

  test.for(worlds)(
    "gives what the raw dump of the same pages gives, blocks of $blockBytes",
    async (world, { folder }) => {
      writeFileSync(path.join(folder, "r.raw"), world.raw);
      writeFileSync(path.join(folder, "k.kdump"), world.kdump);
      writeFileSync(path.join(folder, "f.flat"), flattenedOf(inChunks(world.kdump, 1000)));
      const out = path.join(folder, "out");
      await succeed(["analyze", "r.raw", "k.kdump", "f.flat", "--out", out], { cwd: folder });
      for (const { member, source: _, ...row } of rowsOf(out, "self.csv")) {
        const { member: __, ...expected } = onlyRow(rowsOf(out, "self.csv"), {
          member: "r",
          page_bytes: row.page_bytes,
        });
        expect({ member, ...row }).toEqual({ member, ...expected });
      }
      const inter = onlyRow(rowsOf(out, "inter.csv"), { page_bytes: "4096" });
      expect(Number(inter.contents_sum)).toBe(3 * Number(inter.contents_union));
      expect(onlyRow(rowsOf(out, "ledger.csv"), { member: "k" })).toMatchObject({
        ...{ format: "kdump", address_space: "physical", absent_bytes: "0", elided_zero_bytes: "0", tail_bytes: "0" },
        ...{ stored_zero_bytes: String(2 * world.blockBytes), nonzero_bytes: String(6 * world.blockBytes) },
      });
    },
  );

  test("says what it lacks", async ({ folder }) => {
    const pages = { 0: A, 1: "excluded", 2: "lost", 3: B } as const;
    writeFileSync(path.join(folder, "k.kdump"), kdumpOf({ pages, dumpLevel: 31 }));
    const said = JSON.parse(await succeed(["inspect", "k.kdump", "--json"], { cwd: folder }));
    expect(said).toMatchObject({ format: "kdump", address_space: "physical", ledger: { absent_bytes: 2 * PAGE } });
    expect(said.extents).toEqual([
      { address: 0, bytes: PAGE },
      { address: 3 * PAGE, bytes: PAGE },
    ]);
  });

  test.for(["zlib", "lzo", "snappy", "zstd"] as const)("refuses a damaged page of %s", async (codec, { folder }) => {
    const page =
      codec === "zlib" ? coded.zlib(HALF) : codec === "zstd" ? coded.zstd(1, PAGE) : coded[codec](EIGHT, PAGE);
    const data = Buffer.from(page.data);
    data[0] ^= 0x55;
    writeFileSync(path.join(folder, "k.kdump"), kdumpOf({ pages: { 0: A, 1: { ...page, data } } }));
    await expectSourcesRefused(folder, ["k.kdump"], ["k.kdump", /at 0x5030/, new RegExp(codec, "i")]);
  });

  test("goes on with a cut one only where that is allowed", async ({ folder }) => {
    const dump = kdumpOf({ pages: { 0: A, 1: B, 2: C }, machine: "Unknown" });
    writeFileSync(path.join(folder, "k.kdump"), dump.subarray(0, -1));
    await expectSourcesRefused(folder, ["k.kdump"], [/at 0x/, /ends before the data of page 2/, /--allow-truncated/]);
    const out = path.join(folder, "out");
    await succeed(["analyze", "k.kdump", "--allow-truncated", "--page-size", "4k", "--out", out], { cwd: folder });
    expect(rowsOf(out, "ledger.csv")).toMatchObject([{ nonzero_bytes: "8192", absent_bytes: "4096" }]);
    writeFileSync(path.join(folder, "k.kdump"), dump.subarray(0, 4100));
    for (const more of [[], ["--allow-truncated"]])
      await expectRefused(folder, ["analyze", "k.kdump", ...more], [/ends before .*sub header; take the dump again$/m]);
  });

  test("counts pages that were left out as absent RAM, however many lie together", async ({ folder }) => {
    const pages: KdumpSpec["pages"] = { 0: A, 20001: B };
    for (let n = 1; n <= 20_000; n++) pages[n] = "excluded";
    writeFileSync(path.join(folder, "k.kdump"), kdumpOf({ pages: { ...pages, 20002: "lost" } }));
    const out = path.join(folder, "out");
    await succeed(["analyze", "k.kdump", "--page-size", "4k", "--out", out], { cwd: folder });
    const expected = { nonzero_bytes: "8192", outside_ram_bytes: "0", absent_bytes: String(20_001 * PAGE) };
    expect(rowsOf(out, "ledger.csv")).toMatchObject([expected]);
  });
});
