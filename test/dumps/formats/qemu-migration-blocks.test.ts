// Which blocks of a stream are the guest's RAM, and where they are placed.

import { describe, expect } from "vitest";
import { qemuMigration } from "../../../src/dumps/formats/qemu-migration.js";
import {
  filled,
  head,
  type MappedBlock,
  mappedStream,
  page,
  ramSections,
  section,
  stream,
  tail,
  u32,
  u64,
} from "../../support/dumps/migration.js";
import { memoryOf, planOf, type Stretch } from "../../support/dumps/planned.js";
import { ledgerOf, PAGE, pageOf, pagesOf } from "../../support/dumps/stream-checks.js";
import { test } from "../../support/folder.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const Q35 = "pc-q35-9.2";
const [A, B, C] = [1, 2, 3].map((seed) => pageOf(seed));

interface DetailOfBlock {
  name: string;
  is_ram: boolean;
  address: number | null;
}

const blocksOf = (details: Record<string, unknown> | undefined) => details?.blocks as DetailOfBlock[];

/** One page in each of some blocks. */
const onePageEach = (machine: string, blocks: Record<string, number>, description?: string) => {
  const [first, ...rest] = Object.keys(blocks);
  const records = [page(0, A, first), ...rest.map((name) => filled(0, 0, name))];
  const sections = ramSections([listOf(blocks)], records, []);
  return Buffer.concat([head(machine), sections, tail(description)]);
};

const listOf = (blocks: Record<string, number>) => {
  const bytes = stream(Q35, blocks);
  return bytes.subarray(head(Q35).length + "\x01....\x03ram........".length, bytes.indexOf(u64(0x10)));
};

const description = (...names: string[]) =>
  JSON.stringify({ page_size: 4096, devices: names.map((name) => ({ name })) });

describe("what is the guest's RAM", () => {
  // What `info ramblock` of QEMU 7.2 and 10.0 prints for machines with many devices, and what these are by QEMU's manual.
  test.for<[machine: string, ram: string[], devices: string[]]>([
    [
      Q35,
      [
        "pc.ram",
        "mem1",
        "nvmem",
        "0000:00:02.0/vmem0",
        "0000:00:02.0//objects/vmem0",
        "synic-0-msg-page",
        "synic-0-event-page",
      ],
      [
        "0000:00:01.0/vga.vram",
        "0000:00:01.0/qxl.vram",
        "0000:00:01.0/qxl.vgavram",
        "0000:00:01.0/qxl.vrom",
        "0000:00:01.0/qxl.rom",
        "0000:00:05.0/bochs-display-vram",
        "0000:00:05.0/bochs-display.rom",
        "0000:00:03.0/e1000e.rom",
        "0000:01:00.0/virtio-net-pci.rom",
        "0000:00:02.0/vmsvga.fifo",
        "0000:00:06.0/ivshmem.bar2",
        "0000:00:07.0/shmmem-shmem0",
        "vga.vram",
        "pc.bios",
        "pc.rom",
        "isa-bios",
        "system.flash0",
        "system.flash1",
        "tpm-ppi",
        "tpm-crb-cmd",
        "erst.exchange",
        "vmclock_page",
        "/rom@etc/acpi/tables",
        "/rom@etc/acpi/rsdp",
        "/rom@etc/table-loader",
        "/rom@etc/boot-fail-wait",
        "xen:shared_info",
      ],
    ],
    ["microvm", ["microvm.ram"], ["pc.bios", "pc.rom"]],
    [
      "virt-9.2",
      ["mach-virt.ram", "memdimm0"],
      ["virt.flash0", "virt.flash1", "virt.secure-ram", "mach-virt.tag", "/rom@etc/acpi/tables", "pvtime"],
    ],
    ["virt", ["riscv_virt_board.ram"], ["riscv_virt_board.mrom", "virt.flash0", "virt.flash1"]],
    ["virt", ["loongarch.ram"], ["virt.flash0", "virt.flash1"]],
    ["s390-ccw-virtio-9.2", ["s390.ram", "fe.0.0001/vmem0"], []],
    ["pseries-9.2", ["ppc_spapr.ram", "dimm1"], ["0000:00:01.0/vga.vram"]],
    ["powernv9", ["pnv.ram"], ["pnv.bios"]],
    ["mac99", ["ppc_core99.ram"], ["ppc_core99.bios"]],
    ["malta", ["mips_malta.ram"], ["bios.1fc", "mips_malta.flash0"]],
    ["sifive_u", ["riscv.sifive.u.ram"], ["riscv.sifive.u.mrom", "riscv.sifive.u.flash0", "riscv.sifive.u.l2lim"]],
    ["sam460ex", ["ppc4xx.sdram"], ["ppc440.l2cache_ram", "ppc4xx.l2sram_bank0", "sam460ex.flash"]],
    ["petalogix-ml605", ["petalogix_ml605.ram"], ["petalogix_ml605.lmb_bram", "petalogix_ml605.flash"]],
    ["40p", ["simm.0", "simm.1"], ["bios", "pci.0:02.0/vga.vram"]],
    ["vexpress-a9", ["vexpress.highmem"], ["vexpress.sram", "vexpress.vram", "vexpress.flash0"]],
    ["xlnx-zcu102", ["ddr-ram"], ["xlnx-zynqmp.ocm_ram[0]"]],
    ["raspi3b", ["ram"], ["imx25.iram", "nrf51.sram", "sram A1", "imx7.ocram_epdc", "mps.ssram23"]],
  ])("%s", async ([machine, ram, devices]) => {
    const names = [...ram, ...devices];
    const plan = await planOf(
      qemuMigration,
      onePageEach(machine, Object.fromEntries(names.map((name) => [name, PAGE]))),
    );
    const isRam = (is: boolean) =>
      blocksOf(plan.details)
        .filter((block) => block.is_ram === is)
        .map(({ name }) => name);
    expect({ ram: isRam(true), devices: isRam(false) }).toEqual({ ram, devices });
    expect(plan.blockBytes).toBe(devices.length * PAGE);
  });

  test("large blocks that only their names tell from RAM are named", async () => {
    const blocks = { "pc.ram": PAGE, "pc.bios": 2 * MIB, "mem-flash": 4 * MIB, "my.rom0": MIB, "imx25.iram": PAGE };
    const { notes } = await planOf(qemuMigration, onePageEach(Q35, blocks));
    expect(notes).toContain(
      "Left out as memory of devices or firmware, by their names alone: mem-flash (4194304 bytes), my.rom0 (1048576 bytes).",
    );
  });

  const BLOCKS = { "pc.ram": PAGE, "0000:00:03.0/shared": PAGE, "0000:00:04.0/vmem0": PAGE };

  test("but memory that guests share, which has no name of its own, by its device", async () => {
    const devices = description("timer", "0000:00:03.0/ivshmem-plain", "0000:00:04.0/virtio-mem");
    const known = await planOf(qemuMigration, onePageEach(Q35, BLOCKS, devices));
    expect(blocksOf(known.details).map(({ is_ram }) => is_ram)).toEqual([true, false, true]);
    for (const other of [description("timer"), '{"devices": }', '{"devices": [3, null, {}]}', "{}"]) {
      const unknown = await planOf(qemuMigration, onePageEach(Q35, BLOCKS, other));
      expect(blocksOf(unknown.details).map(({ is_ram }) => is_ram)).toEqual([true, true, true]);
    }
  });
});

