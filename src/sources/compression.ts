import type { Readable } from "node:stream";
import { PagekinError } from "../errors.js";

export type Compression = "none" | "gzip" | "zstd";

const OUTPUT_CHUNK = 1024 * 1024;
/** So much of a gzip file tells what is in it, and expands to some MiB at most. */
const GZIP_HEAD = 8192;

export function compressionOf(head: Buffer): Compression {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length < 4) return "none";
  const magic = head.readUInt32LE(0);
  const skippable = (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
  return magic === 0xfd2fb528 || skippable ? "zstd" : "none";
}

/** The bytes of a gzip stream; several members are one stream. A stream that ends early is an error. */
export async function* gunzip(input: Readable, file: string): AsyncGenerator<Uint8Array> {
  const [{ pipeline }, { createGunzip }] = await Promise.all([import("node:stream"), import("node:zlib")]);
  const output = pipeline(input, createGunzip({ chunkSize: OUTPUT_CHUNK }), () => {});
  try {
    for await (const chunk of output as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw broken(error, "gzip", file);
  }
}

function broken(error: unknown, kind: string, file: string): unknown {
  if (error instanceof PagekinError || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && !code.startsWith("Z_")) return error;
  const cut = code === "Z_BUF_ERROR";
  const what = cut ? `the ${kind} stream ends early` : `the ${kind} stream is damaged (${error.message})`;
  return new PagekinError(what, { file, hint: "copy or compress the file again" });
}

/** The first bytes of what a compressed head holds. */
export async function decompressedHead(head: Buffer, compression: Compression, bytes: number): Promise<Buffer> {
  if (compression === "none") return head.subarray(0, bytes);
  try {
    if (compression === "gzip") {
      const { constants, gunzipSync } = await import("node:zlib");
      return gunzipSync(head.subarray(0, GZIP_HEAD), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, bytes);
    }
    const { decode } = await import("./zstd.js");
    for await (const part of decode([head])) if (part.length > 0) return Buffer.from(part.subarray(0, bytes));
  } catch {
    // A damaged head is reported when the file is read.
  }
  return Buffer.alloc(0);
}
