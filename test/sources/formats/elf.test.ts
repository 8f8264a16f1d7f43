import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { elf } from "../../../src/sources/formats/elf.js";
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
import { analyzeCuts, analyzeMutations, planCuts, planMutations, withinSeconds } from "../../support/dumps/hostile.js";
import { analyzed, type Read } from "../../support/dumps/run.js";
import { test } from "../../support/folder.js";
import { dumpOf, TINY } from "../../support/pieces.js";
import { expectRefused } from "../../support/refused.js";

const PAGE = 4096;
/** A page of its own for each number; 0 is the zero page. */
const page = (number: number) =>
  dumpOf(Array.from({ length: 4 }, (_, i) => (number === 0 ? 0 : TINY + 4 * number + i)));
const pages = (...numbers: number[]) => Buffer.concat(numbers.map(page));

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
  await expectRefused(folder, ["analyze", "vm.elf", "--page-size", "4k"], ["vm.elf", ...says]);
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
      await expectRead(folder, { notes, loads, notesAt }, { pages: 11, outside: PAGE }, "--ranges", "all");
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
    const own = { addressSpace: "virtual", pages: 10, absent: 2 * PAGE };
    await expectRead(folder, cut, own, "--allow-truncated");
  });
});

describe("no core", () => {
  test.for([
    [1, /relocatable file, no core/],
    [2, /this is an ELF executable, no core/],
    [3, /shared object, no core/],
    [77, /type 77, no core/],
  ] as const)("but an ELF file of type %i", async ([type, says], { folder }) => {
    await expectRefusedCore(folder, { type, loads: [{ bytes: pages(1) }] }, /at 0x10: /, says);
  });
});

describe("headers that lie", () => {
  const notes = [qemuNote()];
  const one = (load: Load): Core => ({ notes, loads: [{ paddr: 0x1000, bytes: pages(1, 2), ...load }] });

  test.for<[string, Core, RegExp]>([
    ["more in the file than in memory", one({ memory: PAGE }), /at 0x78: segment 1 .*more than/],
    ["an offset beyond the file", one({ offset: 0x100000 }), /the file ends before the end of segment 1/],
    ["an offset beyond any file", one({ offset: 0xfffffffffffff000n }), /at 0x78: segment 1 lies beyond any file/],
    ["a length that wraps around", one({ fileBytes: -1, memory: -1 }), /segment 1 lies beyond any file/],
    ["an address beyond any machine", one({ paddr: 1n << 60n }), /at 0x78: segment 1 has an address beyond/],
    ["an address that wraps around", one({ paddr: -PAGE }), /at 0x78: segment 1 has an address beyond/],
    ["more segments than the file has", { ...one({}), count: 0xfffe }, /the file ends before the end of its 65534/],
    [
      "more segments than any core has",
      { ...one({}), count: 0xffffffff, countInSection: true },
      /no core has 4294967295/,
    ],
    ["headers of another length", { ...one({}), entryBytes: 60 }, /at 0x36: a program header has 56 bytes, not 60/],
    ["no segment", { notes }, /no LOAD segment/],
    ["no segment at all", {}, /no LOAD segment/],
  ])("%s", async ([, core, says], { folder }) => {
    await expectRefusedCore(folder, core, says);
  });

  test("a class and a byte order that there is not, and a count in a section that is not there", async ({ folder }) => {
    const good = elfCore(QEMU);
    const withByte = (at: number, ...bytes: number[]) => {
      const bad = Buffer.from(good);
      bad.set(bytes, at);
      return bad;
    };
    await expectRefusedCore(folder, withByte(4, 3), /at 0x4: /);
    await expectRefusedCore(folder, withByte(5, 0), /at 0x5: /);
    await expectRefusedCore(folder, Buffer.from(elfCore({ ...one({}), count: 0xffff })), /at 0x38: .*section 0/);
  });

  test("a small file that stands for endless memory", async ({ folder }) => {
    const loads = [{ bytes: pages(1, 2) } as Load];
    for (let i = 1; i < 5000; i++) loads.push({ paddr: i * 0x100000, offset: 64, fileBytes: 0x40000 });
    await expectRefusedCore(folder, { notes, loads }, /more than the file has/);
  });

  test("notes of gigabytes in a small file", async ({ folder }) => {
    const core = elfCore(one({}));
    // Every program header but the last becomes that of the same notes.
    await expectRefusedCore(folder, overlappingNotes(core), /more bytes of notes than the file has/);
  });
});

/** A core with a hundred segments of notes that all are the whole file. */
function overlappingNotes(core: Buffer): Buffer {
  const loads = Array.from({ length: 100 }, () => ({ offset: 0, fileBytes: core.length }));
  const many = elfCore({ loads: [...loads, { paddr: 0x1000, bytes: pages(1) }] });
  for (let i = 0; i < loads.length; i++) many.writeUInt32LE(4, 64 + 56 * i);
  return Buffer.concat([many, Buffer.alloc(core.length)]);
}

describe("damaged", () => {
  const SMALL = elfCore({
    notes: [registersNote(), qemuNote()],
    loads: [{ bytes: pages(1) }, { paddr: 0x1000, bytes: pages(2), memory: 2 * PAGE }],
  });
  const PROCESS = elfCore({
    notes: processNotes({ vdso: 0x7fff00001000, files: [{ start: 0x1000, end: 0x3000, file: "/bin/x" }] }),
    loads: [
      { vaddr: 0x1000, bytes: pages(1) },
      { vaddr: 0x7fff00001000, bytes: pages(2) },
    ],
    notesAt: "last",
  });

  test.for([
    ["machine", SMALL],
    ["process", PROCESS],
  ] as const)("cut at any byte or changed at random (%s): planned or refused", async ([, bytes], { folder }) => {
    await planCuts(elf, folder, bytes);
    await planMutations(elf, folder, bytes, 2000);
  });

  test.for([
    ["machine", SMALL],
    ["process", PROCESS],
  ] as const)("cut or changed at random (%s): an answer or one line", async ([, bytes], { folder }) => {
    await analyzeCuts(folder, "vm.elf", bytes, 20);
    await analyzeMutations(folder, "vm.elf", bytes, 60);
  });

  test("with millions of segments: an answer in time", { timeout: 60_000 }, async ({ folder }) => {
    const headers = Buffer.alloc(1_000_000 * 56);
    for (let i = 0; i < 1_000_000; i++) headers.writeUInt32LE(1, 56 * i);
    for (let i = 0; i < 1_000_000; i++) headers.writeBigUInt64LE(BigInt(i) * 0x10000n, 56 * i + 24);
    for (let i = 0; i < 1_000_000; i++) headers.writeBigUInt64LE(0x800n, 56 * i + 40);
    const head = elfCore({ loads: [], countInSection: true, count: 1_000_000 });
    writeFileSync(path.join(folder, "vm.elf"), Buffer.concat([head, headers]));
    await withinSeconds(20, folder, "vm.elf");
  });
});
