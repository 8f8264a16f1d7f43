import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { elf } from "../../../src/dumps/formats/elf.js";
import {
  type Core,
  elfCore,
  type Load,
  processNotes,
  qemuNote,
  registersNote,
  virtualBoxNotes,
  vmcoreinfoNote,
} from "../../support/dumps/elf.js";
import { planOf } from "../../support/dumps/hostile.js";
import { PAGE, page, pages } from "../../support/dumps/pages.js";
import { analyzed, type Read } from "../../support/dumps/run.js";
import { test } from "../../support/folder.js";
import { expectRefused, expectSourcesRefused } from "../../support/refused.js";

const QEMU: Core = {
  sectionFirst: true,
  notes: [registersNote(), qemuNote(), vmcoreinfoNote()],
  loads: [
    { bytes: pages(1, 2, 0, 1) },
    { paddr: 0xc0000, vaddr: 0xc0000, bytes: pages(3, 0) },
    { paddr: 0xfd000000, vaddr: 0xfd000000, bytes: pages(0, 0, 9) },
    { paddr: 0xfffc0000, vaddr: 0xfffc0000, bytes: pages(8) },
    { paddr: 0x100000000, vaddr: 0x100000000, bytes: pages(4) },
  ],
};

async function expectRead(folder: string, core: Core | Buffer, expected: Partial<Read>, ...options: string[]) {
  const bytes = Buffer.isBuffer(core) ? core : elfCore(core);
  writeFileSync(path.join(folder, "vm.elf"), bytes);
  const read = await analyzed(folder, "vm.elf", ...options);
  expect(read).toMatchObject({ format: "elf", ...expected });
  return read;
}

async function expectRefusedCore(folder: string, core: Core | Buffer, ...says: (string | RegExp)[]) {
  writeFileSync(path.join(folder, "vm.elf"), Buffer.isBuffer(core) ? core : elfCore(core));
  await expectSourcesRefused(folder, ["vm.elf"], ["vm.elf", ...says], { pageSizes: [4096] });
}

