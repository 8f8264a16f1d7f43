// Pages at fixed places in the file (capability mapped-ram): a bitmap says which have bytes there; the others are zero.

import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import type { MappedPages } from "./blocks.js";

/** Bytes of a block that are all in the file, or all zero. */
export interface MappedRun {
  /** Where in the block. */
  from: number;
  bytes: number;
  /** Where in the file; undefined: zeros. */
  offset: number | undefined;
}

const PIECE_BYTES = 1024 * 1024;

/** Gives a block's runs in order. In a file that is cut, those before the first page that it does not have. */
export async function addMappedPages(
  file: DumpFile,
  mapped: MappedPages,
  blockBytes: number,
  add: (run: MappedRun) => void,
): Promise<void> {
  const { pageBytes, pages } = mapped;
  const count = blockBytes / pageBytes;
  const bitmapBytes = Math.ceil(count / 8);
  if (!file.has(mapped.bitmap, bitmapBytes)) return;
  const inFile = Math.min(count, Math.max(0, Math.floor((file.bytes - pages) / pageBytes)));
  let from = 0;
  let stored = 0;
  const endRun = (page: number) => {
    if (page > from) add({ from: from * pageBytes, bytes: (page - from) * pageBytes, offset: offsetOf(from) });
    from = page;
  };
  const offsetOf = (page: number) => (stored === 1 ? pages + page * pageBytes : undefined);
  for (let at = 0; at < bitmapBytes && at * 8 < inFile; at += PIECE_BYTES) {
    const piece = file.read(mapped.bitmap + at, Math.min(PIECE_BYTES, bitmapBytes - at), "a bitmap of pages");
    for (let i = 0; i < piece.length; i++) {
      // Most bytes go on with the run.
      if (piece[i] === (stored === 1 ? 0xff : 0)) continue;
      for (let bit = 0; bit < 8; bit++) {
        if (((piece[i] >> bit) & 1) === stored) continue;
        endRun(Math.min(inFile, (at + i) * 8 + bit));
        stored = 1 - stored;
      }
    }
    await breathe();
  }
  endRun(inFile);
}
