import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { xen } from "../../../src/dumps/formats/xen.js";
import { analyzeCuts, analyzeMutations, planCuts, planMutations, planOf } from "../../support/dumps/hostile.js";
import { analyzed, type Read } from "../../support/dumps/run.js";
import { type XenCore, xenCore } from "../../support/dumps/xen.js";
import { test } from "../../support/folder.js";
import { dumpOf, TINY } from "../../support/pieces.js";
import { expectSourcesRefused } from "../../support/refused.js";

const PAGE = 4096;
const pages = (...numbers: (bigint | number)[]) =>
  numbers.map((number, i) => ({ number, bytes: dumpOf([TINY + i, TINY + i, TINY, TINY]) }));

async function expectRead(folder: string, core: XenCore, expected: Partial<Read>, ...options: string[]) {
  writeFileSync(path.join(folder, "dom.core"), xenCore(core));
  const read = await analyzed(folder, "dom.core", ...options);
  expect(read).toMatchObject({ format: "xen", addressSpace: "physical", ...expected });
}

async function expectRefusedCore(folder: string, core: XenCore, ...says: RegExp[]) {
  writeFileSync(path.join(folder, "dom.core"), xenCore(core));
  await expectSourcesRefused(folder, ["dom.core"], ["dom.core", ...says], { pageSizes: [4096] });
}

describe.each(["hvm", "pv"] as const)("a core of Xen (%s)", (guest) => {
  test("of pages in any order", async ({ folder }) => {
    const core: XenCore = { guest, pages: pages(3, 4, 5, 1, 0, 7) };
    await expectRead(folder, core, { pages: 6, contents: 6, absent: 2 * PAGE, repeated: 0 });
    await expectRead(folder, { ...core, numbersFirst: true, pageBytes: false }, { pages: 6, absent: 2 * PAGE });
  });

  test("whose first page of a number counts, and pages without a number do not", async ({ folder }) => {
    const core: XenCore = { guest, pages: pages(1, 2, 1, -1, 0xffffffff, 3) };
    await expectRead(folder, core, { pages: 3, contents: 3, repeated: PAGE, absent: 0 });
  });

  test("with a number that runs into the one that means no page", async ({ folder }) => {
    const plan = await planOf(xen, folder, xenCore({ guest, pages: pages(0xfffffffe, 0xffffffff) }));
    expect(plan.extents.count).toBe(1);
    expect(plan.extents.bytes(0)).toBe(PAGE);
  });

  test("of larger pages", async ({ folder }) => {
    const large = [2, 0].map((number) => ({ number, bytes: dumpOf(Array.from({ length: 16 }, (_, i) => number + i)) }));
    await expectRead(folder, { guest, pageBytes: 16384, pages: large }, { pages: 8, absent: 4 * PAGE });
  });

  test("that lies is refused", async ({ folder }) => {
    const good: XenCore = { guest, pages: pages(1, 2, 3) };
    await expectRefusedCore(folder, { ...good, surplusNumbers: 1 }, /4 page numbers for 3 pages/);
    await expectRefusedCore(folder, { ...good, pageBytes: 0 }, /pages of 0 bytes/);
    await expectRefusedCore(folder, { ...good, pageBytes: 1 }, /pages of 1 bytes/);
    await expectRefusedCore(folder, { ...good, pageBytes: 1n << 63n }, /at 0x[0-9a-f]+: no machine has pages of/);
    await expectRefusedCore(folder, { ...good, pageBytes: 8192 }, /no whole pages of 8192/);
    await expectRefusedCore(folder, { ...good, pages: pages(1, 1n << 50n) }, /no machine has a page 0x4000000000000/);
    await expectRefusedCore(folder, { ...good, without: [".xen_pages"] }, /\.xen_pages/);
    await expectRefusedCore(folder, { ...good, without: [".xen_pfn", ".xen_p2m"] }, /no addresses/);
  });

  test("cut at any byte or changed at random: planned or refused", async ({ folder }) => {
    for (const numbersFirst of [false, true]) {
      const bytes = xenCore({ guest, numbersFirst, pages: pages(1, 3) });
      await planCuts(xen, folder, bytes);
      await planMutations(xen, folder, bytes, 1000);
    }
  });

  test("cut or changed at random: an answer or one line", async ({ folder }) => {
    const bytes = xenCore({ guest, pages: pages(1, 3) });
    await analyzeCuts(folder, "dom.core", bytes, 8);
    await analyzeMutations(folder, "dom.core", bytes, 30);
  });
});

test("a hardware-virtualized guest has devices below 4 GiB, a paravirtual one has not", async ({ folder }) => {
  const numbers = pages(0, 1, 0xfeff8);
  await expectRead(folder, { guest: "hvm", pages: numbers }, { pages: 2, outside: PAGE });
  await expectRead(folder, { guest: "pv", pages: numbers }, { pages: 3, outside: 0 });
});

test("cut in its pages, where their numbers and the names of sections stand before them", async ({ folder }) => {
  const whole = xenCore({ pages: pages(1, 2, 9), numbersFirst: true, namesFirst: true });
  writeFileSync(path.join(folder, "dom.core"), whole.subarray(0, whole.length - PAGE - 100));
  await expectSourcesRefused(folder, ["dom.core"], [/the file ends before .*xen_pages/], { pageSizes: [4096] });
  const read = await analyzed(folder, "dom.core", "--allow-truncated");
  expect(read).toMatchObject({ pages: 1, absent: 8 * PAGE });
});