describe("a core of a machine", () => {
  test("of QEMU without paging: program headers behind section headers, devices left out", async ({ folder }) => {
    const ram = { addressSpace: "physical", pages: 7, zeroPages: 2, contents: 5, nonzero: 5 * PAGE, zero: 2 * PAGE };
    await expectRead(folder, QEMU, { ...ram, outside: 4 * PAGE, absent: 0, repeated: 0 });
    await expectRead(folder, QEMU, { pages: 11, zeroPages: 4, contents: 7, outside: 0 }, "--ranges", "all");
  });

  test("of QEMU with paging: mappings of the same memory count once, and some are of no memory", async ({ folder }) => {
    const at = 64 + 6 * 56 + 460;
    const loads: Load[] = [
      { vaddr: 0xffff800000000000n, paddr: 0x1000, bytes: pages(1, 2, 3) },
      { vaddr: 0xffffc00000000000n, paddr: 0x2000, offset: at + PAGE, fileBytes: PAGE },
      { vaddr: 0x400000, paddr: 0x2000, offset: at + PAGE, fileBytes: 2 * PAGE, memory: 4 * PAGE },
      { vaddr: 0xffffd00000000000n, paddr: 0xfee00000, offset: -1, memory: PAGE },
      { vaddr: 0x700000, paddr: 0x3000, offset: at + 2 * PAGE, fileBytes: PAGE },
    ];
    const core = elfCore({ notes: [qemuNote()], loads });
    expect(core.indexOf(page(1))).toBe(at);
    await expectRead(folder, core, { pages: 3, contents: 3, repeated: 4 * PAGE, absent: 2 * PAGE, outside: 0 });
  });

  test("whose first copy of an address counts", async ({ folder }) => {
    const loads = [
      { paddr: 0x1000, bytes: pages(1, 1) },
      { paddr: 0x2000, bytes: pages(2, 2) },
    ];
    await expectRead(folder, { notes: [qemuNote()], loads }, { pages: 3, contents: 2, repeated: PAGE });
  });

  test("of VirtualBox: no virtual addresses, device memory that is not there", async ({ folder }) => {
    const loads = [{ bytes: pages(1, 2) }, { paddr: 0x2000, memory: 2 * PAGE }, { paddr: 0x4000, bytes: pages(3) }];
    const core = elfCore({ notes: virtualBoxNotes(), loads });
    core[6] = 0;
    await expectRead(folder, core, { addressSpace: "physical", pages: 3, contents: 3, absent: 2 * PAGE });
  });

  test("like /proc/vmcore: the kernel's text is in the direct map too", async ({ folder }) => {
    const loads = [
      { vaddr: 0xffffffff81000000n, paddr: 0x1000, bytes: pages(2) },
      { vaddr: 0xffff888000000000n, paddr: 0, bytes: pages(1, 2, 3) },
    ];
    const notes = [registersNote(), vmcoreinfoNote()];
    await expectRead(folder, { notes, loads }, { pages: 3, contents: 3, repeated: PAGE });
  });

  test("of makedumpfile -E: what was left out is absent, not zero", async ({ folder }) => {
    const loads = [
      { paddr: 0x1000, bytes: pages(1, 0), memory: 5 * PAGE },
      { paddr: 0x6000, offset: 0, memory: 3 * PAGE },
      { paddr: 0x9000, bytes: pages(2) },
    ];
    const notes = [registersNote(), vmcoreinfoNote()];
    await expectRead(folder, { notes, loads }, { pages: 3, zeroPages: 1, absent: 6 * PAGE });
  });

  test("that its writer marked as incomplete", async ({ folder }) => {
    const core = { notes: [vmcoreinfoNote()], loads: [{ paddr: 0x1000, bytes: pages(1) }], flags: 1 };
    await expectRefusedCore(folder, core, /at 0x30: .*incomplete/);
    await expectRead(folder, core, { pages: 1 }, "--allow-truncated");
    // Elsewhere the flag is the processor's own.
    await expectRead(folder, { ...core, machine: 243 }, { pages: 1 });
  });

  test("cut short: the rest of its RAM is absent", async ({ folder }) => {
    const whole = elfCore(QEMU);
    const cut = whole.subarray(0, whole.indexOf(pages(1, 2, 0, 1)) + 2 * PAGE + 1000);
    await expectRefusedCore(folder, cut, /at 0x[0-9a-f]+: the file ends before the end of segment 1/);
    const left = { pages: 2, zero: 0, tail: 1000, outside: 0 };
    await expectRead(folder, cut, { ...left, absent: 5 * PAGE - 1000 }, "--allow-truncated");
  });

  test("cut before the end of its headers: --allow-truncated is not advised, as it does not help", async ({
    folder,
  }) => {
    const whole = elfCore(QEMU);
    for (const bytes of [10, 60, 70]) {
      writeFileSync(path.join(folder, "vm.elf"), whole.subarray(0, bytes));
      for (const more of [[], ["--allow-truncated"]])
        await expectRefused(
          folder,
          ["analyze", "vm.elf", ...more],
          [/ends before the end of .*; take the dump again$/m],
        );
    }
  });

  test("of aarch64, where no note names QEMU and no device is left out", async ({ folder }) => {
    const loads = [
      { paddr: 0x4000000, bytes: pages(1) },
      { paddr: 0x40000000, bytes: pages(2) },
    ];
    const core = { machine: 183, notes: [registersNote()], loads };
    await expectRead(folder, core, { addressSpace: "physical", pages: 2, outside: 0 });
  });

  test.for([
    [32, false],
    [32, true],
    [64, true],
  ] as const)("of %i bit, big-endian %s", async ([bits, bigEndian], { folder }) => {
    const machine = bigEndian ? 22 : 3;
    const loads = [
      { paddr: 0x1000, bytes: pages(1, 0), memory: 3 * PAGE },
      { paddr: 0x4000, bytes: pages(2) },
    ];
    const core: Core = { bits, bigEndian, machine, notes: [vmcoreinfoNote()], loads };
    await expectRead(folder, core, { pages: 3, zeroPages: 1, contents: 3, absent: PAGE });
    await expectRead(folder, { ...core, countInSection: true }, { pages: 3, absent: PAGE });
  });

  test("of more segments than a header can count", async ({ folder }) => {
    const loads = Array.from({ length: 65_540 }, (_, i): Load => ({ paddr: i * PAGE, memory: PAGE }));
    loads[65_539].bytes = page(1);
    loads[3].bytes = page(2);
    const core = { notes: [qemuNote()], loads, countInSection: true, machine: 183 };
    await expectRead(folder, core, { pages: 2, contents: 2, absent: 65_538 * PAGE });
  });
});

