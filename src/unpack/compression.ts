import { closeSync } from "node:fs";
import { spool } from "../system/temporary.js";
import type { OnPadding } from "./byte-stream.js";
import { isTar } from "./tar-header.js";

type Bytes = AsyncIterable<Uint8Array>;

/** So much of a compressed file tells what is in it: a block of bzip2, and the codes that it may have at most. */
export const HEAD_OF_COMPRESSED = 2560 * 1024;

interface Entry {
  /** What its files begin with. */
  beginnings: readonly string[];
  /** Where memory may well begin with that: whether a head can be of such a file. */
  isSound?(head: Buffer): Promise<boolean>;
  /** That its files' names end in. */
  extension: string;
  decoder(): Promise<(input: Bytes, file: string, onPadding: OnPadding) => Bytes>;
}

/** Every packing; what unpacks it is loaded where there is such a file. */
const PACKINGS = {
  gzip: {
    beginnings: ["\x1f\x8b"],
    isSound: async (head) => (await import("./gunzip.js")).inflates(head),
    extension: "gz",
    decoder: async () => (await import("./gunzip.js")).gunzip,
  },
  zstd: { beginnings: ["\x28\xb5\x2f\xfd"], extension: "zst", decoder: async () => unzstdSpooled },
  xz: { beginnings: ["\xfd7zXZ\0"], extension: "xz", decoder: async () => (await import("./xz.js")).unxz },
  lz4: {
    // The second is that of its old form.
    beginnings: ["\x04\x22\x4d\x18", "\x02\x21\x4c\x18"],
    extension: "lz4",
    decoder: async () => (await import("./lz4.js")).unlz4,
  },
  bzip2: {
    beginnings: ["BZh"],
    // The level, and what a block begins with.
    isSound: async (head) => /^BZh[1-9]1AY&SY/.test(head.toString("latin1", 0, 10)),
    extension: "bz2",
    decoder: async () => (await import("./bzip2.js")).bunzip2,
  },
  lzop: {
    beginnings: ["\x89LZO\0\r\n\x1a\n"],
    extension: "lzo",
    decoder: async () => (await import("./lzop.js")).unlzop,
  },
  // Its first header has a checksum in place of a signature.
  tar: { beginnings: [], extension: "tar", decoder: async () => (await import("./tar.js")).untar },
} satisfies Record<string, Entry>;

/** How a file's bytes are compressed. */
export type Packing = keyof typeof PACKINGS;

const PACKING_NAMES = Object.keys(PACKINGS) as Packing[];
export const PACKING_EXTENSIONS = Object.values(PACKINGS).map(({ extension }) => extension);

const LONGEST_BEGINNING = 9;
/** zstd and lz4 files may begin with frames to be skipped; what follows tells which of both it is. */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** How a file that begins with this head is compressed; undefined: it is not. */
export function packingOf(head: Buffer): Packing | undefined {
  let at = 0;
  while (at + 8 <= head.length && (head.readUInt32LE(at) & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    at += 8 + head.readUInt32LE(at + 4);
  }
  const beginning = head.toString("latin1", at, at + LONGEST_BEGINNING);
  const isOf = (name: Packing) => PACKINGS[name].beginnings.some((bytes) => beginning.startsWith(bytes));
  const found = PACKING_NAMES.find(isOf) ?? (isTar(head) ? "tar" : undefined);
  if (at === 0 || found === "lz4") return found;
  return "zstd";
}

/** The same of what may well be memory. */
export async function soundPackingOf(head: Buffer): Promise<Packing | undefined> {
  const packing = packingOf(head);
  if (packing === undefined) return undefined;
  const { isSound }: Entry = PACKINGS[packing];
  return isSound === undefined || (await isSound(head)) ? packing : undefined;
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
