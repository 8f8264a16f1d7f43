// A form's decompressor alone: decodes what pagekin has to decode, with the same calls, and drops it.
//   node bench/unpack.mjs FORM OWN FILE...
// OWN: a module with pagekin's own decoders, where no library has one.

import fs from "node:fs";
import { createGunzip, inflateSync } from "node:zlib";

const PAGE = 4096;
const CHUNK = 1 << 20;
const [, , form, ownFile, ...files] = process.argv;
const own = await import(ownFile);

const read = (file) => fs.createReadStream(file, { highWaterMark: CHUNK });

async function drain(stream) {
  for await (const chunk of stream) void chunk;
}

/** zstddec gives the end of the output only when input follows it: an empty frame does no harm. */
function* zstdChunks(file) {
  const fd = fs.openSync(file, "r");
  for (;;) {
    const chunk = new Uint8Array(CHUNK / 4);
    const bytes = fs.readSync(fd, chunk);
    if (bytes === 0) break;
    yield chunk.subarray(0, bytes);
  }
  yield Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
}

let snappy;

async function snappyDecoder() {
  const { snappyUncompressor } = await import("hysnappy");
  snappy ??= snappyUncompressor();
  return snappy;
}

const PAGE_DECODERS = {
  1: async () => (data) => inflateSync(data, { maxOutputLength: PAGE }),
  2: async () => {
    const target = new Uint8Array(PAGE);
    return (data) => own.unlzo(data, target);
  },
  4: async () => {
    const decode = await snappyDecoder();
    return (data) => decode(data, PAGE);
  },
  32: async () => {
    const { ZSTDDecoder } = await import("zstddec");
    const decoder = new ZSTDDecoder();
    await decoder.init();
    return (data) => decoder.decode(data, PAGE);
  },
};

/** Bytes of a file, from front to back in large reads. */
function windowOf(fd, bytes) {
  const window = Buffer.alloc(CHUNK);
  let [from, to] = [0, 0];
  return (offset, length) => {
    if (offset < from || offset + length > to) {
      from = offset;
      to = offset + fs.readSync(fd, window, 0, Math.min(CHUNK, bytes - offset), offset);
    }
    return window.subarray(offset - from, offset - from + length);
  };
}

async function kdump(file) {
  const fd = fs.openSync(file, "r");
  const at = windowOf(fd, fs.fstatSync(fd).size);
  const head = Buffer.from(at(0, 2 * PAGE));
  const start = PAGE * (2 + head.readUInt32LE(436));
  const descriptors = Buffer.alloc(head.readUInt32LE(440) * 24);
  fs.readSync(fd, descriptors, 0, descriptors.length, start);
  let decode;
  for (let i = 0; i < descriptors.length; i += 24) {
    const flags = descriptors.readUInt32LE(i + 12);
    if (flags === 0) continue;
    decode ??= await PAGE_DECODERS[flags]();
    decode(at(Number(descriptors.readBigUInt64LE(i)), descriptors.readUInt32LE(i + 8)));
  }
}

async function avml(file) {
  const fd = fs.openSync(file, "r");
  const { size } = fs.fstatSync(fd);
  const at = windowOf(fd, size);
  const decode = await snappyDecoder();
  for (let offset = 0; offset < size; offset += 8) {
    const header = at(offset, 32);
    let left = Number(header.readBigUInt64LE(16) - header.readBigUInt64LE(8)) + 1;
    offset += 42;
    while (left > 0) {
      const word = at(offset, 4).readUInt32LE(0);
      const data = at(offset + 8, (word >>> 8) - 4);
      const plain = word & 1 ? data : decode(data, Math.min(65536, left));
      own.maskedCrc32c(plain);
      left -= plain.length;
      offset += 4 + (word >>> 8);
    }
  }
}

const ALONE = {
  gzip: (file) => drain(read(file).pipe(createGunzip({ chunkSize: CHUNK }))),
  zstd: async (file) => {
    const { ZSTDDecoder } = await import("zstddec/stream");
    const decoder = new ZSTDDecoder();
    await decoder.init();
    for (const chunk of decoder.decodeStreaming(zstdChunks(file))) void chunk;
  },
  xz: (file) => drain(own.unxz(read(file), file)),
  lz4: (file) => drain(own.unlz4(read(file), file)),
  bzip2: (file) => drain(own.bunzip2(read(file), file)),
  lzop: (file) => drain(own.unlzop(read(file), file)),
  avml,
};

for (const file of files) await (ALONE[form] ?? kdump)(file);
