// Columns of a Parquet trace as plain bytes. hyparquet gives a fingerprint an object each and walks over every value that
// might be null; for a million rows that costs more than all the rest. So the pages of a column that is written plainly and
// has no nulls are walked here, and values are copied as they lie there.
// Format: apache/parquet-format, README.md ("Data Pages") and Encodings.md (PLAIN, RLE).

import type { ColumnMetaData, Compressors, SchemaElement } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { FINGERPRINT_BYTES } from "./rows.js";

/** A BYTE_ARRAY has its length before it. */
const LENGTH_BYTES = 4;

interface Page {
  rows: number;
  /** From the first value on. */
  values: Uint8Array;
}

/** The pages of a column chunk (its bytes as they are in the file); undefined where some are not plain or have nulls. */
export function plainPages(
  chunk: Uint8Array,
  column: ColumnMetaData,
  element: SchemaElement,
  compressors: Compressors,
): Page[] | undefined {
  const rows = Number(column.num_values);
  const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset: 0 };
  const pages: Page[] = [];
  let row = 0;
  while (row < rows && reader.offset < chunk.length) {
    const page = nextPage(chunk, reader, column, element, compressors);
    if (!page || !(page.rows > 0)) return undefined;
    row += page.rows;
    pages.push(page);
  }
  return row === rows ? pages : undefined;
}

/** 16-byte values (FIXED_LEN_BYTE_ARRAY or BYTE_ARRAY) as one run of bytes; undefined if some are of another length. */
export function fingerprintsOf(pages: readonly Page[], element: SchemaElement): Uint8Array | undefined {
  const stride = element.type === "BYTE_ARRAY" ? LENGTH_BYTES + FINGERPRINT_BYTES : FINGERPRINT_BYTES;
  if (element.type !== "BYTE_ARRAY" && element.type_length !== FINGERPRINT_BYTES) return undefined;
  if (pages.some(({ rows, values }) => values.length < rows * stride)) return undefined;
  const target = new Uint8Array(pages.reduce((sum, { rows }) => sum + rows, 0) * FINGERPRINT_BYTES);
  let row = 0;
  for (const { rows, values } of pages) {
    if (!copyValues(values, rows, stride, target, row)) return undefined;
    row += rows;
  }
  return target;
}

/** BOOLEAN values as bytes of 0 and 1. */
export function flagsOf(pages: readonly Page[]): Uint8Array | undefined {
  if (pages.some(({ rows, values }) => values.length * 8 < rows)) return undefined;
  const flags = new Uint8Array(pages.reduce((sum, { rows }) => sum + rows, 0));
  let row = 0;
  for (const { rows, values } of pages) {
    for (let i = 0; i < rows; i++) flags[row + i] = (values[i >> 3] >> (i & 7)) & 1;
    row += rows;
  }
  return flags;
}

function nextPage(
  chunk: Uint8Array,
  reader: { view: DataView; offset: number },
  { codec }: ColumnMetaData,
  { repetition_type }: SchemaElement,
  compressors: Compressors,
): Page | undefined {
  const header = parquetHeader(reader);
  const bytes = chunk.subarray(reader.offset, reader.offset + header.compressed_page_size);
  if (!(header.compressed_page_size >= 0)) return undefined;
  reader.offset += header.compressed_page_size;
  const v1 = header.data_page_header;
  if (v1 && v1.encoding === "PLAIN") {
    const page = decompressPage(bytes, header.uncompressed_page_size, codec, compressors);
    if (repetition_type === "REQUIRED") return { rows: v1.num_values, values: page };
    const levels = new DataView(page.buffer, page.byteOffset).getUint32(0, true);
    if (!areAllDefined(page.subarray(4, 4 + levels), v1.num_values)) return undefined;
    return { rows: v1.num_values, values: page.subarray(4 + levels) };
  }
  const v2 = header.data_page_header_v2;
  if (v2 && v2.encoding === "PLAIN" && v2.num_nulls === 0) {
    const levels = v2.definition_levels_byte_length + v2.repetition_levels_byte_length;
    const data = bytes.subarray(levels);
    const plainBytes = header.uncompressed_page_size - levels;
    return {
      rows: v2.num_rows,
      values: v2.is_compressed === false ? data : decompressPage(data, plainBytes, codec, compressors),
    };
  }
  return undefined;
}

/** Whether definition levels are one run of ones that covers all rows: no value is null. */
function areAllDefined(levels: Uint8Array, rows: number): boolean {
  let run = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    run += (levels[at] & 127) * 2 ** shift;
    if (levels[at++] < 128) break;
    if (shift > 28) return false;
  }
  return run % 2 === 0 && run / 2 >= rows && levels[at] === 1;
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
