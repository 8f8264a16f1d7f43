import { writeFileSync } from "node:fs";
import path from "node:path";
import { analyze } from "pagekin";
import { describe } from "vitest";
import { elf } from "../../../src/dumps/formats/elf.js";
import { type Core, elfCore, type Load, processNotes, qemuNote, registersNote } from "../../support/dumps/elf.js";
import { analyzeCuts, analyzeMutations, planCuts, planMutations } from "../../support/dumps/hostile.js";
import { PAGE, pages } from "../../support/dumps/pages.js";
import { test } from "../../support/folder.js";
import { expectInStep } from "../../support/limits.js";
import { expectSourcesRefused, refusalOf } from "../../support/refused.js";

async function expectRefusedCore(folder: string, core: Core | Buffer, ...says: (string | RegExp)[]) {
  writeFileSync(path.join(folder, "vm.elf"), Buffer.isBuffer(core) ? core : elfCore(core));
  await expectSourcesRefused(folder, ["vm.elf"], ["vm.elf", ...says], { pageSizes: [4096] });
}

describe("headers that lie", () => {
  const notes = [qemuNote()];
  const one = (load: Load): Core => ({ notes, loads: [{ paddr: 0x1000, bytes: pages(1, 2), ...load }] });

  test.for<[string, Core, RegExp]>([
    ["more in the file than in memory", one({ memory: PAGE }), /at 0x78: segment 1 .*more than/],
    ["an offset beyond the file", one({ offset: 0x100000 }), /the file ends before the end of segment 1/],
    ["an offset beyond any file", one({ offset: 0xfffffffffffff000n }), /at 0x78: segment 1 lies beyond any file/],
    ["a length that wraps around", one({ fileBytes: -1, memory: -1 }), /at 0x78: segment 1 has an impossible range/],
    [
      "a length of the file that wraps around",
      one({ fileBytes: -PAGE, memory: 2 * PAGE }),
      /at 0x78: segment 1 has \d+ bytes in the file/,
    ],
    [
      "an address that wraps around",
      one({ paddr: -PAGE, memory: 2 * PAGE }),
      /at 0x78: segment 1 has an impossible range/,
    ],
    ["memory from end to end", one({ memory: 1n << 54n }), /at 0x78: segment 1 has an impossible range/],
    ["more segments than the file has", { ...one({}), count: 0xfffe }, /the file ends before the end of its 65534/],
    [
      "more segments than any core has",
      { ...one({}), count: 0xffffffff, countInSection: true },
      /4294967295 segments are more than a core can have/,
    ],
    ["headers of another length", { ...one({}), entryBytes: 60 }, /at 0x36: a program header has 56 bytes, not 60/],
    ["no segment", { notes }, /no LOAD segment/],
    ["no segment at all", {}, /no LOAD segment/],
  ])("%s", async ([, core, says], { folder }) => {
    await expectRefusedCore(folder, core, says);
  });

  test("a class and a byte order that there is not, and a count in a section that is not there", async ({ folder }) => {
    const good = elfCore(one({}));
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
    await expectRefusedCore(folder, overlappingNotes(elfCore(one({}))), /more bytes of notes than the file has/);
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

  test("with a million segments: an answer, in a time in step with their number", async ({ folder }) => {
    const file = path.join(folder, "vm.elf");
    const withSegments = (count: number) => {
      const headers = Buffer.alloc(count * 56);
      for (let i = 0; i < count; i++) headers.writeUInt32LE(1, 56 * i);
      for (let i = 0; i < count; i++) headers.writeBigUInt64LE(BigInt(i) * 0x10000n, 56 * i + 24);
      for (let i = 0; i < count; i++) headers.writeBigUInt64LE(0x800n, 56 * i + 40);
      writeFileSync(file, Buffer.concat([elfCore({ loads: [], countInSection: true, count }), headers]));
    };
    await expectInStep(1_000_000, withSegments, () => refusalOf(() => analyze([file], { pageSizes: [4096] })));
  });
});
