import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { elfCore } from "../support/dumps/elf.js";
import { analyzed } from "../support/dumps/run.js";
import { test } from "../support/folder.js";
import { randomBytes } from "../support/random.js";
import { expectRefused } from "../support/refused.js";

const PAGE = 4096;
const RAM = randomBytes(16 * PAGE, 1);
const FIRMWARE = randomBytes(2 * PAGE, 2);

function writeDumps(folder: string): void {
  const loads = [
    { paddr: 0, bytes: RAM },
    { paddr: 2 ** 32 - FIRMWARE.length, bytes: FIRMWARE },
  ];
  writeFileSync(path.join(folder, "vm.raw"), RAM);
  writeFileSync(path.join(folder, "vm.elf"), elfCore({ loads }));
}

test.for(["vm.raw", "vm.elf"])(
  "of %s only what the map has is counted, firmware needs no bits in it",
  async (file, { folder }) => {
    writeDumps(folder);
    writeFileSync(path.join(folder, "map"), Uint8Array.of(0b1000_0001, 0b11));
    const found = await analyzed(folder, file, "--resident", "map");
    expect(found).toMatchObject({ pages: 4, nonzero: 4 * PAGE });
  },
);

test("a map that ends before RAM does is refused, and one that ends before firmware where that counts", async ({
  folder,
}) => {
  writeDumps(folder);
  writeFileSync(path.join(folder, "map"), Uint8Array.of(0xff));
  await expectRefused(folder, ["analyze", "vm.elf", "--resident", "map"], ["map: the map has 8 pages, the dump 16;"]);
  writeFileSync(path.join(folder, "map"), Uint8Array.of(0xff, 0xff));
  const all = ["analyze", "vm.elf", "--resident", "map", "--ranges", "all"];
  await expectRefused(folder, all, ["map: the map has 16 pages, the dump 1048576;"]);
});
