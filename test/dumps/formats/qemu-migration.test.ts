import { deflateSync } from "node:zlib";
import { describe, expect } from "vitest";
import { qemuMigration } from "../../../src/dumps/formats/qemu-migration.js";
import {
  capabilities,
  command,
  compressed,
  END_OF_RECORDS,
  filled,
  head,
  list,
  mappedStream,
  name,
  page,
  pageBits,
  RAM_ID,
  ramSections,
  record,
  section,
  stream,
  tail,
  u8,
  u32,
  u64,
  uuid,
} from "../../support/dumps/migration.js";
import { memoryOf, planOf } from "../../support/dumps/planned.js";
import {
  expectSameAsRaw,
  expectStreamRefused,
  ledgerOf,
  PAGE,
  pageOf,
  pagesOf,
  ZEROS,
} from "../../support/dumps/stream-checks.js";
import { test } from "../../support/folder.js";

const Q35 = "pc-q35-7.2";
const [A, B, C] = [1, 2, 3].map((seed) => pageOf(seed));
const at = (n: number) => n * PAGE;
const fill = (byte: number) => Buffer.alloc(PAGE, byte);
const VGA = "0000:00:01.0/vga.vram";
const DEVICES = { [VGA]: at(4), "/rom@etc/acpi/tables": at(1), "pc.bios": at(1) };

describe("pages", () => {
  const ways = stream(
    Q35,
    { "pc.ram": at(8), ...DEVICES },
    [page(0, A, "pc.ram"), filled(at(1), 0)],
    [
      // The block goes on across the border of sections.
      filled(at(2), 7),
      compressed(at(3), B),
      page(at(4), ZEROS),
      page(at(3), C, VGA),
      page(at(5), A, "pc.ram"),
    ],
    [filled(at(6), 7), filled(at(7), 0xff)],
  );

  test("are read in every way in which they are sent", async ({ folder }) => {
    await expectSameAsRaw(folder, ways, [A, ZEROS, fill(7), B, ZEROS, A, fill(7), fill(0xff)]);
  });

  test("are in the ledger, each once; of devices as outside of RAM", async ({ folder }) => {
    expect(await ledgerOf(folder, ways)).toMatchObject({
      format: "qemu-migration",
      address_space: "physical",
      nonzero: 6,
      stored_zero: 1,
      elided_zero: 1,
      absent: 0,
      outside_ram: 1,
      repeated: 0,
      tail: 0,
    });
  });

  test("that are sent again count once, and the last counts", async ({ folder }) => {
    const again = stream(
      Q35,
      { "pc.ram": at(8), ...DEVICES },
      [page(0, A, "pc.ram"), ...[1, 2, 3, 4, 5, 6, 7].map((n) => (n % 2 ? filled(at(n), 0) : page(at(n), C)))],
      [filled(0, 0, "pc.ram"), page(at(1), A), page(at(2), B), compressed(at(3), C), filled(at(4), 9)],
      [page(at(3), A), compressed(at(6), B), page(at(6), A), page(0, C, VGA), filled(0, 0), page(0, C)],
    );
    await expectSameAsRaw(folder, again, [ZEROS, A, B, A, fill(9), ZEROS, A, ZEROS]);
    expect(await ledgerOf(folder, again)).toMatchObject({
      nonzero: 5,
      elided_zero: 3,
      absent: 0,
      outside_ram: 1,
      repeated: 10,
    });
  });

  test("that were never sent are absent, and enter no rate", async ({ folder }) => {
    const few = stream(Q35, { "pc.ram": at(100) }, [filled(at(3), 0, "pc.ram"), page(at(99), A)], []);
    expect(await ledgerOf(folder, few)).toMatchObject({ nonzero: 1, elided_zero: 1, absent: 98, outside_ram: 0 });
    expect(await pagesOf(folder, few)).toEqual([
      ["3", true],
      ["99", false],
    ]);
  });

  test("of other sizes than 4 KiB", async ({ folder }) => {
    for (const bits of [10, 14, 16]) {
      const bytes = 2 ** bits;
      const [a, b] = [4, 5].map((seed) => pageOf(seed, bytes));
      const records = [...[a, b, a, b, b, b].map((each, i) => page(bytes * i, each, "r")), filled(bytes * 6, 5)];
      const parts = [uuid(), pageBits(bits)];
      const sections = ramSections([list({ r: 8 * bytes })], [...records, compressed(7 * bytes, a)]);
      const sent = Buffer.concat([head(Q35, ...parts), sections, tail()]);
      await expectSameAsRaw(folder, sent, [a, b, a, b, b, b, Buffer.alloc(bytes, 5), a]);
    }
  });

  test.for([1024, 8192, 16384])("of %i bytes, where the stream does not say so", async (bytes, { folder }) => {
    const [a, b] = [4, 5].map((seed) => pageOf(seed, bytes));
    const records = [filled(0, 0, "r"), ...[a, b, b, a].map((each, i) => page(bytes * (i + 1), each))];
    const others = section(1, [u32(1)], "dirty-bitmap", 7);
    const sections = ramSections([list({ r: 8 * bytes })], records, [filled(6 * bytes, 0, "r"), filled(7 * bytes, 5)]);
    const sent = Buffer.concat([head("raspi2b"), others, sections, tail()]);
    const plan = await planOf(qemuMigration, sent);
    const stored = Buffer.concat([a, b, b, a]);
    expect(memoryOf(plan, sent).slice(0, 3)).toEqual([
      [0, bytes],
      [bytes, stored],
      [6 * bytes, bytes],
    ]);
    expect(plan.details).toMatchObject({ page_bytes: bytes });
    const damaged = Buffer.concat([head("raspi2b"), ramSections([list({ r: 8 * bytes })], records, [u64(0x444)])]);
    await expectStreamRefused(folder, damaged, /unknown flags 0x/);
  });
});

