// Columns of a Parquet file from typed arrays. The library's own way goes through each value, and each element of each list,
// which for a spectrum costs more than hashing a thousand small dumps: here the values lie in typed arrays already, and the
// levels follow from where lists begin. Headers are the library's.

import { gzipSync } from "node:zlib";
import type { ColumnChunk, Encoding, PageHeader, ParquetType, SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";

/** Bytes of a column of a row group; for fewer gzip takes longer than it is worth. */
const LEAST_COMPRESSED = 256 * 1024;
const NOTHING = new Uint8Array();

/** A column of a row group. */
export interface Page {
  rows: number;
  /** Of lists. */
  levels?: Levels;
  encoding?: Encoding;
  values: Uint8Array;
  dictionary?: Dictionary;
  /** The value that all rows have. */
  only?: number | boolean;
}

export interface Dictionary {
  count: number;
  bytes: Uint8Array;
}

export interface Levels {
  entries: number;
  repetition: Uint8Array;
  definition: Uint8Array;
}

/** Writes a column of a row group: a dictionary if there is one, and a page. */
export function writeChunk(
  writer: ByteWriter,
  path: readonly SchemaElement[],
  { rows, levels, encoding = "PLAIN", values, dictionary, only }: Page,
): ColumnChunk {
  const codec = values.length < LEAST_COMPRESSED ? "UNCOMPRESSED" : "GZIP";
  const compress = (bytes: Uint8Array) => (codec === "GZIP" ? gzipSync(bytes, { level: 1 }) : bytes);
  const start = writer.offset;
  let uncompressed = 0;
  const write = (header: PageHeader, ...bytes: Uint8Array[]) => {
    const before = writer.offset;
    writePageHeader(writer, header);
    uncompressed += writer.offset - before + header.uncompressed_page_size;
    for (const part of bytes) writer.appendBytes(part);
  };
  if (dictionary) {
    const bytes = compress(dictionary.bytes);
    const sizes = { uncompressed_page_size: dictionary.bytes.length, compressed_page_size: bytes.length };
    const header = { num_values: dictionary.count, encoding: "PLAIN" as const };
    write({ type: "DICTIONARY_PAGE", ...sizes, dictionary_page_header: header }, bytes);
  }
  const pageStart = writer.offset;
  const { entries, repetition, definition } = levels ?? { entries: rows, repetition: NOTHING, definition: NOTHING };
  const levelBytes = repetition.length + definition.length;
  const bytes = compress(values);
  const header = {
    num_values: entries,
    num_nulls: 0,
    num_rows: rows,
    encoding,
    definition_levels_byte_length: definition.length,
    repetition_levels_byte_length: repetition.length,
  };
  const sizes = {
    uncompressed_page_size: levelBytes + values.length,
    compressed_page_size: levelBytes + bytes.length,
  };
  write(
    { type: "DATA_PAGE_V2", ...sizes, data_page_header_v2: { ...header, is_compressed: true } },
    repetition,
    definition,
    bytes,
  );
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: path[path.length - 1].type as ParquetType,
      encodings: dictionary ? ["PLAIN", encoding] : [encoding],
      path_in_schema: path.map(({ name }) => name),
      codec,
      num_values: BigInt(entries),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(pageStart),
      ...(dictionary ? { dictionary_page_offset: BigInt(start) } : {}),
      ...(only === undefined ? {} : { statistics: { min_value: only, max_value: only, null_count: 0n } }),
    },
  };
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Whole numbers as INT64, by way of words: so many bigints would take their time. */
export function int64s(values: Float64Array): Uint8Array {
  const words = new Uint32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    words[2 * i] = values[i];
    words[2 * i + 1] = values[i] / 2 ** 32;
  }
  return bytesOf(words);
}

/** A page of one flag for all rows: a run, behind its length. */
export function flags(rows: number, flag: boolean): Uint8Array {
  const run = new ByteWriter();
  run.appendVarInt(rows << 1);
  run.appendUint8(flag ? 1 : 0);
  const page = new ByteWriter();
  page.appendUint32(run.offset);
  page.appendBytes(run.getBytes());
  return page.getBytes();
}

/** A page of numbers of names, which take 8, 16 or 32 bits each, as typed arrays have them. */
export function indexes(holders: Uint32Array, names: number): Uint8Array {
  const Indexes = names <= 2 ** 8 ? Uint8Array : names <= 2 ** 16 ? Uint16Array : Uint32Array;
  const packed = new Indexes(Math.ceil(holders.length / 8) * 8);
  packed.set(holders);
  const page = new ByteWriter();
  page.appendUint8(8 * Indexes.BYTES_PER_ELEMENT);
  page.appendVarInt(((packed.length / 8) << 1) | 1);
  page.appendBytes(bytesOf(packed));
  return page.getBytes();
}

/** Texts as a dictionary. */
export function dictionaryOf(texts: readonly string[]): Dictionary {
  const encoded = new ByteWriter();
  for (const text of texts) {
    const bytes = Buffer.from(text);
    encoded.appendUint32(bytes.length);
    encoded.appendBytes(bytes);
  }
  return { count: texts.length, bytes: encoded.getBytes() };
}

/** Repetition levels (a bit for each element: 0 where a list begins) and definition levels (all 1), of lists without nulls. */
export function levelsOf(starts: Uint32Array): Levels {
  const [first, entries] = [starts[0], starts[starts.length - 1] - starts[0]];
  const bits = new Uint8Array(Math.ceil(entries / 8)).fill(0xff);
  for (let row = 0; row < starts.length - 1; row++) {
    const at = starts[row] - first;
    bits[at >> 3] &= ~(1 << (at & 7));
  }
  const repetition = new ByteWriter();
  repetition.appendVarInt((bits.length << 1) | 1);
  repetition.appendBytes(bits);
  const definition = new ByteWriter();
  definition.appendVarInt(entries << 1);
  definition.appendUint8(1);
  return { entries, repetition: repetition.getBytes(), definition: definition.getBytes() };
}