describe("blocks are placed", () => {
  const placesOf = async (machine: string, blocks: Record<string, number>) => {
    const plan = await planOf(qemuMigration, onePageEach(machine, blocks));
    const places = blocksOf(plan.details).filter(({ is_ram }) => is_ram);
    expect(
      memoryOf(plan, onePageEach(machine, blocks))
        .map(([address]) => address)
        .sort((a, b) => a - b),
    ).toEqual(places.map(({ address }) => address).sort((a, b) => Number(a) - Number(b)));
    return { places: Object.fromEntries(places.map(({ name, address }) => [name, address])), notes: plan.notes.join() };
  };

  test.for<[what: string, machine: string, blocks: Record<string, number>, places: Record<string, number>]>([
    ["a DIMM behind the machine's RAM", Q35, { mem1: 128 * MIB, "pc.ram": 16 * MIB }, { "pc.ram": 0, mem1: GIB }],
    [
      "more of them behind RAM that goes on above 4 GiB",
      Q35,
      { "pc.ram": 4 * GIB, nv: GIB + MIB, "0000:00:02.0/vmem0": MIB, "pc.bios": MIB },
      { "pc.ram": 0, nv: 6 * GIB, "0000:00:02.0/vmem0": 8 * GIB },
    ],
    [
      "behind RAM that does not begin at 0",
      "virt-9.2",
      { dimm: MIB, "mach-virt.ram": GIB },
      { "mach-virt.ram": GIB, dimm: 2 * GIB },
    ],
    ["nodes in the order of the stream", Q35, { nb: 64 * MIB, na: 32 * MIB, "pc.rom": MIB }, { nb: 0, na: GIB }],
    [
      "libvirt's nodes one after the other, and a DIMM behind them",
      Q35,
      { "ram-node1": MIB, memdimm0: MIB, "ram-node0": MIB },
      { "ram-node0": 0, "ram-node1": MIB, memdimm0: GIB },
    ],
    [
      "libvirt's nodes of which some are missing",
      Q35,
      { "ram-node1": MIB, "ram-node3": MIB },
      { "ram-node1": 0, "ram-node3": GIB },
    ],
    ["two that both may be the machine's", Q35, { "pc.ram": MIB, ram: MIB }, { "pc.ram": 0, ram: GIB }],
    [
      "pages of Hyper-V's interrupt controller",
      Q35,
      { "pc.ram": 16 * MIB, "synic-0-msg-page": PAGE, "synic-0-event-page": PAGE },
      { "pc.ram": 0, "synic-0-msg-page": GIB, "synic-0-event-page": 2 * GIB },
    ],
  ])("%s", async ([, machine, blocks, places]) => {
    const found = await placesOf(machine, blocks);
    expect(found.places).toEqual(places);
    const named = Object.entries(places).map(
      ([name, address]) => `${name} (${blocks[name]} bytes) at 0x${address.toString(16)}`,
    );
    for (const place of named) expect(found.notes).toContain(place);
  });

  test("and the note of very many is short", async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`synic-${i}-msg-page`, PAGE]));
    const { places, notes } = await placesOf(Q35, { "pc.ram": MIB, ...many });
    expect(Object.keys(places).length).toBe(301);
    expect(notes).toMatch(/RAM is in 301 blocks: pc\.ram .* and 293 more/);
    expect(notes.length).toBeLessThan(1000);
  });

  test("with pages of every size in one block alone", async ({ folder }) => {
    const sent = stream(
      Q35,
      { "pc.ram": 3 * PAGE, mem1: 2 * PAGE },
      [page(0, A, "pc.ram"), page(2 * PAGE, B)],
      [page(PAGE, C, "mem1"), filled(0, 0)],
    );
    expect(await pagesOf(folder, sent)).toEqual([
      ["0", false],
      ["2", false],
      [String(GIB / PAGE), true],
      [String(GIB / PAGE + 1), false],
    ]);
    expect(await ledgerOf(folder, sent)).toMatchObject({ nonzero: 3, elided_zero: 1, absent: 1, outside_ram: 0 });
  });
});

