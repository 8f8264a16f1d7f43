// Makes raw dumps with a realistic share of duplicates, the same bytes every time.
//   node bench/generate.mjs [--gib N] [--dir DIR]

import { createCipheriv } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const MIB = 1 << 20;
const FILE_BYTES = 256 * MIB;
const PAGE_BYTES = 4096;
const PAGES_PER_CHUNK = MIB / PAGE_BYTES;
const COMMON_PAGES = 3000;

/** Where the dumps are kept from one run to the next. */
export const DEFAULT_DIR = path.join(os.tmpdir(), "pagekin-bench-dumps");

/**
 * Seeded random bytes: AES in counter mode over zeros, which runs at some GB/s.
 * @param {string} seed
 */
function randomStream(seed) {
  const counter = Buffer.alloc(16);
  counter.write(seed);
  const cipher = createCipheriv("aes-128-ctr", "pagekin bench 01", counter);
  const zeros = Buffer.alloc(MIB);
  return (length) => cipher.update(length <= MIB ? zeros.subarray(0, length) : Buffer.alloc(length));
}

/** 30 % zero pages, 20 % copies of common pages, 10 % half zero, 40 % random. */
function fillChunk(chunk, choices, common) {
  for (let page = 0; page < PAGES_PER_CHUNK; page++) {
    const at = page * PAGE_BYTES;
    const kind = choices[2 * page] / 2 ** 32;
    if (kind < 0.3) {
      chunk.fill(0, at, at + PAGE_BYTES);
    } else if (kind < 0.5) {
      const from = (choices[2 * page + 1] % COMMON_PAGES) * PAGE_BYTES;
      common.copy(chunk, at, from, from + PAGE_BYTES);
    } else if (kind < 0.6) {
      chunk.fill(0, at, at + PAGE_BYTES / 2);
    }
  }
}

function writeDump(file, number, common) {
  const contents = randomStream(`dump ${number}`);
  const decisions = randomStream(`kinds ${number}`);
  const unfinished = `${file}.${process.pid}`;
  const out = fs.openSync(unfinished, "w");
  try {
    for (let written = 0; written < FILE_BYTES; written += MIB) {
      const chunk = contents(MIB);
      const bytes = decisions(PAGES_PER_CHUNK * 8);
      const choices = new Uint32Array(bytes.buffer, bytes.byteOffset, PAGES_PER_CHUNK * 2);
      fillChunk(chunk, choices, common);
      fs.writeSync(out, chunk);
    }
    fs.renameSync(unfinished, file); // a file that has its name is whole
  } finally {
    fs.closeSync(out);
    fs.rmSync(unfinished, { force: true });
  }
}

/**
 * The paths of `gib` GiB of dumps, in files of 256 MiB; those that exist with the
 * right size are reused. A larger corpus begins with the files of a smaller one.
 * @param {{gib?: number, dir?: string, log?: (line: string) => void, signal?: AbortSignal}} [options]
 */
export async function generate({ gib = 1, dir = DEFAULT_DIR, log = () => {}, signal } = {}) {
  const count = Math.ceil((gib * 1024 * MIB) / FILE_BYTES);
  const files = Array.from({ length: count }, (_, i) => path.join(dir, `dump-${String(i).padStart(4, "0")}.raw`));
  const missing = files.filter((file) => fs.statSync(file, { throwIfNoEntry: false })?.size !== FILE_BYTES);
  if (missing.length === 0) return files;

  fs.mkdirSync(dir, { recursive: true });
  const disk = fs.statfsSync(dir);
  const need = missing.length * FILE_BYTES;
  if (disk.bavail * disk.bsize < need) {
    throw new Error(`${dir}: ${need / MIB} MiB of dumps do not fit there; set TMPDIR to a larger disk`);
  }
  log(`making ${need / MIB} MiB of dumps in ${dir}`);
  const common = randomStream("common")(COMMON_PAGES * PAGE_BYTES);
  for (const file of missing) {
    writeDump(file, files.indexOf(file), common);
    await nextTurn(); // lets an interrupt in
    signal?.throwIfAborted();
  }
  return files;
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const { values } = parseArgs({
    options: { gib: { type: "string", default: "1" }, dir: { type: "string", default: DEFAULT_DIR } },
  });
  const gib = Number(values.gib);
  if (!(gib > 0)) {
    console.error("generate: --gib takes a number above 0, e.g. node bench/generate.mjs --gib 16");
    process.exit(2);
  }
  for (const file of await generate({ gib, dir: values.dir, log: console.error })) console.log(file);
}