describe("addresses", () => {
  const MIB = 2 ** 20;
  const GIB = 2 ** 30;

  test.for<[machine: string, block: string, bytes: number, low: number, base?: number]>([
    ["pc-q35-7.2", "pc.ram", 3 * GIB, 2 * GIB],
    ["pc-q35-rhel9.4.0", "m0", 64 * GIB, 2 * GIB],
    ["pc-q35-7.2", "pc.ram", 2816 * MIB, 2 * GIB],
    ["pc-q35-7.2", "/objects/m0", 2815 * MIB, 2815 * MIB],
    ["pc-i440fx-7.2", "pc.ram", 4 * GIB, 3 * GIB],
    ["pc-i440fx-7.2", "pc.ram", 3583 * MIB, 3583 * MIB],
    ["pc-i440fx-1.7", "pc.ram", 4 * GIB, 3584 * MIB],
    ["microvm", "microvm.ram", 4 * GIB, 3 * GIB],
    ["microvm", "microvm.ram", GIB, GIB],
    ["virt-8.2", "mach-virt.ram", 8 * GIB, 8 * GIB, GIB],
    ["a-machine", "board.sdram", 8 * GIB, 8 * GIB],
  ])("%s, block %s of %i bytes", async ([machine, block, bytes, low, base = 0], { folder }) => {
    const above = low < bytes;
    const records = [page(0, A, block), page(low - PAGE, A), ...(above ? [filled(low, 0), page(bytes - PAGE, B)] : [])];
    const sent = stream(machine, { [block]: bytes, "virt.flash0": at(2) }, records, [filled(0, 0, "virt.flash0")]);
    const pages = [base, base + low - PAGE, ...(above ? [4 * GIB, 4 * GIB + bytes - low - PAGE] : [])];
    expect(await pagesOf(folder, sent)).toEqual(pages.map((address) => [String(address / PAGE), address === 4 * GIB]));
    const ledger = await ledgerOf(folder, sent);
    expect(ledger).toMatchObject({ absent: bytes / PAGE - records.length, outside_ram: 1 });
  });

  test("zeros on both sides of the hole", async ({ folder }) => {
    const low = 2 * GIB;
    const sent = stream(Q35, { "pc.ram": 3 * GIB }, [filled(low - PAGE, 0, "pc.ram"), filled(low, 0)], []);
    expect(await pagesOf(folder, sent)).toEqual([
      [String(low / PAGE - 1), true],
      [String(2 ** 20), true],
    ]);
  });

  test("libvirt's NUMA nodes lie one after the other", async ({ folder }) => {
    const blocks = { "/objects/ram-node1": at(1), "/objects/ram-node0": at(2), ...DEVICES };
    const records = [page(0, C, "/objects/ram-node1"), page(0, A, "/objects/ram-node0"), page(at(1), B)];
    await expectSameAsRaw(folder, stream(Q35, blocks, records, []), [A, B, C]);
  });

  test("of an old machine that does not name itself", async ({ folder }) => {
    const records = [page(0, A, "pc.ram"), filled(at(1), 0)];
    const sent = Buffer.concat([head(undefined), ramSections([list({ "pc.ram": at(2) })], records)]);
    await expectSameAsRaw(folder, sent, [A, ZEROS]);
  });
});

