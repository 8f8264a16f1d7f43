// Streams that QEMU itself wrote; real-streams/README.md says of which guests.

import { copyFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { analyzed } from "../../support/dumps/run.js";
import { test } from "../../support/folder.js";
import { succeed } from "../../support/pagekin.js";

const PAGE = 4096;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

interface Stream {
  file: string;
  /** What pmemsave wrote of the same guest. */
  pages: number;
  zeroPages: number;
  contents: number;
  absentMiB?: number;
  /** Where RAM is placed. */
  blocks: Record<string, number>;
  /** Blocks that do not count. */
  devices: string[];
}

const X86 = ["/rom@etc/acpi/tables", "pc.rom", "pc.bios", "/rom@etc/table-loader", "/rom@etc/acpi/rsdp"];

const STREAMS: Stream[] = [
  { file: "s390x", pages: 4096, zeroPages: 4068, contents: 28, blocks: { "s390.ram": 0 }, devices: [] },
  { file: "htab", pages: 65536, zeroPages: 65528, contents: 8, blocks: { "ppc_spapr.ram": 0 }, devices: [] },
  {
    file: "riscv64",
    ...{ pages: 4096, zeroPages: 4090, contents: 6, blocks: { "riscv_virt_board.ram": 0 } },
    devices: ["virt.flash0", "virt.flash1", "riscv_virt_board.mrom"],
  },
  {
    file: "memory",
    ...{ pages: 45056, zeroPages: 45044, contents: 4, absentMiB: 128 },
    blocks: { "pc.ram": 0, mem1: GIB, "0000:00:01.0/vmem0": 2 * GIB, nvmem: 3 * GIB },
    devices: [...X86, "0000:00:02.0/shm", "0000:00:03.0/bochs-display-vram", "0000:00:03.0/bochs-display.rom"],
  },
  {
    file: "mapped",
    ...{ pages: 4096, zeroPages: 4092, contents: 4, absentMiB: 16 },
    blocks: { "pc.ram": 0, "0000:00:01.0/vmem0": GIB },
    devices: X86,
  },
  { file: "numa", pages: 4096, zeroPages: 4088, contents: 4, blocks: { na: 0, nb: GIB }, devices: X86 },
  { file: "dirty-bitmap", pages: 4096, zeroPages: 4092, contents: 4, blocks: { "pc.ram": 0 }, devices: X86 },
  { file: "background", pages: 4096, zeroPages: 4092, contents: 4, blocks: { "pc.ram": 0 }, devices: X86 },
];

test.for(STREAMS)("$file", async (stream, { folder }) => {
  const { file, pages, zeroPages, contents, absentMiB = 0, blocks, devices } = stream;
  copyFileSync(path.join(import.meta.dirname, "real-streams", `${file}.xz`), path.join(folder, file));
  expect(await analyzed(folder, file)).toMatchObject({
    ...{ format: "qemu-migration", pages, zeroPages, contents },
    ...{ nonzero: (pages - zeroPages) * PAGE, absent: absentMiB * MIB, repeated: 0, tail: 0 },
  });
  const { details } = JSON.parse(await succeed(["inspect", file, "--json"], { cwd: folder }));
  const listed: { name: string; is_ram: boolean; address: number | null }[] = details.blocks;
  const ram = listed.filter(({ is_ram }) => is_ram).map(({ name, address }) => [name, address]);
  expect(Object.fromEntries(ram)).toEqual(blocks);
  const others = listed.filter(({ is_ram }) => !is_ram).map(({ name }) => name);
  expect(new Set(others)).toEqual(new Set(devices));
});