describe("a core of a process", () => {
  const VDSO = 0x7fff00008000;
  const files = [
    { start: 0x400000, end: 0x402000, file: "/usr/bin/worker" },
    { start: VDSO + 0x2000, end: VDSO + 0x3000, file: "/lib/ld.so" },
  ];
  const notes = processNotes({ vdso: VDSO, files });
  /** As the kernel writes it: read-only data that stands before the vvar pages is the process's own. */
  const loads: Load[] = [
    { vaddr: 0x400000, bytes: pages(1), memory: 2 * PAGE, flags: 5 },
    { vaddr: 0x500000, bytes: pages(2, 0, 3), flags: 6 },
    { vaddr: VDSO - 0x4000, bytes: pages(5), flags: 6 },
    { vaddr: VDSO - 0x3000, bytes: pages(10, 11), flags: 4 },
    { vaddr: VDSO - 0x1000, bytes: pages(12), flags: 4 },
    { vaddr: VDSO, bytes: pages(13, 14), flags: 5 },
    { vaddr: VDSO + 0x2000, bytes: pages(6), flags: 4 },
    { vaddr: 0xffffffffff600000n, bytes: pages(15), flags: 1 },
  ];

  test.for(["first", "last"] as const)(
    "by virtual addresses, without the kernel's pages; notes %s",
    async (notesAt, { folder }) => {
      const own = { pages: 6, zeroPages: 1, contents: 6, absent: PAGE, outside: 6 * PAGE };
      await expectRead(folder, { notes, loads, notesAt }, { addressSpace: "virtual", ...own });
      await expectRead(folder, { notes, loads, notesAt }, { pages: 12, outside: 0 }, "--ranges", "all");
    },
  );

  test("whose mapped file stands before the vdso", async ({ folder }) => {
    const named = processNotes({ vdso: VDSO, files: [{ start: VDSO - 0x1000, end: VDSO, file: "/lib/data" }] });
    await expectRead(folder, { notes: named, loads }, { pages: 9, outside: 3 * PAGE });
  });

  test("without notes, of addresses that can only be virtual", async ({ folder }) => {
    await expectRead(folder, { loads }, { addressSpace: "virtual", pages: 11, outside: PAGE });
  });

  test("of 32 bit", async ({ folder }) => {
    const notes32 = processNotes({ vdso: 0xf7fd0000 }, 32);
    const loads32 = [
      { vaddr: 0x8048000, bytes: pages(1) },
      { vaddr: 0xf7fcc000, bytes: pages(2, 3, 4, 5), flags: 4 },
      { vaddr: 0xf7fd0000, bytes: pages(6), flags: 5 },
    ];
    const core: Core = { bits: 32, machine: 3, notes: notes32, loads: loads32 };
    await expectRead(folder, core, { addressSpace: "virtual", pages: 1, outside: 5 * PAGE });
  });

  test("with notes that lie about their lengths", async ({ folder }) => {
    const own = { addressSpace: "virtual", pages: 6 };
    const [registers, ...others] = notes;
    await expectRead(folder, { loads, notes: [...notes, { ...registers, says: 0xfffffff0 }] }, own);
    await expectRead(folder, { loads, notes: [...notes, { ...registers, ownerBytes: 0xffffffff }] }, own);
    await expectRead(folder, { loads, notes: [...others, { ...registers, ownerBytes: 0, owner: "" }] }, own);
    const lying = processNotes({ vdso: VDSO, files, fileCount: 0xffffffffffff });
    await expectRead(folder, { loads, notes: lying }, own);
  });

  test("cut short: its notes are lost, its memory is still known to be virtual", async ({ folder }) => {
    const whole = elfCore({ notes, loads, notesAt: "last" });
    const cut = whole.subarray(0, whole.indexOf(page(6)) + 1000);
    await expectRefusedCore(folder, cut, /at 0x[0-9a-f]+: the file ends before/);
    const own = { addressSpace: "virtual", pages: 10, absent: 2 * PAGE - 1000, tail: 1000 };
    await expectRead(folder, cut, own, "--allow-truncated");
  });
});