describe("what else a stream may have", () => {
  const RECORDS = [page(0, A, "m0"), page(at(1), B)];

  test.for<[what: string, bytes: Buffer]>([
    [
      "commands, and sizes of huge pages for postcopy that never came",
      Buffer.concat([
        head(Q35),
        command(1),
        command(2, u32(1)),
        command(3, Buffer.alloc(16)),
        ramSections([list({ m0: at(2) }, u64(2 ** 21))], RECORDS),
        tail(),
      ]),
    ],
    [
      "postcopy that never came, without huge pages",
      Buffer.concat([head(Q35), command(3), ramSections([list({ m0: at(2), "pc.rom": at(1) })], RECORDS), tail()]),
    ],
    [
      "addresses of blocks that may be shared",
      Buffer.concat([
        head(Q35, capabilities("x-ignore-shared")),
        ramSections([list({ m0: at(2) }, u64(0))], RECORDS),
        tail(),
      ]),
    ],
    [
      "no description of the devices",
      Buffer.concat([head(Q35), ramSections([list({ m0: at(2) })], RECORDS), section(4, [], "timer", 3), u8(0)]),
    ],
    ["zeros to pad the file", Buffer.concat([stream(Q35, { m0: at(2) }, RECORDS, []), Buffer.alloc(999)])],
  ])("%s", async ([, bytes], { folder }) => {
    await expectSameAsRaw(folder, bytes, [A, B]);
  });
});

