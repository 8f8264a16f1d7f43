// However the bytes come, all files but ledger.csv and manifest.json are the same.

import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { expectThree, THREE } from "../support/three.js";
import { because, HAS_ZSTD, zstd } from "../support/tools.js";

type Writer = (file: string, dump: Buffer) => void;

/** Holes wherever 4 KiB are zero, at the end too. */
const writeSparse: Writer = (file, dump) => {
  const fd = openSync(file, "w");
  for (let at = 0; at < dump.length; at += 4096) {
    const part = dump.subarray(at, at + 4096);
    if (part.some((byte) => byte !== 0)) writeSync(fd, part, 0, part.length, at);
  }
  ftruncateSync(fd, dump.length);
  closeSync(fd);
};

const half = (dump: Buffer) => [dump.subarray(0, dump.length >> 1), dump.subarray(dump.length >> 1)];
const SKIPPABLE = Buffer.from("5a2a4d1803000000616263", "hex");

const FILES: [form: string, write: Writer][] = [
  ["plain files", writeFileSync],
  ["sparse files", writeSparse],
  ["gzip", (file, dump) => writeFileSync(file, gzipSync(dump))],
  [
    "gzip of several members",
    (file, dump) => writeFileSync(file, Buffer.concat(half(dump).map((part) => gzipSync(part)))),
  ],
];

const ZSTD_FILES: [form: string, write: Writer][] = [
  ["zstd", (file, dump) => writeFileSync(file, zstd(dump))],
  ["zstd of two frames", (file, dump) => writeFileSync(file, Buffer.concat(half(dump).map((part) => zstd(part))))],
  ["zstd without a checksum", (file, dump) => writeFileSync(file, zstd(dump, "--no-check"))],
  ["zstd -19 --long", (file, dump) => writeFileSync(file, zstd(dump, "-19", "--long=24"))],
  [
    "zstd of a whole file, whose frame tells its length",
    (file, dump) => {
      writeFileSync(`${file}.plain`, dump);
      writeFileSync(file, zstd(new Uint8Array(), `${file}.plain`));
    },
  ],
  ["zstd with frames to skip", (file, dump) => writeFileSync(file, Buffer.concat([SKIPPABLE, zstd(dump), SKIPPABLE]))],
];

/** Writes the three dumps in a form; gives the sources. */
function writeThree(folder: string, write: Writer): string[] {
  return THREE.map(({ name, dump }) => {
    const file = path.join(folder, `file-${name}`);
    write(file, dump);
    return `${name}=${file}`;
  });
}

describe.each(FILES)("%s", (_form, write) => {
  test("give the tables of the bytes", async ({ folder }) => {
    const out = path.join(folder, "out");
    await succeed(["analyze", ...writeThree(folder, write), "--out", out, "--quiet"]);
    await expectThree(out);
  });
});

describe.skipIf(!HAS_ZSTD).each(ZSTD_FILES)(`%s${because(HAS_ZSTD, "zstd is not installed")}`, (_form, write) => {
  test("give the tables of the bytes", async ({ folder }) => {
    const out = path.join(folder, "out");
    await succeed(["analyze", ...writeThree(folder, write), "--out", out, "--quiet"]);
    await expectThree(out);
  });
});

describe.each([
  ["one worker", ["--workers", "1"]],
  ["two workers", ["--workers", "2"]],
  ["five workers", ["--workers", "5"]],
  ["little memory", ["--max-memory", "1m"]],
  ["--verify", ["--verify"]],
  ["--verify with three workers and little memory", ["--verify", "--workers", "3", "--max-memory", "1m"]],
])("%s", (_how, options) => {
  test("give the tables of the bytes", async ({ folder }) => {
    const out = path.join(folder, "out");
    await succeed(["analyze", ...writeThree(folder, writeFileSync), ...options, "--out", out, "--quiet"]);
    await expectThree(out);
  });
});

test("another locale and time zone give the tables of the bytes", async ({ folder }) => {
  const out = path.join(folder, "out");
  const env = { LC_ALL: "de_DE.UTF-8", LANG: "tr_TR.UTF-8", TZ: "Asia/Kathmandu" };
  await succeed(["analyze", ...writeThree(folder, writeFileSync), "--out", out, "--quiet"], { env });
  await expectThree(out);
});

describe("traces", () => {
  test("give the tables of their dumps, and so do traces and dumps together", async ({ folder }) => {
    const sources = writeThree(folder, writeFileSync);
    const [traces, out, mixed] = ["traces", "out", "mixed"].map((name) => path.join(folder, name));
    await succeed(["fingerprint", ...sources, "--out", traces, "--quiet", "--workers", "2"]);
    const files = THREE.map(({ name }) => path.join(traces, `${name}.parquet`));
    await succeed(["analyze", ...files, "--out", out, "--quiet"]);
    await expectThree(out);
    await succeed(["analyze", sources[0], files[1], sources[2], "--out", mixed, "--quiet", "--workers", "2"]);
    await expectThree(mixed);
  });
});
