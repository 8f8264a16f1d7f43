// What a run holds: the library closes every file when a call ends or throws, and dumps are unpacked one world at a time.

import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { elfCore } from "./support/dumps/elf.js";
import { kdumpOf } from "./support/dumps/kdump.js";
import { filled, stream } from "./support/dumps/migration.js";
import { saved } from "./support/dumps/virsh.js";
import { test } from "./support/folder.js";
import { succeed } from "./support/pagekin.js";
import { dumpOf, TINY } from "./support/pieces.js";
import { randomBytes } from "./support/random.js";
import { rowsOf } from "./support/table.js";
import { CAN_MOUNT, withDisk } from "./support/tmpfs.js";
import { because, HAS_ZSTD, IS_LINUX, zstd } from "./support/tools.js";

const CHILD = fileURLToPath(new URL("support/leaks.mjs", import.meta.url));
const MIB = 2 ** 20;

const PAGE = dumpOf([TINY + 1, TINY + 2, TINY + 3, TINY + 4]);
const ELF = elfCore({ loads: [{ bytes: PAGE }] });
const STREAM = stream("pc-q35-7.2", { "pc.ram": 4096 }, [filled(0, 1, "pc.ram")]);
const DUMPS: Record<string, Buffer> = {
  "elf.gz": gzipSync(ELF),
  elf: ELF,
  "kdump.gz": gzipSync(kdumpOf({ pages: { 0: PAGE } })),
  "stream.gz": gzipSync(STREAM),
  saved: saved({ stream: gzipSync(STREAM), packedAs: 1 }),
  "raw.gz": gzipSync(PAGE),
  ...(HAS_ZSTD ? { "elf.zst": zstd(ELF) } : {}),
};
/** Cut where a decoder, a format's headers or a page's bytes are in the middle. */
const DAMAGED = Object.fromEntries(
  Object.entries(DUMPS).map(([name, bytes]) => [`cut-${name}`, bytes.subarray(0, Math.floor(bytes.length * 0.8))]),
);

describe.skipIf(!IS_LINUX)(`100 calls of the library${because(IS_LINUX, "this is no Linux")}`, () => {
  test("leave no file open and hold no more memory, with good dumps and damaged ones", async ({ folder }) => {
    const files = { ...DUMPS, ...DAMAGED };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
    const args = ["--expose-gc", CHILD, ...Object.keys(files).map((name) => path.join(folder, name))];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    const { before, after, outcomes } = JSON.parse(stdout);
    expect(stderr).toBe("");
    for (const name of Object.keys(DUMPS)) expect(outcomes[path.join(folder, name)], name).toBe("done");
    for (const name of Object.keys(DAMAGED)) expect(outcomes[path.join(folder, name)], name).toBe("PagekinError");
    expect(after.files).toBe(before.files);
    // A call that kept its WebAssembly memory would hold some MiB, 1,200 of them gigabytes.
    expect(after.rss - before.rss).toBeLessThan(64 * MIB);
  });
});

describe.skipIf(!CAN_MOUNT)(`temporary files${because(CAN_MOUNT, "no file system can be mounted")}`, () => {
  test("of 20 compressed ELF dumps at 20 times need the room of one", async ({ folder }) => {
    const bytes = randomBytes(4 * MIB, 1);
    mkdirSync(path.join(folder, "dumps"));
    const core = gzipSync(elfCore({ loads: [{ bytes }] }), { level: 1 });
    for (let time = 0; time < 20; time++) writeFileSync(path.join(folder, "dumps", `vm@${time}.elf.gz`), core);
    const dumps = Array.from({ length: 20 }, (_, time) => path.join("dumps", `vm@${time}.elf.gz`));
    await withDisk(folder, "6m", async (disk) => {
      await succeed(["analyze", ...dumps, "--page-size", "4k", "--out", "out"], { cwd: folder, env: { TMPDIR: disk } });
    });
    const rows = rowsOf(path.join(folder, "out"), "self.csv");
    expect(rows.map(({ time_s, pages }) => [time_s, pages])).toEqual(
      Array.from({ length: 20 }, (_, time) => [String(time), "1024"]),
    );
  });
});