describe("mapped-ram", () => {
  const many = Array.from({ length: 130 }, (_, i) => (i % 7 === 3 || i > 100 ? undefined : pageOf(i)));
  const blocks = [
    { block: "pc.rom", pages: [A] },
    { block: "pc.ram", pages: many },
    { block: VGA, pages: [undefined, B], ignored: true },
  ];

  test("pages at their places, and the others zero", async ({ folder }) => {
    const raw = many.map((bytes) => bytes ?? ZEROS);
    await expectSameAsRaw(folder, mappedStream(Q35, blocks, { align: 2 ** 20 }), raw);
    const elided = many.filter((bytes) => bytes === undefined).length;
    expect(await ledgerOf(folder, mappedStream(Q35, blocks))).toMatchObject({
      nonzero: many.length - elided,
      stored_zero: 0,
      elided_zero: elided,
      absent: 0,
      outside_ram: 1,
    });
  });

  test("cut in its pages", async ({ folder }) => {
    const whole = mappedStream(Q35, [{ block: "pc.ram", pages: [A, undefined, B, C, undefined, A] }]);
    const cut = whole.subarray(0, whole.indexOf(C) + 100);
    await expectStreamRefused(folder, cut, /the file ends before the end of RAM block pc\.ram/);
    const ledger = await ledgerOf(folder, cut, "--allow-truncated");
    expect(ledger).toMatchObject({ nonzero: 2, elided_zero: 1, absent: 3 });
  });

  const one = mappedStream(Q35, [{ block: "pc.ram", pages: [A] }]);
  const header = one.indexOf(Buffer.concat([u32(1), u64(PAGE)]));
  const changed = (offset: number, bytes: Buffer) =>
    Buffer.concat([one.subarray(0, offset), bytes, one.subarray(offset + bytes.length)]);

  test.for<[what: string, bytes: Buffer, says: RegExp]>([
    ["of another version", changed(header, u32(2)), /mapped-ram header of version 2/],
    ["with pages of no bytes", changed(header + 4, u64(0)), /pages of 0 bytes/],
    ["with its bitmap before the header", changed(header + 12, u64(8)), /bitmap where it cannot be/],
    ["with its bitmap behind the pages", changed(header + 12, u64(2 ** 40)), /bitmap where it cannot be/],
    ["with its pages behind the file's end", changed(header + 20, u64(2 ** 40)), /the file ends/],
    ["with its pages beyond all numbers", changed(header + 20, u64(2n ** 64n - 1n)), /beyond 2\^53/],
  ])("a block %s is refused", async ([, bytes, says], { folder }) => {
    await expectStreamRefused(folder, bytes, says);
  });

  test("a page among the records is refused", async ({ folder }) => {
    const records = u64(0x10);
    const place = one.indexOf(Buffer.concat([records, u8(0x7e)]), header + PAGE);
    const bytes = Buffer.concat([one.subarray(0, place), page(0, A, "pc.ram"), one.subarray(place)]);
    await expectStreamRefused(folder, bytes, /a page stands in the stream/);
  });
});

