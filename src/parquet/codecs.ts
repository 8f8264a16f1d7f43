// What pages are compressed with. Each decoder makes the bytes that a page's header tells of, no more, or throws.

import type { FileMetaData } from "hyparquet";
import { unsnappy } from "../unpack/snappy.js";
import { loadFrameDecoder } from "../unpack/zstd.js";
import { damaged } from "./runs.js";

export type Decompress = (page: Uint8Array, bytes: number) => Uint8Array;

const LOADERS: Record<string, () => Promise<Decompress>> = {
  UNCOMPRESSED: async () => (page, bytes) => {
    if (page.length !== bytes) throw damaged();
    return page;
  },
  SNAPPY: async () => decompressBy(unsnappy),
  ZSTD: async () => decompressBy(await loadFrameDecoder()),
  GZIP: async () => {
    const { gunzipSync } = await import("node:zlib");
    return (page, bytes) => {
      const plain = gunzipSync(page, { maxOutputLength: bytes });
      if (plain.length !== bytes) throw damaged();
      return plain;
    };
  },
};

/** Decompressors of all codecs that a file uses; none where a codec is not known. */
export async function decompressorsFor({ row_groups }: FileMetaData): Promise<ReadonlyMap<string, Decompress>> {
  const codecs = new Set(row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec ?? "")));
  const known = [...codecs].filter((codec) => Object.hasOwn(LOADERS, codec));
  return new Map(await Promise.all(known.map(async (codec) => [codec, await LOADERS[codec]()] as const)));
}

function decompressBy(
  decode: (page: Uint8Array, target: Uint8Array, place: number, bytes: number) => boolean,
): Decompress {
  return (page, bytes) => {
    const plain = new Uint8Array(bytes);
    if (!decode(page, plain, 0, bytes)) throw damaged();
    return plain;
  };
}
