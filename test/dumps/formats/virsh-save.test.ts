import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { CONTAINERS } from "../../support/containers.js";
import { filled, mappedStream, page, stream } from "../../support/dumps/migration.js";
import {
  expectSameAsRaw,
  expectStreamRefused,
  harmlessCuts,
  ledgerOf,
  PAGE,
  pageOf,
  readDamaged,
  ZEROS,
} from "../../support/dumps/stream-checks.js";
import { saved, streamAt } from "../../support/dumps/virsh.js";
import { test } from "../../support/folder.js";
import { succeed } from "../../support/pagekin.js";
import { because, HAS_ZSTD, zstd } from "../../support/tools.js";

const [A, B] = [1, 2].map((seed) => pageOf(seed));
const RECORDS = [page(0, A, "pc.ram"), filled(PAGE, 0), page(2 * PAGE, B)];
const STREAM = stream("pc-q35-7.2", { "pc.ram": 4 * PAGE, "pc.rom": PAGE }, RECORDS, [
  filled(3 * PAGE, 0),
  filled(0, 0, "pc.rom"),
]);
const RAW = [A, ZEROS, B, ZEROS];
/** Damaged in its last block, behind which there is more to read. */
const LZOP = CONTAINERS.find(({ name }) => name === "lzop")?.fixture ?? Buffer.alloc(0);
const DAMAGED_LZOP = Buffer.concat([Buffer.from(LZOP).fill(0x55, LZOP.length - 20, LZOP.length - 10), LZOP]);
const SPARSE = { block: "pc.ram", pages: [A, undefined, B, undefined] };

describe("read", () => {
  test.for<[what: string, bytes: Buffer]>([
    ["a plain file", saved({ stream: STREAM })],
    ["a file of version 1", saved({ stream: STREAM, version: 1 })],
    ["a file of a big-endian host", saved({ stream: STREAM, bigEndian: true })],
    ["a file with much XML", saved({ stream: STREAM, dataBytes: 65536 })],
    [
      "a sparse file, whose offsets are from its own start",
      saved({ stream: mappedStream("pc-q35-9.2", [SPARSE], { before: streamAt() }), packedAs: 6 }),
    ],
    ["a file packed with gzip", saved({ stream: gzipSync(STREAM), packedAs: 1 })],
  ])("%s", async ([, bytes], { folder }) => {
    await expectSameAsRaw(folder, bytes, RAW);
    await expectSameAsRaw(folder, gzipSync(bytes), RAW);
    expect(await ledgerOf(folder, bytes)).toMatchObject({
      format: "virsh-save",
      nonzero: 2,
      elided_zero: 2,
      absent: 0,
    });
  });

  test("zeros behind a packed stream are noted", async ({ folder }) => {
    const padded = saved({ stream: Buffer.concat([gzipSync(STREAM), Buffer.alloc(1000)]), packedAs: 1 });
    await expectSameAsRaw(folder, padded, RAW);
    writeFileSync(path.join(folder, "padded"), padded);
    expect(await succeed(["inspect", "padded"], { cwd: folder })).toContain(
      "1000 zero bytes follow the end of the gzip",
    );
  });

  test("inspect tells of a packed stream what it tells of a plain one, and how it is packed", async ({ folder }) => {
    const inspect = async (bytes: Buffer) => {
      writeFileSync(path.join(folder, "vm"), bytes);
      return JSON.parse(await succeed(["inspect", "vm", "--json"], { cwd: folder }));
    };
    const said = { stream_offset: streamAt(), was_running: true };
    const plain = await inspect(saved({ stream: STREAM }));
    expect(plain.details).toMatchObject({ ...said, stream_compression: "none" });
    const packed = await inspect(saved({ stream: gzipSync(STREAM), packedAs: 1 }));
    expect(packed).toEqual({ ...plain, details: { ...plain.details, stream_compression: "gzip" } });
  });

  test.skipIf(!HAS_ZSTD)(`a file packed with zstd${because(HAS_ZSTD, "zstd is not installed")}`, async ({ folder }) => {
    await expectSameAsRaw(folder, saved({ stream: zstd(STREAM), packedAs: 5 }), RAW);
  });
});

describe("refused", () => {
  const good = saved({ stream: STREAM });

  test.for<[what: string, bytes: Buffer, says: RegExp]>([
    ["a file that was never finished", saved({ stream: STREAM, magic: "LibvirtQemudPart" }), /never finished/],
    ["another version", saved({ stream: STREAM, version: 3 }), /version 3/],
    ["an unknown compression", saved({ stream: STREAM, packedAs: 7 }), /unknown compression 7/],
    [
      "XML that is longer than the file",
      Buffer.from(good).fill(0xff, 20, 24),
      /ends before its stream, at 0x10000005b/,
    ],
    ["nothing behind the XML", good.subarray(0, streamAt()), /ends before its stream/],
    ["half a header", good.subarray(0, 60), /ends before/],
    [
      "something else behind the XML",
      Buffer.from(good).fill("x", streamAt(), streamAt() + 4),
      /not a migration stream/,
    ],
    ["a stream that is not packed as the header says", saved({ stream: STREAM, packedAs: 1 }), /gzip/],
    [
      "a packed stream that is damaged",
      saved({ stream: DAMAGED_LZOP, packedAs: 4 }),
      /at 0x182: the lzop stream is damaged/,
    ],
  ])("%s", async ([, bytes, says], { folder }) => {
    await expectStreamRefused(folder, bytes, says);
  });

  test("a cut file, but with --allow-truncated what is there is read", async ({ folder }) => {
    const cut = good.subarray(0, good.indexOf(B) + 5);
    await expectStreamRefused(folder, cut, "--allow-truncated");
    expect(await ledgerOf(folder, cut, "--allow-truncated")).toMatchObject({ nonzero: 1, elided_zero: 1, absent: 2 });
  });

  test("cut at every place of its header and its XML", async () => {
    const short = good.subarray(0, streamAt() + 40);
    expect(await harmlessCuts(short)).toEqual([]);
  });

  test("damaged anywhere: read or refused, and soon", async () => {
    const seeds = Array.from({ length: 150 }, (_, i) => i + 1);
    expect(await readDamaged(good, seeds)).toBeLessThan(seeds.length);
  });
});