describe("refused", () => {
  const BLOCKS = { "pc.ram": at(4) };
  const sent = (...records: Buffer[]) => stream(Q35, BLOCKS, records, []);
  const began = (...rest: Buffer[]) => Buffer.concat([head(Q35), ...rest, tail()]);
  const listed = (blocks: Record<string, number>, ...records: Buffer[]) =>
    stream(Q35, blocks, [...records, page(0, A, "pc.ram")], []);
  const first = section(1, [list(BLOCKS), END_OF_RECORDS]);
  const withoutFooter = Buffer.concat([u8(2), u32(RAM_ID), page(0, A, "pc.ram"), END_OF_RECORDS, u8(3), u32(RAM_ID)]);
  const listOf = (total: number, ...blocks: [string, number | bigint][]) =>
    began(ramSections([u64(total | 4), ...blocks.flatMap(([block, bytes]) => [name(block), u64(bytes)])], []));

  test.for<[what: string, bytes: Buffer, says: RegExp]>([
    ["XBZRLE", sent(page(0, A, "pc.ram"), record(0, 0x40)), /XBZRLE/],
    ["RDMA", sent(record(0, 0x80)), /RDMA/],
    ["multifd", sent(u64(0x200)), /multifd/],
    ["the obsolete flag", sent(record(0, 0x01, "pc.ram")), /unknown flags 0x1/],
    ["no flag", sent(u64(0)), /unknown flags 0x0/],
    ["two flags", sent(record(0, 0x0a, "pc.ram")), /unknown flags 0xa/],
    ["the same block as none", sent(page(0, A)), /first record/],
    ["a block that is not listed", sent(page(0, A, "pc.rom")), /RAM block pc\.rom, which is not listed/],
    ["a page behind its block", sent(page(at(4), A, "pc.ram")), /page 0x4000 is behind the end of RAM block pc\.ram/],
    ["a page far behind", sent(record(2n ** 64n - 4096n, 0x08, "pc.ram", A)), /behind the end/],
    ["a compressed page that is too long", sent(record(0, 0x100, "pc.ram", u32(2 ** 31), A)), /cannot be compressed/],
    ["a compressed page of nothing", sent(record(0, 0x100, "pc.ram", u32(0))), /cannot be compressed/],
    ["blocks listed twice", sent(list(BLOCKS)), /listed twice/],
    ["pages without a list", began(ramSections([page(0, A, "pc.ram")], [])), /not listed/],
    ["two blocks of one name", listOf(at(2), ["a", at(1)], ["a", at(1)]), /second RAM block/],
    ["a block longer than all", listOf(at(2), ["a", at(3)]), /longer than/],
    ["a block beyond 2^53", listOf(at(2), ["a", 2n ** 63n]), /beyond 2\^53/],
    ["blocks that never make the sum", listOf(at(2 ** 16), ["a", at(1)]), /RAM block/],
    ["a block of half a page", listOf(at(1), ["a", 512], ["b", 3584]), /not a multiple of the page size/],
    ["no block of RAM", listed({ "pc.rom": at(1), "pc.bios": at(1) }), /not listed/],
    ["only blocks of devices", stream(Q35, DEVICES, [filled(0, 0, VGA)], []), /no pages of the guest's RAM/],
    ["no page of RAM", stream(Q35, { ...BLOCKS, ...DEVICES }, [filled(0, 0, VGA)], []), /no pages of the guest's RAM/],
    ["more RAM than there can be", listed({ "pc.ram": 2 ** 50 }), /more than a machine can have/],
    ["postcopy", began(command(4), first), /postcopy/],
    ["COLO", began(command(8), first), /COLO/],
    ["a section of an unknown number", began(first, section(2, [END_OF_RECORDS], "", 77)), /unknown number 77/],
    ["no section", began(first, u8(0x33)), /type 0x33/],
    ["RAM twice", began(first, first), /begins twice/],
    ["no end of RAM", began(first, u8(0)), /without the end of its RAM section/],
    ["no RAM", began(), /section timer/],
    ["a wrong footer", began(first, u8(3), u32(RAM_ID), END_OF_RECORDS, u8(0x7e), u32(1)), /footer has number 1/],
    ["no footer", began(first, withoutFooter), /no footer/],
    ["an unknown part of the configuration", began(uuid()).fill("x", 24, 28), /unknown part|no machine/],
    ["pages of 2^40 bytes", Buffer.concat([head(Q35, pageBits(40)), first]), /2\^40/],
    ["many capabilities", Buffer.concat([head(Q35, capabilities()), first]).fill(0xff, 57, 61), /capabilities/],
    ["another version of the stream", began(first).fill(9, 7, 8), /version 9/],
    ["a long machine name", head("x".repeat(300)), /machine name of 300 bytes is too long/],
  ])("%s", async ([, bytes, says], { folder }) => {
    await expectStreamRefused(folder, bytes, says);
  });

  test.for<[what: string, packed: Buffer]>([
    ["more than a page", deflateSync(Buffer.alloc(2 ** 20))],
    ["less than a page", deflateSync(Buffer.alloc(100))],
    ["damaged", deflateSync(A).fill(0x55, 10, 100)],
  ])("a compressed page that is %s", async ([, packed], { folder }) => {
    const bytes = sent(record(0, 0x100, "pc.ram", u32(packed.length), packed));
    await expectStreamRefused(folder, bytes);
  });
});

test("cut files are read as far as they go with --allow-truncated", async ({ folder }) => {
  const whole = stream(
    Q35,
    { "pc.ram": at(4) },
    [page(0, A, "pc.ram"), filled(at(1), 0), page(at(2), B)],
    [page(0, C)],
  );
  const cutInB = whole.subarray(0, whole.indexOf(B) + 9);
  await expectStreamRefused(folder, cutInB, "--allow-truncated");
  const allowed = "--allow-truncated";
  expect(await ledgerOf(folder, cutInB, allowed)).toMatchObject({ nonzero: 1, elided_zero: 1, absent: 2 });
  const cutInC = whole.subarray(0, whole.indexOf(C) + 9);
  expect(await ledgerOf(folder, cutInC, allowed)).toMatchObject({ nonzero: 2, repeated: 0, absent: 1 });
  const cutBehind = whole.subarray(0, whole.length - 1);
  expect(await ledgerOf(folder, cutBehind, allowed)).toMatchObject({ nonzero: 2, repeated: 1, absent: 1 });
});
