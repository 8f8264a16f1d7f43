// Migration streams of QEMU that have more than one block of RAM, or sections before it: page for page what the guest had.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { succeed } from "../support/pagekin.js";
import {
  bytesOfDevices,
  type Form,
  hasMappedRam,
  mappedStream,
  type Pages,
  pagesIn,
  streamOfStopped,
} from "../support/qemu/forms.js";
import { type Guest, type Machine, test } from "../support/qemu/guest.js";
import { expectHeld } from "../support/qemu/holds.js";
import { randomBytes } from "../support/random.js";
import { because, has } from "../support/tools.js";

const PAGE = 4096;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Memory of a guest's: its guest-physical address, and where pagekin places it. */
interface Stretch {
  from: number;
  bytes: number;
  at: number;
}

interface World extends Machine {
  name: string;
  program: string;
  ram: Stretch[];
  /** RAM that nobody has plugged in. */
  absent?: number;
  /** What else is to be set before the stream is written. */
  before?: (guest: Guest) => Promise<unknown>;
}

/** Random pages that the machine has in its memory from the start. */
const loaded = (...addresses: number[]) =>
  addresses.flatMap((address) => ["-device", `loader,file=random,force-raw=on,addr=0x${address.toString(16)}`]);
const backend = (id: string, mib: number, kind = "ram,") => ["-object", `memory-backend-${kind}id=${id},size=${mib}M`];
const capability = (name: string) => (guest: Guest) =>
  guest.run("migrate-set-capabilities", { capabilities: [{ capability: name, state: true }] });

const X86 = { program: "qemu-system-x86_64", vga: "none", kernel: undefined } as const;
const OTHER = { vga: "none", kernel: undefined } as const;
const one = (memoryMiB: number, from = 0, at = from): Stretch[] => [{ from, bytes: memoryMiB * MIB, at }];

const WORLDS: World[] = [
  {
    ...{ ...X86, name: "a DIMM, an NVDIMM and virtio-mem", machine: "q35,nvdimm=on", memoryMiB: 32 },
    options: [
      ...["-m", "32,slots=4,maxmem=8G"],
      ...[...backend("mem1", 128), "-device", `pc-dimm,memdev=mem1,addr=${4 * GIB}`],
      ...[...backend("nv", 64), "-device", `nvdimm,memdev=nv,addr=${6 * GIB}`],
      ...[...backend("vmem0", 64), "-device", "virtio-mem-pci,memdev=vmem0,requested-size=0"],
      ...[...backend("shared", 1, "ram,share=on,"), "-device", "ivshmem-plain,memdev=shared,master=on"],
      ...loaded(MIB, 4 * GIB + 5 * MIB, 6 * GIB + 7 * MIB),
    ],
    // The blocks of a stream are in the order of their lengths.
    ram: [...one(32), { from: 4 * GIB, bytes: 128 * MIB, at: GIB }, { from: 6 * GIB, bytes: 64 * MIB, at: 2 * GIB }],
    absent: 64 * MIB,
  },
  {
    ...{ ...X86, name: "two nodes", machine: "pc", memoryMiB: 96 },
    options: [
      ...[
        ...backend("a", 64),
        "-numa",
        "node,memdev=a",
        ...backend("b", 32, "memfd,share=on,"),
        "-numa",
        "node,memdev=b",
      ],
      ...loaded(MIB, 70 * MIB),
    ],
    ram: [...one(64), { from: 64 * MIB, bytes: 32 * MIB, at: GIB }],
  },
  {
    ...{ ...X86, name: "a dirty bitmap", machine: "q35", memoryMiB: 32, ram: one(32), before: addBitmap },
    options: ["-blockdev", `null-co,node-name=disk,size=${10 * GIB},read-zeroes=on`, ...loaded(MIB)],
  },
  {
    ...{ ...OTHER, name: "storage attributes of s390x", program: "qemu-system-s390x", machine: "s390-ccw-virtio" },
    ...{ memoryMiB: 32, ram: one(32), options: ["-S", ...loaded(MIB)] },
  },
  {
    ...{ ...OTHER, name: "a hash table of ppc64", program: "qemu-system-ppc64" },
    machine: "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
    ...{ memoryMiB: 256, ram: one(256), options: loaded(80 * MIB) },
  },
  {
    ...{ ...OTHER, name: "the ROM of riscv64", program: "qemu-system-riscv64", machine: "virt", memoryMiB: 32 },
    ...{ ram: one(32, 2 * GIB, 0), options: ["-S", ...loaded(2 * GIB + MIB)] },
  },
  {
    ...{ ...OTHER, name: "the flash of aarch64", program: "qemu-system-aarch64", machine: "virt,secure=on" },
    ...{ memoryMiB: 32, ram: one(32, GIB), options: ["-cpu", "cortex-a57", "-S", ...loaded(GIB + MIB)] },
  },
];

