// Writes the memory of a raw dump in other formats, laid out as their programs do.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const MIB = 1 << 20;
const PAGE = 4096;
const ZERO_PAGE = Buffer.alloc(PAGE);
/** The length of an AVML block, of its chunks, and how much a chunk has to shrink to be stored compressed. */
const AVML = { block: 16 * MIB, chunk: 65536, worth: 7 / 8 };
/** A PC's memory is in pieces, the second of which begins at no whole page. */
const LIME_CUTS = [0x9fc00, 0x100000];

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** Writes parts one after the other to a file that is there only when it is whole. */
export function writeParts(file, parts) {
  const unfinished = `${file}.${process.pid}`;
  const out = fs.openSync(unfinished, "w");
  const waiting = [];
  let bytes = 0;
  const flush = () => {
    if (fs.writevSync(out, waiting.splice(0)) < bytes) throw new Error(`${file}: no room on the disk`);
    bytes = 0;
  };
  try {
    for (const part of parts) {
      waiting.push(part);
      bytes += part.length;
      if (bytes > MIB || waiting.length === 512) flush();
    }
    flush();
    fs.renameSync(unfinished, file);
  } finally {
    fs.closeSync(out);
    fs.rmSync(unfinished, { force: true });
  }
}

/** What Python's code_units.py made of a dump's units; undefined: the unit is zero. */
function* codedUnits(codec, unitBytes, raw, scratch) {
  const file = path.join(scratch, "coded-units");
  const script = path.join(import.meta.dirname, "code_units.py");
  const done = spawnSync("python3", [script, codec, String(unitBytes), raw, file], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr?.trim().split("\n").pop() ?? String(done.error));
  const coded = fs.readFileSync(file);
  fs.rmSync(file);
  for (let at = 0; at < coded.length; ) {
    const bytes = coded.readUInt32LE(at);
    yield bytes === 0 ? undefined : coded.subarray(at + 4, at + 4 + bytes);
    at += 4 + bytes;
  }
}

/** As QEMU writes one: section headers first, and memory right behind the notes, at no multiple of a page. */
function* elf(memory) {
  const cuts = [0, 0xa0000, 0xc0000, memory.length];
  const loads = cuts.slice(1).map((end, i) => ({ at: cuts[i], bytes: end - cuts[i] }));
  const [headersAt, headerBytes, notes] = [64, 56, Buffer.alloc(0x11e0 - 64 - 4 * 56)];
  notes.set([5, 0, 0, 0, 4, 0, 0, 0]);
  notes.write("QEMU", 12);
  const ident = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const [core, x86] = [4, 62];
  const head = [u32(core | (x86 << 16)), u32(1), u64(0), u64(headersAt), u64(0), u32(0), u32(64 | (headerBytes << 16))];
  yield Buffer.concat([ident, ...head, u32(loads.length + 1), u32(0)]);
  const header = (type, offset, address, bytes) =>
    Buffer.concat([u32(type), u32(0), u64(offset), u64(0), u64(address), u64(bytes), u64(bytes), u64(0)]);
  const notesAt = headersAt + (loads.length + 1) * headerBytes;
  yield header(4, notesAt, 0, 24);
  for (const { at, bytes } of loads) yield header(1, notesAt + notes.length + at, at, bytes);
  yield notes;
  yield memory;
}

const rangeHeader = (magic, version, first, bytes) =>
  Buffer.concat([Buffer.from(magic), u32(version), u64(first), u64(first + bytes - 1), u64(0)]);

function* lime(memory) {
  const cuts = [0, ...LIME_CUTS, memory.length];
  for (let i = 1; i < cuts.length; i++) {
    const range = memory.subarray(cuts[i - 1], cuts[i]);
    yield rangeHeader("EMiL", 1, cuts[i - 1], range.length);
    yield range;
  }
}

/** maskedCrc32c: of snappy's framing. */
function* avml(memory, raw, scratch, { maskedCrc32c }) {
  const units = codedUnits("snappy", AVML.chunk, raw, scratch);
  for (let block = 0; block < memory.length; block += AVML.block) {
    const end = Math.min(memory.length, block + AVML.block);
    yield rangeHeader("AVML", 2, block, end - block);
    const frames = [Buffer.from("\xff\x06\0\0sNaPpY", "latin1")];
    for (let at = block; at < end; at += AVML.chunk) {
      const plain = memory.subarray(at, at + AVML.chunk);
      // only a zero chunk has no code there; it is a literal byte and copies of 64 bytes from one byte back
      const coded = units.next().value ?? zeroSnappy(plain.length);
      const stored = coded.length > plain.length * AVML.worth;
      const data = stored ? plain : coded;
      frames.push(u32((stored ? 1 : 0) + (data.length + 4) * 256), u32(maskedCrc32c(plain)), data);
    }
    yield* frames;
    yield u64(frames.reduce((sum, { length }) => sum + length, 0));
  }
}

