// Columns of a Parquet trace as plain bytes. hyparquet gives a fingerprint an object each, which for a million rows costs more
// than all the rest, so where no value is null and all have the usual encodings they are copied as they lie there.
// Format: apache/parquet-format, Encodings.md (PLAIN, RLE).

import { type Chunk, type Page, prefixed } from "../parquet/pages.js";
import { decodeRuns } from "../parquet/runs.js";
import { FINGERPRINT_BYTES } from "./rows.js";

/** A BYTE_ARRAY has its length before it. */
const LENGTH_BYTES = 4;

/** 16-byte values (FIXED_LEN_BYTE_ARRAY or BYTE_ARRAY) as one run of bytes; undefined if some are not plain, null or longer. */
export function fingerprintsOf({ column, pages }: Chunk): Uint8Array | undefined {
  if (column.path.length > 2) return undefined;
  const { type, type_length: length } = column.path[1].element;
  if (type !== "BYTE_ARRAY" && !(type === "FIXED_LEN_BYTE_ARRAY" && length === FINGERPRINT_BYTES)) return undefined;
  const stride = type === "BYTE_ARRAY" ? LENGTH_BYTES + FINGERPRINT_BYTES : FINGERPRINT_BYTES;
  const isPlain = ({ encoding, entries, values, data }: Page) =>
    encoding === "PLAIN" && values === entries && data.length >= values * stride;
  if (!pages.every(isPlain)) return undefined;
  const target = new Uint8Array(column.rows * FINGERPRINT_BYTES);
  let row = 0;
  for (const { values, data } of pages) {
    if (!copyValues(data, values, stride, target, row)) return undefined;
    row += values;
  }
  return target;
}

/** BOOLEAN values as bytes of 0 and 1; undefined if some are null or encoded in another way. */
export function flagsOf({ column, pages }: Chunk): Uint8Array | undefined {
  if (column.path.length > 2 || column.path[1].element.type !== "BOOLEAN") return undefined;
  const flags = new Uint8Array(column.rows);
  let row = 0;
  for (const page of pages) {
    if (page.values !== page.entries || !readFlags(page, flags.subarray(row, row + page.values))) return undefined;
    row += page.values;
  }
  return flags;
}

function readFlags({ encoding, data }: Page, target: Uint8Array): boolean {
  if (encoding === "RLE") {
    decodeRuns(prefixed(data), 1, 1, target);
    return true;
  }
  if (encoding !== "PLAIN" || data.length * 8 < target.length) return false;
  for (let i = 0; i < target.length; i++) target[i] = (data[i >> 3] >> (i & 7)) & 1;
  return true;
}

function copyValues(values: Uint8Array, rows: number, stride: number, target: Uint8Array, row: number): boolean {
  if (stride === FINGERPRINT_BYTES) {
    target.set(values.subarray(0, rows * FINGERPRINT_BYTES), row * FINGERPRINT_BYTES);
    return true;
  }
  // A copy, so that words are aligned: length, then four words of fingerprint.
  const from = new Uint32Array(new Uint8Array(values.subarray(0, rows * stride)).buffer);
  const to = new Uint32Array(target.buffer, row * FINGERPRINT_BYTES, rows * 4);
  for (let i = 0, j = 0; j < to.length; i += 5, j += 4) {
    if (from[i] !== FINGERPRINT_BYTES) return false;
    to[j] = from[i + 1];
    to[j + 1] = from[i + 2];
    to[j + 2] = from[i + 3];
    to[j + 3] = from[i + 4];
  }
  return true;
}
