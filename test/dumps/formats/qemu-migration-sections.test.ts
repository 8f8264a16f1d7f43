// Sections that are not RAM's, whose content nobody but QEMU's devices knows: before RAM, between its parts, behind it.

import fc from "fast-check";
import { describe, expect } from "vitest";
import { qemuMigration } from "../../../src/dumps/formats/qemu-migration.js";
import { cases } from "../../support/cases.js";
import {
  capabilities,
  command,
  END_OF_RECORDS,
  filled,
  footer,
  head,
  list,
  name,
  page,
  RAM_ID,
  section,
  tail,
  u8,
  u32,
  u64,
} from "../../support/dumps/migration.js";
import { memoryOf, planOf, refusalOf, type Stretch } from "../../support/dumps/planned.js";
import { expectSameAsRaw, expectStreamRefused, PAGE, pageOf, ZEROS } from "../../support/dumps/stream-checks.js";
import { test } from "../../support/folder.js";
import { randomBytes } from "../../support/random.js";

const Q35 = "pc-q35-9.2";
const [A, B, C] = [1, 2, 3].map((seed) => pageOf(seed));
const BLOCKS = { "pc.ram": 3 * PAGE };

/** The parts of a stream's RAM: its list, pages in further parts, its end. */
const RAM = [
  section(1, [list(BLOCKS), END_OF_RECORDS]),
  section(2, [page(0, A, "pc.ram"), END_OF_RECORDS]),
  section(2, [page(PAGE, B), filled(2 * PAGE, 0), END_OF_RECORDS]),
  section(3, [page(2 * PAGE, C, "pc.ram"), END_OF_RECORDS]),
];
const PAGES = [A, B, C];
const MEMORY: Stretch[] = [[0, Buffer.concat(PAGES)]];

/** A stream with other sections before each part of RAM. */
const withOthers = (...others: Buffer[][]) =>
  Buffer.concat([head(Q35), ...RAM.flatMap((part, i) => [...(others[i] ?? []), part]), tail()]);

/** What a live section writes that has no pages: its start, a part, its end. */
const live = (named: string, id: number, ...payloads: Buffer[]) =>
  payloads.map((payload, i) => section(i === 0 ? 1 : i === payloads.length - 1 ? 3 : 2, [payload], named, id));

describe("other sections are stepped over", () => {
  const bytes = (count: number, seed: number) => randomBytes(count, seed);
  const [htabStart, htabPart, htabEnd] = live("spapr/htab", 52, u32(18), bytes(30_000, 4), Buffer.alloc(8));
  const [diskStart, diskPart, diskEnd] = live("block", 1, u64(2), bytes(2 ** 20 + 20, 5), u64(2));
  const [attributes, attributesPart, attributesEnd] = live("s390-storage_attributes", 7, u64(1), u64(1), u64(2));

  test.for<[what: string, stream: Buffer]>([
    ["a state of Proxmox's backups", withOthers(live("pbs-state", 1, Buffer.concat([u64(900), bytes(900, 6)])))],
    ["dirty bitmaps", withOthers([section(1, [u8(1), u8(2), u64(65536), bytes(100, 7)], "dirty-bitmap", 0)])],
    ["virtio-mem", withOthers([], [section(4, [bytes(52, 8)], "0000:00:02.0/virtio-mem-device-early", 33)])],
    ["a hash table of ppc64", withOthers([], [htabStart], [htabPart, htabPart], [htabPart, htabEnd])],
    ["a disk", withOthers([diskStart], [diskPart], [], [diskEnd])],
    ["storage attributes of s390x", withOthers([attributes], [], [attributesPart], [attributesEnd])],
    ["all of them, with commands", withOthers([htabStart, command(1)], [diskStart, htabPart], [command(11), htabEnd])],
    ["a section without anything in it", withOthers([section(4, [], "x", 9)])],
    ["a device whose section is longer than any window", withOthers([section(4, [bytes(3_000_000, 9)], "vfio", 9)])],
  ])("%s", async ([, stream], { folder }) => {
    await expectSameAsRaw(folder, stream, PAGES);
  });

  test("of a background snapshot, whose RAM has no end of its own", async ({ folder }) => {
    const stream = Buffer.concat([head(Q35), ...RAM.slice(0, 2), section(2, [page(PAGE, B), END_OF_RECORDS]), tail()]);
    await expectSameAsRaw(folder, stream, [A, B]);
  });
});

