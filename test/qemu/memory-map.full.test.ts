// Memory devices and PCI devices above 4 GiB: what counts of QEMU's dumps is what QEMU itself says is RAM.

import { copyFileSync, existsSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { succeed } from "../support/pagekin.js";
import { dumpRunning, dumpStopped } from "../support/qemu/forms.js";
import { type Guest, HAS_QEMU, type Machine, test } from "../support/qemu/guest.js";
import { because } from "../support/tools.js";

const OVMF = ["CODE", "VARS"].map((part) => `/usr/share/OVMF/OVMF_${part}_4M.fd`);
const HAS_OVMF = HAS_QEMU && OVMF.every((file) => existsSync(file));

interface Region {
  from: number;
  to: number;
  name: string;
}

/** What the processor sees as memory, as QEMU lists it. */
async function regionsOf(guest: Guest): Promise<Region[]> {
  const views = (await guest.print("info mtree -f")).split("FlatView");
  const view = views.find((text) => text.includes('AS "memory"')) as string;
  return [...view.matchAll(/^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio \d+, r[ao]m\): (\S+)/gm)].map(
    ([, from, to, name]) => ({ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) + 1, name }),
  );
}

/** Waits until the firmware has given devices their addresses. */
async function settled(guest: Guest, device: string): Promise<void> {
  await guest.until("the firmware has placed the device", async () =>
    (await regionsOf(guest)).some(({ name }) => name === device),
  );
}

/** Ranges that follow one another are one. */
function joined(regions: readonly Region[]): { address: number; bytes: number }[] {
  const ranges: { address: number; bytes: number }[] = [];
  for (const { from, to } of regions) {
    const last = ranges.at(-1);
    if (last && last.address + last.bytes === from) last.bytes += to - from;
    else ranges.push({ address: from, bytes: to - from });
  }
  return ranges;
}

async function expectOnly(
  folder: string,
  file: string,
  regions: readonly Region[],
  isRam: (region: Region) => boolean,
) {
  const { extents, ledger, notes } = JSON.parse(await succeed(["inspect", file, "--json"], { cwd: folder }));
  const devices = regions.filter((region) => !isRam(region));
  expect({ file, extents, outside: ledger.outside_ram_bytes }).toEqual({
    file,
    extents: joined(regions.filter(isRam)),
    outside: devices.reduce((sum, { from, to }) => sum + to - from, 0),
  });
  return notes;
}

const CARD: Machine = { machine: "q35", memoryMiB: 128, vga: "std", kernel: undefined };
const shared = (size: string) => [
  ...["-object", `memory-backend-ram,id=shared,size=${size},share=on,reserve=off`],
  ...["-device", "ivshmem-plain,memdev=shared"],
];

describe.skipIf(!HAS_QEMU)(`a PC${because(HAS_QEMU, "qemu-system-x86_64 is not installed")}`, () => {
  test("with a DIMM, and a device that SeaBIOS puts behind the place for more", async ({ folder, boot }) => {
    const dimm = ["-object", "memory-backend-ram,id=dimm,size=256M", "-device", "pc-dimm,memdev=dimm"];
    // A ROM of the card would come and go while the firmware copies it.
    const withoutRom = ["-global", "VGA.romfile="];
    const options = [...withoutRom, "-m", "slots=2,maxmem=8G", ...dimm, ...shared("2G")];
    const guest = await boot({ ...CARD, options });
    await settled(guest, "shared");
    await guest.run("stop");
    const regions = await regionsOf(guest);
    expect(regions.find(({ name }) => name === "shared")?.from).toBeGreaterThan(2 ** 33);
    await dumpStopped(guest, "kdump", "kdump-zlib");
    const notes = await expectOnly(folder, "kdump", regions, ({ name }) => name === "pc.ram" || name === "dimm");
    expect(notes).toEqual([
      expect.stringMatching(/^Left out as device memory: 2 GiB from 0x/),
      expect.stringMatching(/^Counted as RAM: 256 MiB from 0x100000000 on/),
    ]);
  });

  test.skipIf(!HAS_OVMF)(
    `with OVMF, which puts a device far above${because(HAS_OVMF, "OVMF is not installed")}`,
    async ({ folder, boot }) => {
      copyFileSync(OVMF[1], path.join(folder, "vars"));
      const flash = ["if=pflash,format=raw,readonly=on,file=", "if=pflash,format=raw,file="];
      const drives = [OVMF[0], "vars"].flatMap((file, i) => ["-drive", `${flash[i]}${file}`]);
      const guest = await boot({ ...CARD, options: [...drives, ...shared("64M")] });
      await settled(guest, "shared");
      await guest.run("stop");
      const regions = await regionsOf(guest);
      expect(regions.at(-1)).toMatchObject({ name: "shared", from: 0xe000000000 });
      await dumpRunning(guest, "elf");
      // Of the blocks there nothing tells which are RAM and which an option ROM's; they count.
      const isOptionRom = ({ from, to }: Region) => from >= 0xc0000 && to <= 0xe0000;
      const notes = await expectOnly(folder, "elf", regions, (one) => one.name === "pc.ram" || isOptionRom(one));
      expect(notes).toEqual([
        expect.stringMatching(/: 64 MiB from 0xe000000000 to 0xe003ffffff \(there is no RAM above 4 GiB,/),
      ]);
    },
  );
});
