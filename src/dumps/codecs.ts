// What decodes the pages of dumps that compress them one by one. Each decoder is loaded where a dump needs it.

import { inflateSync } from "node:zlib";
import type { Decode } from "../unpack/decode.js";
import { CODE, type Code, type ExtentArrays } from "./extents.js";

export type Decoders = Partial<Record<Code, Decode>>;

const CRC_BYTES = 4;

/** How errors call what is damaged. */
export const CODE_NAMES: Record<Code, string> = {
  [CODE.stored]: "plain bytes",
  [CODE.zero]: "zeros",
  [CODE.zlib]: "zlib",
  [CODE.lzo]: "lzo",
  [CODE.snappy]: "snappy",
  [CODE.zstd]: "zstd",
  [CODE.snappyChunk]: "framed snappy, or its CRC",
  [CODE.storedChunk]: "plain bytes, or their CRC",
};

const LOADERS: Partial<Record<Code, () => Promise<Decode>>> = {
  [CODE.zlib]: async () => inflate,
  [CODE.lzo]: async () => filling((await import("../unpack/lzo.js")).unlzo),
  [CODE.snappy]: async () => (await import("../unpack/snappy.js")).unsnappy,
  [CODE.zstd]: async () => (await import("../unpack/zstd.js")).loadFrameDecoder(),
  [CODE.snappyChunk]: async () => {
    const { unsnappy, maskedCrc32c } = await import("../unpack/snappy.js");
    return checked(unsnappy, maskedCrc32c);
  },
  [CODE.storedChunk]: async () => checked(copy, (await import("../unpack/snappy.js")).maskedCrc32c),
};

/** Decoders for all codes that a dump's extents have. */
export async function decodersFor({ codes }: ExtentArrays): Promise<Decoders> {
  const decoders: Decoders = {};
  let seen = 0;
  for (let i = 0; i < codes.length; i++) seen |= 1 << codes[i];
  for (const code of Object.values(CODE)) {
    const load = LOADERS[code];
    if (load && (seen & (1 << code)) !== 0) decoders[code] = await load();
  }
  return decoders;
}

/** By a decoder that fills all of its target. */
function filling(decode: (data: Uint8Array, target: Uint8Array) => boolean): Decode {
  return (data, target, place, bytes) => decode(data, target.subarray(place, place + bytes));
}

function inflate(data: Uint8Array, target: Uint8Array, place: number, bytes: number): boolean {
  try {
    // A chunk with room to spare takes all at once, and no second one has to be tried.
    const inflated = inflateSync(data, { maxOutputLength: bytes, chunkSize: bytes + 1 });
    target.set(inflated, place);
    return inflated.length === bytes;
  } catch {
    return false;
  }
}

function copy(data: Uint8Array, target: Uint8Array, place: number, bytes: number): boolean {
  if (data.length !== bytes) return false;
  target.set(data, place);
  return true;
}

/** Data that begin with the masked CRC-32C of what they decode to. */
function checked(decode: Decode, crc: (data: Uint8Array) => number): Decode {
  return (data, target, place, bytes) => {
    if (data.length < CRC_BYTES || !decode(data.subarray(CRC_BYTES), target, place, bytes)) return false;
    const decoded = target.subarray(place, place + bytes);
    return crc(decoded) >>> 0 === (data[0] | (data[1] << 8) | (data[2] << 16) | (data[3] << 24)) >>> 0;
  };
}
