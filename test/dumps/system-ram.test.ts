// Which memory of a machine's dump is RAM: all that Linux dumps of itself; of a hypervisor's dump what its machines have as RAM,
// by the maps in QEMU's hw/i386/pc.c, hw/arm/virt.c and hw/riscv/virt.c.

import { truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import {
  type Core,
  elfCore,
  type Load,
  qemuNote,
  registersNote,
  virtualBoxNotes,
  vmcoreinfoNote,
} from "../support/dumps/elf.js";
import { type KdumpSpec, kdumpOf, noteOf } from "../support/dumps/kdump.js";
import { PAGE, page, pages } from "../support/dumps/pages.js";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

/** A stretch of memory of which the dump has the first page: where, and how much it is. */
type Stretch = [address: number, bytes?: number];

const loadsOf = (memory: readonly Stretch[], vaddrOf = (paddr: number): number | bigint => paddr): Load[] =>
  memory.map(([paddr, bytes = PAGE], i) => ({ paddr, vaddr: vaddrOf(paddr), bytes: page(i + 1), memory: bytes }));

/** In the kernel's direct map. */
const mapped = (paddr: number) => 0xffff888000000000n + BigInt(paddr);

interface Inspected {
  /** Where the pages that count are. */
  at: number[];
  outside: number;
  notes: string[];
  writer: string | undefined;
}

async function inspected(folder: string, dump: Core | Buffer, ...options: string[]): Promise<Inspected> {
  writeFileSync(path.join(folder, "vm"), Buffer.isBuffer(dump) ? dump : elfCore(dump));
  const found = JSON.parse(await succeed(["inspect", "vm", "--json", ...options], { cwd: folder }));
  const at = found.extents.flatMap(({ address, bytes }: { address: number; bytes: number }) =>
    Array.from({ length: bytes / PAGE }, (_, i) => address + i * PAGE),
  );
  const { notes, details, ledger } = found;
  return { at, outside: ledger.outside_ram_bytes, notes, writer: details.writer };
}

const starts = (memory: readonly Stretch[]) => memory.map(([address]) => address);

/** System RAM with a crash kernel's 161 MiB below 4 GiB, a firmware hole and hotplugged memory far above. */
const SYSTEM_RAM: Stretch[] = [
  [0x1000, 158 * PAGE],
  [MIB, 687 * MIB],
  [849 * MIB, 174 * MIB],
  [2 * GIB, 512 * MIB],
  [0xfd000000, 16 * MIB],
  [4 * GIB, GIB],
  [0xe000000000, GIB],
];

describe("what Linux dumps of itself is all RAM", () => {
  const XEN = { owner: "Xen", type: 0x1000001, bytes: Buffer.alloc(32) };
  const LINUX = "Linux (/proc/vmcore, makedumpfile)";
  test.for<[string, Core, string | undefined]>([
    ["/proc/vmcore", { notes: [registersNote(), vmcoreinfoNote()], loads: loadsOf(SYSTEM_RAM, mapped) }, LINUX],
    ["/proc/vmcore before 2.6.24", { notes: [registersNote()], loads: loadsOf(SYSTEM_RAM, mapped) }, LINUX],
    [
      "/proc/vmcore of a Xen host",
      { notes: [registersNote(), XEN, vmcoreinfoNote()], loads: loadsOf(SYSTEM_RAM, mapped) },
      "Linux after a crash of Xen (/proc/vmcore, makedumpfile)",
    ],
    [
      "/proc/vmcore of aarch64",
      { machine: 183, notes: [registersNote(), vmcoreinfoNote()], loads: loadsOf(SYSTEM_RAM, mapped) },
      LINUX,
    ],
    [
      "/proc/vmcore of riscv",
      { machine: 243, notes: [registersNote(), vmcoreinfoNote()], loads: loadsOf(SYSTEM_RAM, mapped) },
      LINUX,
    ],
    [
      "/proc/vmcore of s390, whose virtual addresses are the physical ones",
      { machine: 22, bigEndian: true, notes: [registersNote(), vmcoreinfoNote()], loads: loadsOf(SYSTEM_RAM) },
      LINUX,
    ],
    ["a core without notes", { loads: loadsOf(SYSTEM_RAM) }, undefined],
  ])("%s", async ([, core, writer], { folder }) => {
    expect(await inspected(folder, core)).toEqual({ at: starts(SYSTEM_RAM), outside: 0, notes: [], writer });
  });

  test("a kdump of makedumpfile", async ({ folder }) => {
    const ram = starts(SYSTEM_RAM).slice(0, -1);
    const pages = Object.fromEntries(ram.map((address, i) => [address / PAGE, page(i + 1)]));
    const dump = kdumpOf({ pages, systemName: "Linux" });
    expect(await inspected(folder, dump)).toEqual({ at: ram, outside: 0, notes: [], writer: "makedumpfile" });
  });
});

const LOW: Stretch[] = [
  [0, 640 * 1024],
  [0xc0000, 2 * GIB - 0xc0000],
];
const VGA: Stretch = [0xfd000000, 16 * MIB];
const ROM: Stretch = [0xfffc0000, 256 * 1024];
const LEFT_OUT = /^Left out as device memory: /;
const APART = /^Counted as RAM: .* but it may be a PCI device with a large BAR\.$/;

/** What there is, what of it is no RAM, and what is said of that. */
type Case = [what: string, memory: Stretch[], outside: Stretch[], says: RegExp[]];

const PC: Case[] = [
  ["a display and firmware", [...LOW, VGA, ROM], [VGA, ROM], []],
  ["RAM above 4 GiB", [...LOW, VGA, ROM, [4 * GIB, 5 * GIB]], [VGA, ROM], []],
  [
    "a device where OVMF puts it",
    [...LOW, [4 * GIB, GIB], [0xe000000000, 64 * MIB]],
    [[0xe000000000]],
    [
      /^Left out as device memory: 4 KiB from 0xe000000000 to 0xe000000fff \(RAM above 4 GiB ends at 0x140000000; .*--ranges all/,
    ],
  ],
  [
    "a device where OVMF puts it, and no RAM above 4 GiB",
    [...LOW, [0xe000000000, 64 * MIB]],
    [[0xe000000000]],
    [/^Left out as device memory: 4 KiB from 0xe000000000 to 0xe000000fff \(there is no RAM above 4 GiB, /],
  ],
  [
    "a device where OVMF puts it on a processor of 46 bits",
    [...LOW, [0x380000000000, 64 * MIB]],
    [[0x380000000000]],
    [LEFT_OUT],
  ],
  ["a device two GiB behind RAM", [...LOW, [4 * GIB, GIB], [7 * GIB, GIB]], [[7 * GIB]], [LEFT_OUT]],
  [
    "RAM to the middle of a GiB, a DIMM at the next, and one behind that",
    [...LOW, [4 * GIB, 1.5 * GIB], [6 * GIB, 128 * MIB], [6 * GIB + 128 * MIB, 128 * MIB]],
    [],
    [APART],
  ],
  ["RAM of several nodes", [...LOW, [4 * GIB, 1.5 * GIB], [5.5 * GIB, 3 * GIB]], [], []],
  [
    "little RAM and a DIMM",
    [
      [0, 128 * MIB],
      [4 * GIB, GIB],
    ],
    [],
    [APART],
  ],
  [
    "RAM that AMD's hole has moved, and a device below",
    [...LOW, [8 * GIB, GIB], [TIB, 2 * GIB]],
    [[8 * GIB]],
    [/RAM above 4 GiB begins at 0x10000000000/],
  ],
  ["a part of it, which was asked for", [VGA], [], []],
  ["a part above 4 GiB, which was asked for", [[9 * GIB, GIB], [0xe000000000]], [], []],
];

describe("a dump of QEMU", () => {
  test.for(PC)("of a PC with %s", async ([, memory, outside, says], { folder }) => {
    const core = { notes: [registersNote(), qemuNote()], loads: loadsOf(memory) };
    const at = starts(memory).filter((address) => !starts(outside).includes(address));
    expect(await inspected(folder, core)).toEqual({
      ...{ at, outside: outside.length * PAGE, writer: "QEMU" },
      notes: says.map((text) => expect.stringMatching(text)),
    });
    const all = await inspected(folder, core, "--ranges", "all");
    expect(all).toEqual({ at: starts(memory), outside: 0, notes: [], writer: "QEMU" });
  });

  test("of a PC with a card's window and firmware below 1 MiB, which are blocks of their own", async ({ folder }) => {
    const blocks = [0, 0xa0000, 0xc0000, 0xe0000, MIB];
    const firmware = pages(...Array.from({ length: 32 }, (_, i) => 100 + i));
    const loads = loadsOf(blocks.map((address): Stretch => [address])).map((load, i) =>
      blocks[i] === 0xe0000 ? { ...load, bytes: firmware, memory: firmware.length } : load,
    );
    const found = await inspected(folder, { notes: [qemuNote()], loads });
    expect(found).toMatchObject({ at: [0, 0xc0000, MIB], outside: 33 * PAGE, notes: [] });
  });

  test("of a PC, by page tables: what these do not map is missing anywhere", async ({ folder }) => {
    const memory: Stretch[] = [[0x1000], [1.5 * GIB], VGA, [4 * GIB + 64 * MIB], [5 * GIB], [0xe000000000]];
    const found = await inspected(folder, { notes: [qemuNote()], loads: loadsOf(memory, mapped) });
    expect(found.at).toEqual([0x1000, 1.5 * GIB, 4 * GIB + 64 * MIB, 5 * GIB]);
  });

  test.for([
    ["", [3 * GIB]],
    [", mapped twice", [0xffff888000000000, 0xffffea0000000000]],
  ] as const)("of a PC with much device memory below 4 GiB%s", async ([, mappedAt], { folder }) => {
    const shared = 65 * MIB;
    const device = { paddr: 3 * GIB, offset: MIB, fileBytes: shared };
    const core = elfCore({
      notes: [qemuNote()],
      loads: [...loadsOf([[0, GIB]]), ...mappedAt.map((vaddr) => ({ ...device, vaddr }))],
    });
    writeFileSync(path.join(folder, "vm"), core);
    truncateSync(path.join(folder, "vm"), MIB + shared);
    const { notes, pages } = JSON.parse(await succeed(["inspect", "vm", "--json"], { cwd: folder }));
    expect(pages).toBe(1);
    expect(notes).toEqual([
      expect.stringMatching(/: 65 MiB from 0xc0000000 to 0xc40fffff \(low RAM ends at 0x40000000\);/),
    ]);
  });

  test("of devices alone is refused, with advice", async ({ folder }) => {
    writeFileSync(
      path.join(folder, "vm"),
      elfCore({
        machine: 243,
        notes: [registersNote()],
        loads: [
          { paddr: 0x1000, vaddr: 0x1000, bytes: page(1) },
          { paddr: 2 * GIB, vaddr: 2 * GIB, memory: GIB },
        ],
      }),
    );
    for (const command of ["inspect", "analyze"]) {
      const { code, stdout, stderr } = await pagekin([command, "vm"], { cwd: folder });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(
        /^pagekin: vm: has no complete page of \d+ bytes; 4096 bytes of it are outside RAM: count them with --ranges all\n$/,
      );
    }
  });

  test.for<[string, number, Stretch[], Stretch[], RegExp[]]>([
    ["Arm's virt", 183, [[GIB, 512 * MIB]], [], []],
    [
      "Arm's virt with devices",
      183,
      [
        [0x10000000, MIB],
        [GIB, 512 * MIB],
        [2 * GIB, 128 * MIB],
        [0x8000000000, MIB],
      ],
      [[0x10000000], [0x8000000000]],
      [/begins at 0x40000000\)/, /RAM ends at 0x88000000/, APART],
    ],
    [
      "32-bit Arm's virt",
      40,
      [
        [0x10000000, MIB],
        [GIB, 512 * MIB],
      ],
      [[0x10000000]],
      [/begins at 0x40000000\)/],
    ],
    [
      "another board of Arm, with RAM from 0",
      183,
      [
        [0, 512 * MIB],
        [GIB, GIB],
      ],
      [],
      [/this machine's memory map is not known/],
    ],
    [
      "RISC-V, with its reset ROM",
      243,
      [
        [0x1000, 15 * PAGE],
        [2 * GIB, GIB],
      ],
      [[0x1000]],
      [/begins at 0x80000000\)/],
    ],
    [
      "RISC-V, with a device",
      243,
      [
        [2 * GIB, GIB],
        [0x400000000, MIB],
      ],
      [[0x400000000]],
      [LEFT_OUT],
    ],
    [
      "PowerPC, with a display",
      21,
      [
        [0, GIB],
        [0x200080000000, 16 * MIB],
      ],
      [],
      [/is separate and may be a device's; QEMU dumps device memory too/],
    ],
    ["PowerPC", 21, [[0, GIB]], [], []],
  ])("of %s, which no note names", async ([, machine, memory, outside, says], { folder }) => {
    const bits = machine === 40 ? 32 : 64;
    const core: Core = { machine, bits, notes: [registersNote()], loads: loadsOf(memory) };
    const at = starts(memory).filter((address) => !starts(outside).includes(address));
    expect(await inspected(folder, core)).toEqual({
      ...{ at, outside: outside.length * PAGE, writer: "QEMU" },
      notes: says.map((text) => expect.stringMatching(text)),
    });
  });

  test("as a kdump: page for page the same", async ({ folder }) => {
    const kdumpWith = (memory: readonly number[], spec: Partial<KdumpSpec> = {}) =>
      kdumpOf({ pages: Object.fromEntries(memory.map((address, i) => [address / PAGE, page(i + 1)])), ...spec });
    const pc = [0, 0xa0000, 0xc0000, MIB, VGA[0], 4 * GIB, 7 * GIB];
    const found = await inspected(folder, kdumpWith(pc));
    expect(found).toMatchObject({ at: [0, 0xc0000, MIB, 4 * GIB], outside: 3 * PAGE, writer: "QEMU" });
    const leftOut = /from 0x1c0000000 to 0x1c0000fff \(RAM above 4 GiB ends/;
    expect(found.notes).toEqual([expect.stringMatching(leftOut), expect.stringMatching(APART)]);
    // makedumpfile's of QEMU's core has the same memory.
    const made = kdumpWith(pc, { systemName: "Linux", notes: noteOf("QEMU", 0, 440) });
    expect(await inspected(folder, made)).toMatchObject({ at: found.at, notes: found.notes });
    // Without a card, RAM is there whole.
    const window = Array.from({ length: 0x20 }, (_, i) => 0xa0000 + i * PAGE);
    expect((await inspected(folder, kdumpWith([0, ...window]))).at).toEqual([0, ...window]);
    const riscv = kdumpWith([0x1000, 2 * GIB], { machine: "Unknown", notes: noteOf("CORE", 1, 376) });
    expect(await inspected(folder, riscv)).toMatchObject({ at: [2 * GIB], outside: PAGE });
  });
});

test("a dump of VirtualBox has devices below 4 GiB", async ({ folder }) => {
  const loads = [...loadsOf([...LOW, VGA, [4 * GIB, GIB]]), { paddr: 0xf0000000, memory: MIB }].map((load) => ({
    ...load,
    vaddr: 0,
  }));
  const found = await inspected(folder, { notes: virtualBoxNotes(), loads });
  expect(found).toEqual({ at: [0, 0xc0000, 4 * GIB], outside: PAGE, notes: [], writer: "VirtualBox" });
});
