// What stands behind the end of a stream: volumes, and files that are written again, are longer than the state in them.

import { describe, expect } from "vitest";
import { qemuMigration } from "../../../src/dumps/formats/qemu-migration.js";
import { head, mappedStream, page, RAM_ID, section, stream, tail, u8, u32 } from "../../support/dumps/migration.js";
import { memoryOf, planOf, refusalOf } from "../../support/dumps/planned.js";
import { expectSameAsRaw, ledgerOf, PAGE, pageOf } from "../../support/dumps/stream-checks.js";
import { saved } from "../../support/dumps/virsh.js";
import { test } from "../../support/folder.js";
import { randomBytes } from "../../support/random.js";

const MIB = 2 ** 20;
const Q35 = "pc-q35-9.2";
const [A, B] = [1, 2].map((seed) => pageOf(seed));
const STREAM = stream(Q35, { "pc.ram": 2 * PAGE }, [page(0, A, "pc.ram"), page(PAGE, B)], []);
const OLDER = stream(Q35, { "pc.ram": 2 * PAGE }, [page(0, B, "pc.ram"), page(PAGE, B)], []);
const SHORT = Buffer.concat([STREAM.subarray(0, STREAM.length - tail().length), section(4, [], "timer", 3), u8(0)]);
const RAM_ONLY = STREAM.subarray(0, STREAM.length - tail().length);
const MAPPED = mappedStream(Q35, [{ block: "pc.ram", pages: [A, B] }]);

const zeros = (bytes: number) => Buffer.alloc(bytes);
const ZEROS = (at: number, bytes: number) =>
  `The stream ends at 0x${at.toString(16)}; the ${bytes} bytes behind it are zeros.`;
const OTHER = (at: number, bytes: number) =>
  `The stream ends at 0x${at.toString(16)}; the ${bytes} bytes behind it are not part of it (older data of a volume, perhaps) and were ignored.`;

describe("behind the end", () => {
  const lastOfOlder = OLDER.subarray(1000);
  test.for<[what: string, bytes: Buffer, notes: string[]]>([
    ["nothing", STREAM, []],
    ["a byte", Buffer.concat([STREAM, u8(0)]), [ZEROS(STREAM.length, 1)]],
    ["17 MiB of zeros", Buffer.concat([STREAM, zeros(17 * MIB)]), [ZEROS(STREAM.length, 17 * MIB)]],
    ["the rest of a longer stream", Buffer.concat([STREAM, lastOfOlder]), [OTHER(STREAM.length, lastOfOlder.length)]],
    ["a whole stream", Buffer.concat([STREAM, OLDER]), [OTHER(STREAM.length, OLDER.length)]],
    ["zeros, and data far behind", Buffer.concat([STREAM, zeros(3 * MIB), u8(7)]), [OTHER(STREAM.length, 3 * MIB + 1)]],
    ["random bytes", Buffer.concat([STREAM, randomBytes(2 * MIB, 3)]), [OTHER(STREAM.length, 2 * MIB)]],
    [
      "zeros, of a stream without a description",
      Buffer.concat([SHORT, zeros(20 * MIB)]),
      [ZEROS(SHORT.length, 20 * MIB)],
    ],
    ["zeros, of a stream that ends with RAM", Buffer.concat([RAM_ONLY, zeros(99)]), [ZEROS(RAM_ONLY.length + 1, 98)]],
    ["zeros, of a stream with mapped-ram", Buffer.concat([MAPPED, zeros(MIB)]), [ZEROS(MAPPED.length, MIB)]],
    ["other data, of a stream with mapped-ram", Buffer.concat([MAPPED, OLDER]), [OTHER(MAPPED.length, OLDER.length)]],
  ])("%s", async ([, bytes, notes]) => {
    const plan = await planOf(qemuMigration, bytes);
    expect(memoryOf(plan, bytes)).toEqual([[0, Buffer.concat([A, B])]]);
    expect(plan.notes).toEqual(notes);
  });

  test("of a stream that virsh saved", async ({ folder }) => {
    const bytes = Buffer.concat([saved({ stream: STREAM }), OLDER]);
    await expectSameAsRaw(folder, bytes, [A, B]);
    expect(await ledgerOf(folder, bytes)).toMatchObject({ nonzero: 2, tail: 0, absent: 0, repeated: 0 });
  });
});

describe("a description of the devices", () => {
  const ram = (device: Buffer) => Buffer.concat([RAM_ONLY, section(4, [device], "0000:00:02.0/vfio", 8)]);

  test("is found behind what looks like one", async () => {
    const decoys = [
      Buffer.concat([u8(0x7e), u32(8), u8(0), u8(6), u32(40), Buffer.from("{"), zeros(39)]),
      Buffer.concat([u8(0x7e), u32(8), u8(0), u8(6), u32(2 ** 24 - 1), Buffer.from("{")]),
      Buffer.concat([u8(0), u8(6), u32(2), Buffer.from("{}")]),
      Buffer.concat([u8(0x7e), u32(RAM_ID), u8(0), u8(6), u32(1), Buffer.from("{")]),
    ];
    for (const before of [0, MIB - 40, MIB - 7, MIB - 3, MIB]) {
      const bytes = Buffer.concat([ram(Buffer.concat([zeros(before), ...decoys])), tail(), zeros(5)]);
      expect((await planOf(qemuMigration, bytes)).notes).toEqual([ZEROS(bytes.length - 5, 5)]);
    }
  });

  test("that is cut is missed, but with --allow-truncated RAM is read", async () => {
    for (const left of [1, 10, 30]) {
      const bytes = STREAM.subarray(0, STREAM.length - left);
      expect(await refusalOf(qemuMigration, bytes)).toMatch(
        /the file ends before the end of the stream, behind its RAM/,
      );
      const plan = await planOf(qemuMigration, bytes, true);
      expect(memoryOf(plan, bytes)).toEqual([[0, Buffer.concat([A, B])]]);
      expect(plan.notes.join()).toMatch(/RAM is complete/);
    }
  });

  test("is not looked for where sections have no footers", async () => {
    const old = Buffer.concat([head(undefined), STREAM.subarray(head(Q35).length)]);
    const bare = old.subarray(0, old.length - tail().length);
    const footerless = Buffer.concat([...withoutFooters(bare), zeros(1000), randomBytes(1000, 4)]);
    const plan = await planOf(qemuMigration, footerless);
    expect(memoryOf(plan, footerless)).toEqual([[0, Buffer.concat([A, B])]]);
    expect(plan.notes).toEqual([]);
  });
});

/** Sections of RAM without their footers. */
function withoutFooters(bytes: Buffer): Buffer[] {
  const footer = Buffer.concat([u8(0x7e), u32(RAM_ID)]);
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(footer); at >= 0; at = bytes.indexOf(footer, at + 1)) {
    parts.push(bytes.subarray(from, at));
    from = at + footer.length;
  }
  return [...parts, bytes.subarray(from)];
}