async function addBitmap(guest: Guest): Promise<void> {
  await guest.run("block-dirty-bitmap-add", { node: "disk", name: "bitmap", persistent: false, granularity: MIB });
  await capability("dirty-bitmaps")(guest);
}

/** What a guest has in its RAM, at the addresses at which pagekin places it. */
async function memoryOf(guest: Guest, { ram }: World): Promise<Pages> {
  const pages = new Map();
  for (const [i, { from, bytes, at }] of ram.entries()) {
    await guest.run("pmemsave", { val: from, size: bytes, filename: `raw${i}` });
    for (const [page, found] of pagesIn(path.join(guest.folder, `raw${i}`))) pages.set(at / PAGE + page, found);
  }
  return pages;
}

for (const world of WORLDS) {
  const { name, program, absent = 0, options = [], before } = world;
  const isThere = has(program);
  const why = because(isThere, `${program} is not installed`);
  test.skipIf(!isThere)(`a stream with ${name}${why}`, async ({ folder, boot }) => {
    writeFileSync(path.join(folder, "random"), randomBytes(20 * PAGE, 1));
    const guest = await boot(world);
    if (!options.includes("-S")) {
      await sleep(1000);
      await guest.run("stop");
    }
    const pages = await memoryOf(guest, world);
    await before?.(guest);
    await streamOfStopped(guest, "stream");
    const used = pages.size * PAGE + absent;
    const form: Form = {
      file: "stream",
      pages,
      absent,
      elides: true,
      outside: await bytesOfDevices(guest, used),
      repeated: 0,
    };
    await expectHeld(folder, [form]);
    if (program !== X86.program || !(await hasMappedRam(guest))) return;
    if (before)
      await guest.run("migrate-set-capabilities", { capabilities: [{ capability: "dirty-bitmaps", state: false }] });
    await guest.run("cont");
    const mapped = await mappedStream(guest, "mapped", false, () => memoryOf(guest, world));
    await expectHeld(folder, [{ ...mapped, absent, outside: form.outside }]);
  });
}

const HAS_X86 = has(X86.program);

test.skipIf(!HAS_X86)(
  `a stream on a volume that is longer${because(HAS_X86, `${X86.program} is not installed`)}`,
  async ({ folder, boot }) => {
    const world: World = { ...X86, name: "", machine: "pc", memoryMiB: 32, ram: one(32) };
    const guest = await boot(world);
    await sleep(1000);
    await guest.run("stop");
    const pages = await memoryOf(guest, world);
    // What was on the volume before stands behind the stream.
    writeFileSync(path.join(folder, "volume"), randomBytes(4 * MIB, 2));
    await streamOfStopped(guest, "volume", "dd of=volume conv=notrunc status=none");
    const outside = await bytesOfDevices(guest, pages.size * PAGE);
    await expectHeld(folder, [{ file: "volume", pages, elides: true, outside, repeated: 0 }]);
    const { notes } = JSON.parse(await succeed(["inspect", "volume", "--json"], { cwd: folder }));
    expect(notes).toEqual([
      expect.stringMatching(/^The stream ends at 0x\w+; the \d+ bytes behind it are not part of it/),
    ]);
  },
);
