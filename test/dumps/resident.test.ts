import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { elfCore, qemuNote } from "../support/dumps/elf.js";
import { analyzed } from "../support/dumps/run.js";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { expectRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const PAGE = 4096;
const RAM = randomBytes(16 * PAGE, 1);
const FIRMWARE = randomBytes(2 * PAGE, 2);

function writeDumps(folder: string): void {
  const loads = [
    { paddr: 0, bytes: RAM },
    { paddr: 2 ** 32 - FIRMWARE.length, bytes: FIRMWARE },
  ];
  writeFileSync(path.join(folder, "vm.raw"), RAM);
  writeFileSync(path.join(folder, "vm.elf"), elfCore({ notes: [qemuNote()], loads }));
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

test("each dump has its own map, also of several of one member", async ({ folder }) => {
  writeDumps(folder);
  for (const [file, pages] of [
    ["one", 0b1],
    ["two", 0b11],
    ["three", 0b111],
  ] as const)
    writeFileSync(path.join(folder, file), Uint8Array.of(pages, 0));
  const sources = ["analyze", "vm@1=vm.raw", "vm@2=vm.elf", "other@2=vm.raw", "--page-size", "4k"];
  const maps = ["vm@1=one", "vm@2.0=two", "other=three"].flatMap((map) => ["--resident", map]);
  await succeed([...sources, ...maps, "--out", "out", "--quiet"], { cwd: folder });
  const rows = rowsOf(path.join(folder, "out"), "self.csv").map(({ time_s, member, pages }) => [time_s, member, pages]);
  expect(rows).toEqual([
    ["1", "vm", "1"],
    ["2", "vm", "2"],
    ["2", "other", "3"],
  ]);
  await expectRefused(
    folder,
    [...sources, "--resident", "vm=one"],
    [/vm, of which there are 2 dumps; write NAME@SECONDS=MAP/],
  );
  await expectRefused(folder, [...sources, "--resident", "vm@3=one"], [/vm@3, which has no source/]);
});

test("inspect refuses a map of another dump", async ({ folder }) => {
  writeDumps(folder);
  writeFileSync(path.join(folder, "map"), Uint8Array.of(1, 0));
  const { code, stderr } = await pagekin(["inspect", "vm.raw", "--resident", "vm2=map"], { cwd: folder });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("vm2, which has no source") });
  const said = await succeed(["inspect", "vm.raw", "--json", "--resident", "vm=map"], { cwd: folder });
  expect(JSON.parse(said)).toMatchObject({ pages: 1 });
  writeFileSync(path.join(folder, "vm.csv"), "page_bytes,page,fingerprint\n4096,0,aa\n");
  const trace = await pagekin(["inspect", "vm.csv", "--resident", "map"], { cwd: folder });
  expect(trace).toMatchObject({ code: 2, stderr: expect.stringContaining("a trace has no pages to leave out") });
  expect(await succeed(["inspect", "vm.csv", "--quiet"], { cwd: folder })).toBe("");
});