/** What a payload may have in it that looks like the end of a section and the start of another. */
const DECOYS: readonly ((id: number) => Buffer)[] = [
  (id) => footer(id),
  () => footer(RAM_ID),
  (id) => Buffer.concat([footer(id), u8(2), u32(id)]),
  (id) => Buffer.concat([footer(id), u8(3), u32(id), Buffer.alloc(20)]),
  (id) => Buffer.concat([footer(id), section(4, [Buffer.alloc(9)], "timer", id + 100)]),
  (id) => Buffer.concat([footer(id), u8(4), u32(id + 200), name("0000:00:02.0/vga"), u32(0), u32(2)]),
  (id) => Buffer.concat([footer(id), u8(1), u32(RAM_ID), name("slirp"), u32(0), u32(4)]),
  (id) => Buffer.concat([footer(id), u8(1), u32(id + 300), name("ram"), u32(0), u32(4)]),
  (id) => Buffer.concat([footer(id), u8(1), u32(RAM_ID), name("ram"), u32(0), u32(4), list({ "pc.ram": PAGE })]),
  (id) => Buffer.concat([footer(id), u8(2), u32(RAM_ID)]),
  (id) => Buffer.concat([footer(id), u8(2), u32(RAM_ID), page(0, C, "pc.ram")]),
  (id) => Buffer.concat([footer(id), command(1), command(2, u32(7))]),
  (id) => Buffer.concat([footer(id), tail()]),
  (id) => Buffer.concat([footer(id), u8(0), u8(6), u32(2 ** 23), Buffer.from("{")]),
];

const WHOLE_TAIL = 12;

describe("what looks like a footer leads nowhere", () => {
  test("wherever it is in other sections", async () => {
    const payload = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: DECOYS.length - 1 }),
        fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 12 },
    );
    const others = fc.array(fc.array(payload, { maxLength: 3 }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(others, async (before) => {
        let id = 10;
        const stream = withOthers(
          ...before.map((payloads) =>
            payloads.map((parts) => {
              id++;
              const bytes = parts.map((part) => (typeof part === "number" ? DECOYS[part](id) : part));
              return section(4, bytes, `device${id}`, id);
            }),
          ),
        );
        expect(memoryOf(await planOf(qemuMigration, stream), stream)).toEqual(MEMORY);
      }),
      { numRuns: cases(100) },
    );
  });

  test.for(DECOYS.map((decoy, i): [number, typeof decoy] => [i, decoy]))(
    "thousands of them: %i",
    async ([i, decoy]) => {
      const start = section(1, [u32(1)], "block", 1);
      const many = Buffer.concat(Array.from({ length: 20_000 }, () => decoy(1)));
      const stream = withOthers([start], [], [section(2, [many], "block", 1)]);
      // A file that seems to be over is the one thing that leads too far.
      if (i === WHOLE_TAIL) expect(await refusalOf(qemuMigration, stream)).toMatch(/too much .* looks like/);
      else expect(memoryOf(await planOf(qemuMigration, stream), stream)).toEqual(MEMORY);
    },
  );
});

describe("refused", () => {
  const early = section(4, [Buffer.alloc(100)], "vfio", 9);
  const withoutFooter = (bytes: Buffer) => bytes.subarray(0, bytes.length - footer(0).length);
  const old = (...sections: Buffer[]) =>
    Buffer.concat([head(undefined), ...sections.map(withoutFooter), Buffer.alloc(99)]);

  test.for<[what: string, stream: Buffer, says: RegExp]>([
    [
      "another section where sections have no footers",
      old(RAM[0], section(1, [u32(1)], "spapr/htab", 52), RAM[3]),
      /section spapr\/htab comes before the end of RAM, .* of this stream have no footers; .*dump-guest-memory/,
    ],
    [
      "the same before RAM",
      old(early, RAM[0], RAM[3]),
      /section vfio comes before the end of RAM, .*no footer of it has another section behind it; .*dump-guest-memory/,
    ],
    [
      "two sections of one number",
      withOthers([section(4, [], "a", 9)], [section(4, [], "b", 9)]),
      /two sections have the number 9/,
    ],
    ["an end without a start", withOthers([section(3, [], "", 9)]), /unknown number 9/],
  ])("%s", async ([, stream, says], { folder }) => {
    await expectStreamRefused(folder, stream, says);
  });

  test("a file that is cut in another section, but with --allow-truncated what came before is read", async () => {
    const whole = withOthers([], [], [section(4, [randomBytes(1000, 1)], "vfio", 9)]);
    const cut = whole.subarray(0, whole.indexOf("vfio") + 500);
    expect(await refusalOf(qemuMigration, cut)).toMatch(
      /the file ends before the end of section vfio; .*--allow-truncated/,
    );
    const plan = await planOf(qemuMigration, cut, true);
    expect(memoryOf(plan, cut)).toEqual([[0, A]]);
    expect(plan.notes.join()).toMatch(/ends before the end of section vfio/);
  });
});

test("capabilities do not matter for other sections", async ({ folder }) => {
  const stream = Buffer.concat([
    head(Q35, capabilities("x-ignore-shared")),
    section(1, [u8(1)], "dirty-bitmap", 0),
    section(1, [list(BLOCKS, u64(0)), END_OF_RECORDS]),
    section(3, [page(0, A, "pc.ram"), page(PAGE, ZEROS), filled(2 * PAGE, 1), END_OF_RECORDS]),
    tail(),
  ]);
  await expectSameAsRaw(folder, stream, [A, ZEROS, Buffer.alloc(PAGE, 1)]);
});
