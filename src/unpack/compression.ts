import { closeSync } from "node:fs";
import { spool } from "../system/temporary.js";
import type { OnPadding } from "./byte-stream.js";

type Packing = "gzip" | "zstd" | "xz" | "lz4" | "bzip2" | "lzop";
export type Compression = "none" | Packing;

/** How the bytes of a source are packed. */
export interface Layers {
  compression: Compression;
  /** How what is packed so is packed once more. */
  inner?: Packing;
}

type Bytes = AsyncIterable<Uint8Array>;

/** So much of a compressed file tells what is in it: a block of bzip2, and the codes that it may have at most. */
export const HEAD_OF_COMPRESSED = 2560 * 1024;

const BEGINNINGS: readonly (readonly [beginning: string, compression: Compression])[] = [
  ["\x1f\x8b", "gzip"],
  ["\x28\xb5\x2f\xfd", "zstd"],
  ["\xfd7zXZ\0", "xz"],
  ["\x04\x22\x4d\x18", "lz4"],
  // Its old form.
  ["\x02\x21\x4c\x18", "lz4"],
  ["BZh", "bzip2"],
  ["\x89LZO\0\r\n\x1a\n", "lzop"],
];
const LONGEST_BEGINNING = 9;
/** zstd and lz4 files may begin with frames to be skipped; what follows tells which of both it is. */
const SKIPPABLE_MAGIC = 0x184d2a50;

export function compressionOf(head: Buffer): Compression {
  let at = 0;
  while (at + 8 <= head.length && (head.readUInt32LE(at) & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    at += 8 + head.readUInt32LE(at + 4);
  }
  const beginning = head.toString("latin1", at, at + LONGEST_BEGINNING);
  const found = BEGINNINGS.find(([bytes]) => beginning.startsWith(bytes))?.[1] ?? "none";
  if (at === 0 || found === "lz4") return found;
  return "zstd";
}

const DECODERS: Record<Packing, () => Promise<(input: Bytes, file: string, onPadding: OnPadding) => Bytes>> = {
  gzip: async () => (await import("./gunzip.js")).gunzip,
  zstd: async () => unzstdSpooled,
  xz: async () => (await import("./xz.js")).unxz,
  lz4: async () => (await import("./lz4.js")).unlz4,
  bzip2: async () => (await import("./bzip2.js")).bunzip2,
  lzop: async () => (await import("./lzop.js")).unlzop,
};

/**
 * The bytes of a compressed stream; several streams one after the other are one. One that ends early is an error. onNote is
 * told of zeros that follow the end.
 */
export async function* decompress(
  input: Bytes,
  compression: Packing,
  file: string,
  onNote: (note: string) => void,
): AsyncGenerator<Uint8Array> {
  const decoder = await DECODERS[compression]();
  yield* decoder(input, file, (bytes) => onNote(paddingNote(bytes, compression)));
}

export const paddingNote = (bytes: number, compression: Packing) =>
  `${bytes} zero bytes follow the end of the ${compression} stream; they are no part of the dump.`;

/** A zstd stream by way of a temporary file: it is read twice. */
async function* unzstdSpooled(input: Bytes, file: string, onPadding: OnPadding): AsyncGenerator<Uint8Array> {
  const [{ unzstd }, { fd, bytes }] = [await import("./zstd.js"), await spool(input)];
  try {
    yield* unzstd(fd, bytes, file, onPadding);
  } finally {
    closeSync(fd);
  }
}

/** What a source's head holds under at most two layers of compression. */
export async function peel(head: Buffer, bytes: number): Promise<Layers & { content: Buffer }> {
  const compression = compressionOf(head);
  const content = await decompressedHead(head, compression, bytes);
  const inner = compression === "none" ? "none" : compressionOf(content);
  if (inner === "none") return { compression, content };
  const packed = await decompressedHead(head, compression, HEAD_OF_COMPRESSED);
  return { compression, inner, content: await decompressedHead(packed, inner, bytes) };
}

/** The first bytes of what a compressed head holds. */
async function decompressedHead(head: Buffer, compression: Compression, bytes: number): Promise<Buffer> {
  if (compression === "none") return head.subarray(0, bytes);
  if (compression === "zstd") return (await (await import("./zstd.js")).unzstdHead(head, bytes)).subarray(0, bytes);
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of decompress(only(head), compression, "", () => {})) {
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
