// Real guests in QEMU: whatever form their memory is dumped in, pagekin finds the same pages.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { succeed } from "../support/pagekin.js";
import {
  dumpRunning,
  dumpStopped,
  type Form,
  formsOf,
  hasMappedRam,
  mappedStream,
  type Pages,
  packed,
  pagesIn,
  streamOfRunning,
  streamOfStopped,
} from "../support/qemu/forms.js";
import { type Guest, HAS_QEMU, KERNEL, type Machine, MODULE, residentPages, test } from "../support/qemu/guest.js";
import { countsOf, expectHeld } from "../support/qemu/holds.js";
import { KNOWN_CONTENTS, KNOWN_PAGES, knownPage } from "../support/qemu/initramfs.js";
import { dumpsByMakedumpfile, HAS_MAKEDUMPFILE, leaveOut, reassembled, thoseOf } from "../support/qemu/makedumpfile.js";
import { fingerprintOf } from "../support/reference.js";
import { rowsOf } from "../support/table.js";
import { because } from "../support/tools.js";

const MIB = 2 ** 20;
const PAGE = 4096;
const NO_QEMU = "qemu-system-x86_64 is not installed";
const NO_KERNEL = "there is no kernel in /boot that can be read, and none in PAGEKIN_TEST_KERNEL";
/** Where a VGA card answers, and RAM lies behind it: 0xa0000 to 0xbffff. */
const inWindow = (page: number) => page >= 0xa0 && page < 0xc0;

interface World extends Machine {
  name: string;
  needsKernel: boolean;
}

const card = `memory-backend-file,id=m,share=on,mem-path=memory,size=${96 * MIB}`;
const LINUX = { kernel: KERNEL, machine: "q35", memoryMiB: 96, vga: "none" } as const;
const WORLDS: World[] = [
  { ...LINUX, name: "Linux", needsKernel: true },
  {
    ...LINUX,
    name: "Linux with a VGA card",
    needsKernel: true,
    machine: "q35,memory-backend=m",
    vga: "std",
    options: ["-object", card],
  },
  { name: "nothing but firmware", needsKernel: false, kernel: undefined, machine: "pc", memoryMiB: 64, vga: "none" },
];

/** Until there is something in the guest's memory. */
async function settled(guest: Guest, { kernel }: Machine): Promise<void> {
  if (kernel) await guest.untilAlive();
  else await sleep(1000);
}

/** What a stopped guest has in its RAM. */
async function saveRaw(guest: Guest, file: string, memoryMiB: number): Promise<Pages> {
  await guest.run("pmemsave", { val: 0, size: memoryMiB * MIB, filename: file });
  return pagesIn(path.join(guest.folder, file));
}

describe.skipIf(!HAS_QEMU)(`a guest in QEMU${because(HAS_QEMU, NO_QEMU)}`, () => {
  for (const world of WORLDS) {
    const hasAll = KERNEL !== undefined || !world.needsKernel;
    const why = because(hasAll, NO_KERNEL);
    test.skipIf(!hasAll)(`of ${world.name}: all forms of its memory${why}`, async ({ folder, boot }) => {
      const guest = await boot(world);
      await settled(guest, world);
      await guest.run("stop");
      const isCovered = world.vga === "std";
      const resident = isCovered ? undefined : residentPages(guest, world.memoryMiB * MIB);
      const seen = await saveRaw(guest, "raw", world.memoryMiB);
      // With a card, RAM is a file besides, which has the pages behind the card too.
      const inRam = (raw: Pages) => (isCovered ? pagesIn(path.join(folder, "memory")) : raw);
      const ram = inRam(seen);
      const covered = [...ram].filter(([page, { fingerprint }]) => seen.get(page)?.fingerprint !== fingerprint);
      expect(covered.every(([page]) => inWindow(page))).toBe(true);
      expect(covered.length > 0).toBe(isCovered);
      if (world.kernel) expectKnown(ram);

      const forms = await formsOf(guest, { ram, seen, isRam: (page) => !(isCovered && inWindow(page)) });
      await expectHeld(folder, isCovered ? forms : [...forms, ...packed(guest, forms)]);
      await expectAllRanges(folder, forms.find(({ file }) => file === "elf")?.outside as number, "elf");
      if (resident) await expectResident(folder, ram, resident);

      await guest.run("cont");
      expect(await guest.isRunning()).toBe(true);
      await settled(guest, world);
      await dumpRunning(guest, "live");
      expect(await guest.isRunning()).toBe(true);
      const now = async () => inRam(await saveRaw(guest, "now", world.memoryMiB));
      await expectHeld(folder, [await streamOfRunning(guest, now)]);
      if (await hasMappedRam(guest)) {
        for (const [file, virsh] of [
          ["mapped", false],
          ["sparse", true],
        ] as const) {
          await guest.run("cont");
          await expectHeld(folder, [await mappedStream(guest, file, virsh, now)]);
        }
      }
      await guest.run("cont");
      expect(await guest.isRunning()).toBe(true);
      await settled(guest, world);
    });
  }
});

const CAN_MAKE = HAS_QEMU && KERNEL !== undefined && MODULE !== undefined && HAS_MAKEDUMPFILE;
const NO_TOOLS = "needs QEMU, a kernel with its driver qemu_fw_cfg.ko, and makedumpfile";

