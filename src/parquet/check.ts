// Whether the pages of a column are what their headers say. The reader takes headers at their word: a damaged one may keep it
// busy without end. Format: apache/parquet-format, README.md ("Data Pages") and Encodings.md (RLE).

import type { AsyncBuffer, ColumnMetaData, Compressors, FileMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage } from "hyparquet/src/datapage.js";

const DICTIONARY = /_DICTIONARY$/;
const LENGTH_BYTES = 4;

/** Throws where the schema's elements are no tree: each but the first is the child of one before it. */
export function checkSchema({ schema }: FileMetaData): void {
  let open = 1;
  for (const { num_children: children = 0 } of schema) {
    if (open < 1 || !isCount(children)) throw new Error("the schema is damaged");
    open += children - 1;
  }
  if (open !== 0) throw new Error("the schema is damaged");
}

/** Throws where they are not. Lists are one deep, and no value is null more than once: levels are 0 or 1. */
export async function checkPages(buffer: AsyncBuffer, column: ColumnMetaData, compressors: Compressors): Promise<void> {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const chunk = new Uint8Array(await buffer.slice(start, start + Number(column.total_compressed_size)));
  const reader = { view: new DataView(chunk.buffer), offset: 0 };
  let values = 0;
  while (values < Number(column.num_values)) {
    if (reader.offset >= chunk.length) throw new Error("a column has fewer values than it says");
    values += checkPage(chunk, reader, column, compressors);
  }
}

/** Goes past a page; gives how many values it has. */
function checkPage(
  chunk: Uint8Array,
  reader: { view: DataView; offset: number },
  { codec, path_in_schema }: ColumnMetaData,
  compressors: Compressors,
): number {
  const header = parquetHeader(reader);
  const { compressed_page_size: size, uncompressed_page_size: plainSize } = header;
  const bytes = chunk.subarray(reader.offset, reader.offset + size);
  if (!isCount(size) || !isCount(plainSize) || bytes.length < size) throw damaged();
  reader.offset += size;
  const { dictionary_page_header: dictionary, data_page_header: v1, data_page_header_v2: v2 } = header;
  const isList = path_in_schema.length > 1;
  if (dictionary) {
    if (!isCount(dictionary.num_values)) throw damaged();
    return 0;
  }
  if (v1) {
    if (!isCount(v1.num_values) || v1.num_values === 0) throw damaged();
    const page = decompressPage(bytes, plainSize, codec, compressors);
    checkRest(page, v1.encoding, v1.num_values, isList);
    return v1.num_values;
  }
  if (!v2) throw damaged();
  const { num_values: values, num_nulls: nulls, num_rows: rows } = v2;
  const { repetition_levels_byte_length: repetition, definition_levels_byte_length: definition } = v2;
  const levels = repetition + definition;
  const isGood = [values, nulls, rows, repetition, definition].every(isCount) && values > 0 && nulls <= values;
  if (!isGood || rows > values || levels > size || levels > plainSize) throw damaged();
  if (repetition > 0) checkRuns(bytes.subarray(0, repetition), 1, values);
  if (definition > 0) checkRuns(bytes.subarray(repetition, levels), undefined, values);
  if (DICTIONARY.test(v2.encoding)) {
    const data = bytes.subarray(levels);
    const plain = v2.is_compressed === false ? data : decompressPage(data, plainSize - levels, codec, compressors);
    checkIndexes(plain, values - nulls);
  }
  return values;
}

/** Of a page of the first kind: its levels (each behind its length, where there are some), then its values. */
function checkRest(page: Uint8Array, encoding: string, values: number, isList: boolean): void {
  if (!DICTIONARY.test(encoding)) return;
  // Without lists the levels are known by the schema alone; a run that makes no sense is found where they are read.
  if (!isList) return;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let at = 0;
  for (let level = 0; level < 2; level++) {
    const length = view.getUint32(at, true);
    if (at + LENGTH_BYTES + length > page.length) throw damaged();
    checkRuns(page.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length), undefined, values);
    at += LENGTH_BYTES + length;
  }
}

function checkIndexes(page: Uint8Array, values: number): void {
  if (values === 0) return;
  if (!(page[0] <= 32)) throw damaged();
  checkRuns(page.subarray(1), page[0], values);
}

/** Runs of `values` values of `width` bits; undefined: of 1 to 8 bits. They must not end early, nor be longer than they may. */
function checkRuns(bytes: Uint8Array, width: number | undefined, values: number): void {
  let at = 0;
  for (let seen = 0; seen < values; ) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 28) throw damaged();
      header += (bytes[at] & 127) * 2 ** shift;
      if (bytes[at++] < 128) break;
    }
    const count = Math.floor(header / 2);
    const isPacked = header % 2 === 1;
    if (count === 0 || count > values + 7) throw damaged();
    seen += isPacked ? count * 8 : count;
    if (width === undefined) return;
    at += isPacked ? count * width : Math.ceil(width / 8);
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const damaged = () => new Error("a page's header is damaged");
