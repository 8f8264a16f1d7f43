import { closeSync } from "node:fs";
import { spool } from "../system/temporary.js";
import type { OnPadding } from "./byte-stream.js";
import { isTar } from "./tar-header.js";

type Bytes = AsyncIterable<Uint8Array>;

/** So much of a compressed file tells what is in it: a block of bzip2, and the codes that it may have at most. */
export const HEAD_OF_COMPRESSED = 2560 * 1024;

interface Entry {
  /** Whether a file's head, or what there is of one, is that of such a file: by more than a signature of a few bytes. */
  begins(head: Buffer): boolean;
  /** That its files' names end in. */
  extension: string;
  decoder(): Promise<(input: Bytes, file: string, onPadding: OnPadding) => Bytes>;
}

/** A signature, and fields behind it, which are undefined where the head ends. */
const beginsWith =
  (signature: string, check: (fields: Buffer) => boolean = () => true) =>
  (head: Buffer) =>
    head.toString("latin1", 0, signature.length) === signature && check(head.subarray(signature.length));

const isLz4Frame = beginsWith("\x04\x22\x4d\x18", ([flags = 0x40]) => (flags & 0xc2) === 0x40);
/** Of lz4 -l: it begins with the length of a block, which has 8 MiB at most before it is compressed. */
const isOldLz4 = beginsWith("\x02\x21\x4c\x18", (fields) => {
  const bytes = fields.length < 4 ? 1 : fields.readUInt32LE(0);
  return bytes > 0 && bytes <= MOST_OLD_LZ4_BLOCK;
});
const MOST_OLD_LZ4_BLOCK = 8 * 2 ** 20 + Math.ceil((8 * 2 ** 20) / 255) + 16;

/** What follows the level in a bzip2 file: a block, or the end. */
const BZIP2_MAGICS = ["\x31\x41\x59\x26\x53\x59", "\x17\x72\x45\x38\x50\x90"];

/** Every packing; what unpacks it is loaded where there is such a file. */
const PACKINGS = {
  gzip: {
    // One method is known, and three flags are reserved.
    begins: beginsWith("\x1f\x8b", ([method = 8, flags = 0]) => method === 8 && (flags & 0xe0) === 0),
    extension: "gz",
    decoder: async () => (await import("./gunzip.js")).gunzip,
  },
  zstd: {
    // A flag is reserved.
    begins: beginsWith("\x28\xb5\x2f\xfd", ([descriptor = 0]) => (descriptor & 8) === 0),
    extension: "zst",
    decoder: async () => unzstdSpooled,
  },
  xz: { begins: beginsWith("\xfd7zXZ\0"), extension: "xz", decoder: async () => (await import("./xz.js")).unxz },
  lz4: {
    begins: (head) => isLz4Frame(head) || isOldLz4(head),
    extension: "lz4",
    decoder: async () => (await import("./lz4.js")).unlz4,
  },
  bzip2: {
    begins: beginsWith("BZh", (fields) => {
      const magic = fields.toString("latin1", 1, 7);
      return /^[1-9]?$/.test(fields.toString("latin1", 0, 1)) && BZIP2_MAGICS.some((one) => one.startsWith(magic));
    }),
    extension: "bz2",
    decoder: async () => (await import("./bzip2.js")).bunzip2,
  },
  lzop: {
    begins: beginsWith("\x89LZO\0\r\n\x1a\n"),
    extension: "lzo",
    decoder: async () => (await import("./lzop.js")).unlzop,
  },
  tar: { begins: isTar, extension: "tar", decoder: async () => (await import("./tar.js")).untar },
} satisfies Record<string, Entry>;

/** How a file's bytes are compressed. */
export type Packing = keyof typeof PACKINGS;

const PACKING_NAMES = Object.keys(PACKINGS) as Packing[];
export const PACKING_EXTENSIONS = Object.values(PACKINGS).map(({ extension }) => extension);

/** zstd and lz4 files may begin with frames to be skipped; what follows tells which of both it is. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAGIC_BYTES = 4;

/** How a file that begins with this head is compressed; undefined: it is not. */
export function packingOf(head: Buffer): Packing | undefined {
  let at = 0;
  while (at + 8 <= head.length && (head.readUInt32LE(at) & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    at += 8 + head.readUInt32LE(at + 4);
  }
  if (at === 0) return PACKING_NAMES.find((name) => PACKINGS[name].begins(head));
  const rest = head.subarray(at);
  if (PACKINGS.lz4.begins(rest)) return "lz4";
  return rest.length < MAGIC_BYTES || PACKINGS.zstd.begins(rest) ? "zstd" : undefined;
}

/** The same where it may well be memory: what begins like a gzip file and cannot be inflated is none. */
export async function soundPackingOf(head: Buffer): Promise<Packing | undefined> {
  const packing = packingOf(head);
  return packing !== "gzip" || (await import("./gunzip.js")).inflates(head) ? packing : undefined;
}

/**
 * The bytes of a compressed stream; several streams one after the other are one. One that ends early is an error. onNote is
 * told of zeros that follow the end.
 */
export async function* decompress(
  input: Bytes,
  packing: Packing,
  file: string,
  onNote: (note: string) => void,
): AsyncGenerator<Uint8Array> {
  const decoder = await PACKINGS[packing].decoder();
  yield* decoder(input, file, (bytes) => onNote(paddingNote(bytes, packing)));
}

export const paddingNote = (bytes: number, packing: Packing): string =>
  `${bytes} zero bytes follow the end of the ${packing} stream; they are no part of the data.`;

/** A zstd stream by way of a temporary file: it is read twice. */
async function* unzstdSpooled(input: Bytes, file: string, onPadding: OnPadding): AsyncGenerator<Uint8Array> {
  const [{ unzstd }, { fd, bytes }] = [await import("./zstd.js"), await spool(input)];
  try {
    yield* unzstd(fd, bytes, file, onPadding);
  } finally {
    closeSync(fd);
  }
}

/** What a source's head holds under at most two layers of compression, which are listed from the outside in. */
export async function peel(
  head: Buffer,
  bytes: number,
  layerOf: (head: Buffer) => Packing | undefined | Promise<Packing | undefined>,
): Promise<{ packing: Packing[]; content: Buffer }> {
  const outer = await layerOf(head);
  if (outer === undefined) return { packing: [], content: head.subarray(0, bytes) };
  const content = await decompressedHead(head, outer, bytes);
  const inner = await layerOf(content);
  if (inner === undefined) return { packing: [outer], content };
  const packed = await decompressedHead(head, outer, HEAD_OF_COMPRESSED);
  return { packing: [outer, inner], content: await decompressedHead(packed, inner, bytes) };
}

/** The first bytes of what a compressed head holds. */
async function decompressedHead(head: Buffer, packing: Packing, bytes: number): Promise<Buffer> {
  if (packing === "zstd") return (await (await import("./zstd.js")).unzstdHead(head, bytes)).subarray(0, bytes);
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of decompress(only(head), packing, "", () => {})) {
      parts.push(part);
      length += part.length;
      if (length >= bytes) break;
    }
  } catch {
    // A damaged head is reported when the file is read.
  }
  return Buffer.concat(parts, Math.min(length, bytes));
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
