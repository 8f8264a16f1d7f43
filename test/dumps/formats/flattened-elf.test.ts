// makedumpfile -F -E: an ELF core in chunks, in any order; a place may be written again.

import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { elf } from "../../../src/dumps/formats/elf.js";
import { kdump } from "../../../src/dumps/formats/kdump.js";
import { cases } from "../../support/cases.js";
import { type Core, elfCore, qemuNote, registersNote, vmcoreinfoNote } from "../../support/dumps/elf.js";
import { planCuts, planMutations } from "../../support/dumps/hostile.js";
import { type Chunk, flattenedOf, inChunks } from "../../support/dumps/kdump.js";
import { PAGE, pages } from "../../support/dumps/pages.js";
import { analyzed } from "../../support/dumps/run.js";
import { inFolder, tablesIn, test } from "../../support/folder.js";
import { pagekin, succeed } from "../../support/pagekin.js";
import { expectRefused } from "../../support/refused.js";

const CORE: Core = {
  notes: [registersNote(), vmcoreinfoNote()],
  loads: [
    { paddr: 0x1000, vaddr: 0xffff888000001000n, bytes: pages(1, 0, 2), memory: 5 * PAGE },
    { paddr: 0x10000000, vaddr: 0xffff888010000000n, bytes: pages(3, 4) },
    { paddr: 0x100000000, vaddr: 0xffff888100000000n, bytes: pages(5, 1) },
  ],
};
const PLAIN = elfCore(CORE);
const EXPECTED = { format: "elf", pages: 7, zeroPages: 1, contents: 6, absent: 2 * PAGE, outside: 0, repeated: 0 };

async function expectRead(chunks: readonly Chunk[], expected = EXPECTED): Promise<void> {
  await inFolder(async (folder) => {
    writeFileSync(path.join(folder, "vm.flat"), flattenedOf(chunks));
    expect(await analyzed(folder, "vm.flat")).toMatchObject(expected);
  });
}

describe("a flattened core", () => {
  test.for([100, 999, 4096, 100_000])("in chunks of %i bytes is the plain one", async (bytes) => {
    await expectRead(inChunks(PLAIN, bytes));
  });

  test("in any chunks, of which the last counts, has the tables of the plain one", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.core"), PLAIN);
    const run = (file: string, out: string) =>
      succeed(["analyze", `vm=${file}`, "--out", path.join(folder, out), "--quiet", "--force"], { cwd: folder });
    await run("vm.core", "plain");
    const expected = tablesIn(path.join(folder, "plain"));
    const stretch = fc.tuple(fc.nat(PLAIN.length - 1), fc.integer({ min: 1, max: 9000 }));
    const rubbish = fc.array(fc.tuple(stretch, fc.nat(255)), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        rubbish,
        fc.array(stretch, { maxLength: 6 }),
        fc.integer({ min: 50, max: 9000 }),
        async (old, again, size) => {
          const plain = ([at, bytes]: [number, number]): Chunk => [at, PLAIN.subarray(at, at + bytes)];
          const chunks: Chunk[] = [
            ...old.map(([[at, bytes], fill]): Chunk => [at, Buffer.alloc(Math.min(bytes, PLAIN.length - at), fill)]),
            ...inChunks(PLAIN, size).reverse(),
            ...again.map(plain),
          ];
          writeFileSync(path.join(folder, "vm.flat"), flattenedOf(chunks));
          await run("vm.flat", "flattened");
          expect(tablesIn(path.join(folder, "flattened"))).toEqual(expected);
        },
      ),
      { numRuns: cases(12) },
    );
  });

  test("in which zeros are not written", async () => {
    const zero = PLAIN.indexOf(pages(2)) - PAGE;
    const [head, tail] = [PLAIN.subarray(0, zero + 100), PLAIN.subarray(zero + PAGE)];
    // They are elided then, as no chunk has them.
    await expectRead([
      [0, head],
      [zero + PAGE, tail],
    ]);
  });

  test("is one with --format elf too, and says what it is", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.flat"), flattenedOf(inChunks(PLAIN, 5000)));
    expect(await analyzed(folder, "vm.flat", "--format", "elf")).toMatchObject(EXPECTED);
    const told = JSON.parse(await succeed(["inspect", "vm.flat", "--json"], { cwd: folder }));
    expect(told).toMatchObject({
      format: "elf",
      details: { writer: "Linux (/proc/vmcore, makedumpfile)", flattened_chunks: Math.ceil(PLAIN.length / 5000) },
      notes: [],
    });
  });

  test("of QEMU has device memory in it", async ({ folder }) => {
    const loads = [0, 0x80000000, 0xfd000000, 0x100000000, 0xe000000000].map((at, i) => ({
      paddr: at,
      vaddr: at,
      bytes: pages(i + 1, i + 9),
    }));
    loads[0].bytes = Buffer.concat([loads[0].bytes, Buffer.alloc(0x9e000, 7)]);
    const core = elfCore({ notes: [registersNote(), qemuNote()], loads });
    writeFileSync(path.join(folder, "vm.flat"), flattenedOf(inChunks(core, 3000)));
    expect(await analyzed(folder, "vm.flat")).toMatchObject({ pages: 162, outside: 6 * PAGE });
  });

  test("that is cut is refused, or read as far as it goes", async ({ folder }) => {
    const whole = flattenedOf(inChunks(PLAIN, 1000));
    const cut = whole.subarray(0, whole.length - 16 - 2 * PAGE);
    writeFileSync(path.join(folder, "vm.flat"), cut);
    await expectRefused(
      folder,
      ["analyze", "vm.flat"],
      [/vm\.flat: at 0x[0-9a-f]+: the file ends before .*--allow-truncated/],
    );
    const found = await analyzed(folder, "vm.flat", "--allow-truncated");
    expect(found.pages).toBe(5);
    expect(found.absent + found.tail).toBe(4 * PAGE);
    const { stdout } = await pagekin(["inspect", "vm.flat", "--json", "--allow-truncated"], { cwd: folder });
    expect(JSON.parse(stdout).notes).toContainEqual(expect.stringMatching(/ends before its end mark/));
  });

  test("in which a chunk is missing is refused", async ({ folder }) => {
    const chunks = inChunks(PLAIN, 1000);
    writeFileSync(path.join(folder, "vm.flat"), flattenedOf(chunks.slice(0, -3)));
    await expectRefused(folder, ["analyze", "vm.flat"], [/no chunk has the end of segment 3, .*of the plain file/]);
  });

  test("that stands for endless zeros is refused", async ({ folder }) => {
    const endless = elfCore({
      ...CORE,
      loads: [{ paddr: 0x1000, offset: 0x1000, fileBytes: 1n << 45n, memory: 1n << 45n }],
    });
    const chunks: Chunk[] = [
      [0, endless],
      [2 ** 46, Buffer.from([1])],
    ];
    writeFileSync(path.join(folder, "vm.flat"), flattenedOf(chunks));
    await expectRefused(
      folder,
      ["analyze", "vm.flat"],
      [/its segments hold 35184372088832 bytes of memory, more than the file has/],
    );
  });

  test("cut or changed anywhere is planned or refused", async ({ folder }) => {
    const small = flattenedOf(inChunks(elfCore({ ...CORE, loads: [{ paddr: 0x1000, bytes: pages(1) }] }), 700));
    await planCuts(kdump, folder, small);
    await planMutations(elf, folder, small, 500);
  });
});
