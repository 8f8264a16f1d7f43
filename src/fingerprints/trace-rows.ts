// Rows of a trace → the hasher's logs. XXH3 fingerprints are taken as they are; those of other tools are mixed first.

import { CHUNK_BYTES, type Hasher } from "../core/hasher.js";
import { ENTRY_BYTES } from "../core/module.js";
import { PagekinError } from "../errors.js";
import { displayName } from "../sources/names.js";
import type { Source } from "../sources/source.js";
import { breathe } from "../system/pace.js";
import { traceFormatOf } from "../traces/registry.js";
import type { TraceRows } from "../traces/rows.js";

/** For each page size the entries (as the index has them) that a trace marks as the zero content; the key is their hex. */
export type ZeroKeys = Map<string, Uint8Array>[];

/** One page size has one zero page; sources that name many were not made from pages. */
export const MOST_ZERO_KEYS = 16;
const ROWS_AT_A_TIME = CHUNK_BYTES / ENTRY_BYTES;

/** Appends all rows of the hasher's page sizes; onFull is called when a log is full and must empty it. */
export async function appendTrace(
  source: Source,
  hasher: Hasher,
  zeroKeys: ZeroKeys,
  { onBytes, onFull }: { onBytes(bytes: number): void; onFull(): void },
): Promise<void> {
  const { isForeign, readRows } = await traceFormatOf(source);
  for await (const rows of readRows(source, { pageSizes: hasher.pageSizes, withPages: false, onBytes })) {
    const size = hasher.pageSizes.indexOf(rows.pageBytes);
    for (let at = 0; at < rows.count; ) {
      if (hasher.room(size) === 0) onFull();
      const count = Math.min(rows.count - at, ROWS_AT_A_TIME, hasher.room(size));
      hasher.input.set(rows.fingerprints.subarray(at * ENTRY_BYTES, (at + count) * ENTRY_BYTES));
      if (isForeign) hasher.appendForeign(size, count);
      else hasher.appendCanonical(size, count);
      at += count;
    }
    noteZeros(rows, hasher, isForeign, zeroKeys[size], displayName(source.name));
    const turn = breathe();
    if (turn) await turn;
  }
}

/** Notes the fingerprints of rows that are marked zero, each once; that of the zero page needs no note. */
function noteZeros(rows: TraceRows, hasher: Hasher, isForeign: boolean, keys: ZeroKeys[number], file: string): void {
  const known = hasher.zeroFingerprint(hasher.pageSizes.indexOf(rows.pageBytes));
  for (let row = 0; row < rows.count; row++) {
    if (!rows.zeros[row]) continue;
    const fingerprint = rows.fingerprints.subarray(row * ENTRY_BYTES, (row + 1) * ENTRY_BYTES);
    if (!isForeign && fingerprint.every((byte, i) => byte === known[i])) continue;
    const text = Buffer.from(fingerprint).toString("latin1");
    if (keys.has(text)) continue;
    if (keys.size === MOST_ZERO_KEYS) {
      throw new PagekinError(`more than ${MOST_ZERO_KEYS} different fingerprints are marked as the zero page`, {
        file,
        hint: "mark only the fingerprint of the zero page",
      });
    }
    keys.set(text, hasher.entryOf(fingerprint, isForeign));
  }
}