describe("no core", () => {
  test.for([
    [1, /relocatable file, not a core dump/],
    [2, /this is an ELF executable, not a core dump/],
    [3, /shared object, not a core dump/],
    [77, /type 77, not a core dump/],
  ] as const)("but an ELF file of type %i", async ([type, says], { folder }) => {
    await expectRefusedCore(folder, { type, loads: [{ bytes: pages(1) }] }, /at 0x10: /, says);
  });
});

describe("what a plan tells", () => {
  test("of a machine: its writer's notes, its processor, what is missing", async ({ folder }) => {
    const whole = await planOf(elf, folder, elfCore(QEMU));
    expect(whole).toMatchObject({ addressSpace: "physical", wins: "first", notes: [] });
    const told = { kind: "machine", writer: "QEMU", machine: "x86-64 (64 bit)", segments: 5 };
    expect(whole.details).toEqual({ ...told, notes: ["CORE", "QEMU", "VMCOREINFO"] });
    const cut = elfCore(QEMU);
    const plan = await planOf(elf, folder, cut, true, cut.length - 5000);
    expect(plan.notes).toEqual([expect.stringContaining("cut short: 5000 bytes are missing")]);
  });

  test("of a process: its number, its name, its mapped files, as they are", async ({ folder }) => {
    const files = [
      { start: 0x1000, end: 0x3000, file: "/bin/w\x1b[31m" },
      { start: 0x5000, end: 0x5000, file: "/bin/none" },
      { start: -0x7ff0000000000n, end: -4096, file: "/bin/high" },
      { start: 0x7000, end: 0x8000, file: "/bin/z" },
    ];
    const notes = processNotes({ pid: 4711, name: "worker", files });
    const plan = await planOf(elf, folder, elfCore({ notes, loads: [{ vaddr: 0x1000, bytes: pages(1) }] }));
    expect(plan.details).toEqual({
      ...{ kind: "process", machine: "x86-64 (64 bit)", segments: 1, notes: ["CORE"], pid: 4711, name: "worker" },
      mappings: [
        { start: 0x1000, end: 0x3000, file: "/bin/w\x1b[31m" },
        { start: 0xfff8010000000000n, end: 0xfffffffffffff000n, file: "/bin/high" },
        { start: 0x7000, end: 0x8000, file: "/bin/z" },
      ],
    });
  });

  test("of notes that are not what they say", async ({ folder }) => {
    const loads = [{ vaddr: 0x1000, bytes: pages(1) }];
    const files = [{ start: 0x1000, end: 0x3000, file: "/bin/w" }];
    const short = await planOf(elf, folder, elfCore({ notes: processNotes({ files, fileCount: 9 }), loads }));
    expect(short.notes).toEqual([expect.stringContaining("shorter than it says")]);
    const long = { ...registersNote(), says: 10_000 };
    const broken = await planOf(elf, folder, elfCore({ notes: [...processNotes({ files }), long], loads }));
    expect(broken.notes).toEqual([expect.stringMatching(/The note at 0x[0-9a-f]+ is longer/)]);
  });
});