describe("of a virtio-mem device, with mapped-ram, what is not plugged in is absent", () => {
  const NAME = "0000:00:02.0/vmem0";
  const UNIT = 2 * PAGE;
  const blocks: MappedBlock[] = [
    { block: "pc.ram", pages: [A, undefined] },
    { block: NAME, pages: [undefined, undefined, B, undefined, undefined, undefined, undefined, C] },
  ];
  const PAGES = 8;

  /** As virtio-mem writes it: address, length, length of a unit, node, plugged bytes, and a bit for each unit. */
  const state = (bytes: number, unit: number, ...words: bigint[]) =>
    Buffer.concat([u64(4 * GIB), u64(bytes), u64(unit), u32(0), u64(0), ...words.map(u64)]);
  const devices = description("timer", "0000:00:02.0/virtio-mem");
  const withState = (payload: Buffer, name = "0000:00:02.0/virtio-mem-device-early") => {
    const bytes = mappedStream(Q35, blocks, { others: [section(4, [payload], name, 33)] });
    return Buffer.concat([bytes.subarray(0, -tail().length), tail(devices)]);
  };
  const plain: Stretch[] = [
    [0, A],
    [PAGE, PAGE],
  ];

  test("by the device's own bitmap", async () => {
    const bytes = withState(state(PAGES * PAGE, UNIT, 0b1010n));
    const plan = await planOf(qemuMigration, bytes);
    expect(memoryOf(plan, bytes)).toEqual([
      ...plain,
      [GIB + UNIT, B],
      [GIB + 3 * PAGE, PAGE],
      [GIB + 6 * PAGE, PAGE],
      [GIB + 7 * PAGE, C],
    ]);
    expect(plan.notes.join()).toMatch(/^16384 bytes of RAM are not in the stream \(not plugged in/);
    const one = withState(state(PAGES * PAGE, PAGE * PAGES, 1n));
    expect((await planOf(qemuMigration, one)).extents.totalBytes).toBe((2 + PAGES) * PAGE);
    const none = withState(state(PAGES * PAGE, UNIT, 0n));
    expect(memoryOf(await planOf(qemuMigration, none), none)).toEqual(plain);
  });

  test.for<[what: string, payload: Buffer, name?: string]>([
    ["of another length", state(PAGES * PAGE - 1, UNIT, 0n)],
    ["with units of no bytes", state(PAGES * PAGE, 0, 0n)],
    ["with units that do not fit", state(PAGES * PAGE, 3 * PAGE, 0n)],
    ["with too long a bitmap", state(PAGES * PAGE, UNIT, 0n, 0n)],
    ["without a bitmap", state(PAGES * PAGE, UNIT)],
    ["that is cut", Buffer.alloc(7)],
    ["of another device", state(PAGES * PAGE, UNIT, 0n), "0000:00:03.0/virtio-mem-device-early"],
  ])("but not by a state %s", async ([, payload, name]) => {
    const plan = await planOf(qemuMigration, withState(payload, name));
    expect(plan.extents.totalBytes).toBe((2 + PAGES) * PAGE);
    expect(plan.notes.join()).toContain(`not plugged in of RAM block ${NAME} counts as zeros`);
  });
});