test.skipIf(!CAN_MAKE)(
  `what makedumpfile makes of Linux in QEMU has the same pages, less those that it was told to leave out${because(CAN_MAKE, NO_TOOLS)}`,
  async ({ folder, boot }) => {
    const guest = await boot(LINUX);
    await settled(guest, LINUX);
    await guest.run("stop");
    const ram = await saveRaw(guest, "raw", LINUX.memoryMiB);
    const forms = await formsOf(guest, { ram, seen: ram, isRam: () => true });
    const [elf, kdump] = ["elf", "kdump-zlib"].map((name) => forms.find(({ file }) => file === name) as Form);
    await expectHeld(folder, [elf, reassembled(folder, kdump), ...dumpsByMakedumpfile(folder, elf)]);
    // It says itself how much it leaves.
    const { nonzeroPages, zeroPages } = leaveOut(folder, "less");
    const { extents } = JSON.parse(await succeed(["inspect", "less", "--json"], { cwd: folder }));
    const left = thoseOf(ram, pagesOf(extents));
    expect([...left.values()].filter(({ zero }) => zero).length).toBe(zeroPages);
    expect(left.size).toBe(nonzeroPages + zeroPages);
    expect(left.size).toBeLessThan(0.9 * ram.size);
    const absent = (ram.size - left.size) * PAGE;
    await expectHeld(folder, [{ file: "less", pages: left, absent, outside: 0, repeated: 0 }]);
  },
);

function* pagesOf(extents: readonly { address: number; bytes: number }[]): Generator<number> {
  for (const { address, bytes } of extents)
    for (let page = address / PAGE; page < (address + bytes) / PAGE; page++) yield page;
}

describe.skipIf(!HAS_QEMU || !KERNEL)(
  `a large guest in QEMU${because(HAS_QEMU, NO_QEMU) || because(KERNEL !== undefined, NO_KERNEL)}`,
  () => {
    // Two nodes as libvirt makes them, which a stream has as two blocks; q35 has 2 GiB of such RAM below 4 GiB.
    const nodes = [0, 1].flatMap((node) => [
      ...["-object", `memory-backend-ram,id=ram-node${node},size=1440M,reserve=off`],
      ...["-numa", `node,memdev=ram-node${node}`],
    ]);
    const LOW = 2 ** 31;
    const RAM = 2880 * MIB;

    test("of Linux with RAM above 4 GiB: the same pages at the same addresses", async ({ folder, boot }) => {
      const guest = await boot({ ...LINUX, memoryMiB: RAM / MIB, options: nodes });
      await guest.untilAlive();
      await guest.run("stop");
      await dumpStopped(guest, "kdump", "kdump-zlib");
      await streamOfStopped(guest, "stream");
      const extents = [
        { address: 0, bytes: LOW },
        { address: 2 ** 32, bytes: RAM - LOW },
      ];
      for (const file of ["kdump", "stream"]) {
        const found = JSON.parse(await succeed(["inspect", file, "--json"], { cwd: folder }));
        expect({ file, extents: found.extents, absent: found.ledger.absent_bytes }).toEqual({
          file,
          extents,
          absent: 0,
        });
      }
      const run = ["fingerprint", "kdump=kdump", "stream=stream", "--page-size", "4k", "--out", "traces", "--quiet"];
      await succeed(run, { cwd: folder });
      const [kdump, stream] = ["kdump", "stream"].map((name) => quote(path.join(folder, "traces", `${name}.parquet`)));
      const [counts] = await query(
        `SELECT count(*)::INTEGER AS pages, count(*) FILTER (a.fingerprint = b.fingerprint)::INTEGER AS equal,
        count(*) FILTER (NOT a.zero AND page * ${PAGE} >= ${2 ** 32}) > 0 AS used_above
       FROM ${kdump} AS a FULL JOIN ${stream} AS b USING (page)`,
      );
      expect(counts).toEqual({ pages: RAM / PAGE, equal: RAM / PAGE, used_above: true });
    });
  },
);

/** The guest's own program has run: its pages are there, each content as often as it wrote it. */
function expectKnown(pages: Pages): void {
  const copies = new Map<string, number>();
  for (const { fingerprint } of pages.values()) copies.set(fingerprint, (copies.get(fingerprint) ?? 0) + 1);
  const known = Array.from({ length: KNOWN_CONTENTS }, (_, i) => fingerprintOf(knownPage(i)));
  expect(known.map((fingerprint) => copies.get(fingerprint))).toEqual(known.map(() => KNOWN_PAGES / KNOWN_CONTENTS));
}

/** With --ranges all devices and firmware count, whose pages stand at their own addresses. */
async function expectAllRanges(folder: string, outside: number, file: string): Promise<void> {
  const inspect = async (...options: string[]) =>
    JSON.parse(await succeed(["inspect", file, "--json", ...options], { cwd: folder }));
  const [ram, all] = [await inspect(), await inspect("--ranges", "all")];
  expect(all.pages - ram.pages).toBe(outside / PAGE);
  expect(all.ledger.outside_ram_bytes).toBe(0);
  expect(outside).toBeGreaterThan(0);
}

/** Only what QEMU has in memory is counted; the guest has never touched the rest. */
async function expectResident(folder: string, ram: Pages, map: Uint8Array): Promise<void> {
  const isThere = (page: number) => (map[page >> 3] & (1 << (page & 7))) !== 0;
  const [there, elsewhere] = [true, false].map((is) => new Map([...ram].filter(([page]) => isThere(page) === is)));
  expect([...elsewhere.values()].every(({ zero }) => zero)).toBe(true);
  writeFileSync(path.join(folder, "map"), map);
  const files = ["raw", "elf", "stream"];
  const options = files.flatMap((file) => ["--resident", `${file}=map`]);
  const run = [
    "analyze",
    ...files.map((file) => `${file}=${file}`),
    ...options,
    "--page-size",
    "4k",
    "--out",
    "resident",
  ];
  await succeed([...run, "--quiet"], { cwd: folder });
  for (const row of rowsOf(path.join(folder, "resident"), "self.csv")) expect(row).toMatchObject(countsOf(there));
}