function zeroSnappy(bytes) {
  const parts = [Buffer.from([(bytes & 127) | 128, ((bytes >> 7) & 127) | 128, bytes >> 14, 0, 0])];
  for (let left = bytes - 1; left > 0; left -= 64) parts.push(Buffer.from([((Math.min(left, 64) - 1) << 2) | 2, 1, 0]));
  return Buffer.concat(parts);
}

const KDUMP_FLAGS = { zlib: 1, lzo: 2, snappy: 4, zstd: 0x20 };

/** As makedumpfile -d 0 writes one: zero pages share one place, and pages that do not shrink are stored. */
function* kdump(codec, memory, raw, scratch) {
  const pages = memory.length / PAGE;
  const bitmap = Buffer.alloc(Math.ceil(pages / 8 / PAGE) * PAGE, 0);
  bitmap.fill(0xff, 0, pages / 8);
  const [head, sub] = [Buffer.alloc(PAGE), Buffer.alloc(PAGE)];
  head.write("KDUMP   ");
  head.writeUInt32LE(6, 8);
  head.write("x86_64", 272);
  [PAGE, 1, (2 * bitmap.length) / PAGE, pages].forEach((value, i) => {
    head.writeUInt32LE(value, 428 + 4 * i);
  });
  sub.writeBigUInt64LE(BigInt(pages), 96);
  yield* [head, sub, bitmap, bitmap];
  const descriptors = Buffer.alloc(pages * 24);
  const zeroAt = 2 * PAGE + 2 * bitmap.length + descriptors.length;
  const data = [ZERO_PAGE];
  let end = zeroAt + PAGE;
  let page = 0;
  for (const coded of codedUnits(codec, PAGE, raw, scratch)) {
    const shrunk = coded && coded.length < PAGE;
    const bytes = !coded ? ZERO_PAGE : shrunk ? coded : memory.subarray(page * PAGE, (page + 1) * PAGE);
    descriptors.writeBigUInt64LE(BigInt(coded ? end : zeroAt), page * 24);
    descriptors.writeUInt32LE(bytes.length, page * 24 + 8);
    descriptors.writeUInt32LE(shrunk ? KDUMP_FLAGS[codec] : 0, page * 24 + 12);
    if (coded) {
      data.push(bytes);
      end += bytes.length;
    }
    page++;
  }
  yield descriptors;
  yield* data;
}

/** As QEMU sends a guest that stands still: each page once, zero pages as one byte, big-endian numbers. */
function* migration(memory) {
  const be32 = (value) => u32(value).swap32();
  const be64 = (value) => u64(value).swap64();
  const name = (text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const machine = "pc-q35-7.2";
  const footer = Buffer.concat([Buffer.from([0x7e]), be32(2)]);
  yield Buffer.concat([Buffer.from("QEVM"), be32(3), Buffer.from([7]), be32(machine.length), Buffer.from(machine)]);
  yield Buffer.concat([Buffer.from([1]), be32(2), name("ram"), be32(0), be32(4), be64(memory.length + 4)]);
  yield Buffer.concat([name("pc.ram"), be64(memory.length), be64(0x10), footer, Buffer.from([3]), be32(2)]);
  for (let at = 0; at < memory.length; at += PAGE) {
    const page = memory.subarray(at, at + PAGE);
    const isZero = page.equals(ZERO_PAGE);
    yield be64(at + (isZero ? 2 : 8) + (at > 0 ? 0x20 : 0));
    if (at === 0) yield name("pc.ram");
    yield isZero ? Buffer.alloc(1) : page;
  }
  yield Buffer.concat([be64(0x10), footer, Buffer.alloc(1)]);
}

/** The formats, by the name that the bench calls them. */
const WRITERS = {
  elf,
  lime,
  avml,
  "qemu-migration": migration,
  ...Object.fromEntries(
    Object.keys(KDUMP_FLAGS).map((codec) => [`kdump-${codec}`, (...rest) => kdump(codec, ...rest)]),
  ),
};

/** The programs that pack a whole raw dump. */
const PACKERS = ["gzip", "zstd", "lz4", "xz", "bzip2", "lzop"];

export const FORMS = [...Object.keys(WRITERS), ...PACKERS];

/**
 * Writes a raw dump in one of the forms; throws where what it needs is not installed.
 * @param {string} form
 * @param {string} raw
 * @param {string} file
 * @param {{scratch: string, maskedCrc32c: (bytes: Uint8Array) => number}} tools
 */
export function writeForm(form, raw, file, { scratch, ...tools }) {
  if (!PACKERS.includes(form)) return writeParts(file, WRITERS[form](fs.readFileSync(raw), raw, scratch, tools));
  const unfinished = `${file}.${process.pid}`;
  const out = fs.openSync(unfinished, "w");
  const { status, error, stderr } = spawnSync(form, ["-c", raw], { stdio: ["ignore", out, "pipe"] });
  fs.closeSync(out);
  if (status === 0) return fs.renameSync(unfinished, file);
  fs.rmSync(unfinished);
  throw new Error(error ? `${form} is not installed` : String(stderr));
}
