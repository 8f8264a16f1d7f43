// The pages of a column in a row group: the one walk over their headers. Nothing that a header says is believed before it is
// checked, and each page is decompressed once, whoever reads its values.
// Format: apache/parquet-format, README.md ("Data Pages"), parquet.thrift and Encodings.md.

import type { ColumnMetaData, SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import { breathe } from "../system/pace.js";
import type { Decompress } from "./codecs.js";
import { damaged, decodeRuns } from "./runs.js";
import { structEnd } from "./thrift.js";

/** pyarrow before version 11 wrote row groups of so many rows. */
const MOST_ENTRIES = 2 ** 26;
/** No signal gets through while a page is decompressed, or its lists are put together. */
const MOST_PAGE_BYTES = 2 ** 27;
const MOST_PAGE_ENTRIES = 2 ** 24;
const MOST_LIST_ENTRIES = 2 ** 21;
const MOST_CHUNK_BYTES = 2 ** 31;
const LENGTH_BYTES = 4;
const NOTHING = new Uint8Array();

type Header = ReturnType<typeof parquetHeader>;

/** A column as the schema and a row group tell of it. */
export interface Column {
  meta: ColumnMetaData;
  /** From the root of the schema to the column. */
  path: SchemaTree[];
  /** Rows of the row group. */
  rows: number;
}

/** A page of values. */
export interface Page {
  encoding: string | undefined;
  /** Values, nulls and empty lists. */
  entries: number;
  /** Values alone. */
  values: number;
  /** A level for each entry; empty where all are alike. */
  repetition: Uint8Array;
  definition: Uint8Array;
  /** The values as they are encoded. */
  data: Uint8Array;
}

export interface Dictionary {
  count: number;
  data: Uint8Array;
}

/** The pages that hold a column's rows in a row group. */
export interface Chunk {
  column: Column;
  dictionary: Dictionary | undefined;
  pages: Page[];
}

/** Walks over the pages of a column in a row group, whose bytes are given as they are in the file. */
export async function readPages(bytes: Uint8Array, column: Column, decompress: Decompress): Promise<Chunk> {
  const total = Number(column.meta.num_values);
  if (!isCount(total) || total > MOST_ENTRIES) throw new Error("a row group has too many rows");
  const walk = { bytes, at: 0, room: MOST_CHUNK_BYTES };
  const chunk: Chunk = { column, dictionary: undefined, pages: [] };
  const [repetition, definition] = [getMaxRepetitionLevel(column.path), getMaxDefinitionLevel(column.path)];
  let entries = 0;
  let rows = 0;
  while (entries < total) {
    const { header, body } = nextPage(walk);
    if (header.type === "DICTIONARY_PAGE") {
      const count = header.dictionary_page_header?.num_values;
      if (chunk.dictionary || !isCount(count)) throw damaged();
      chunk.dictionary = { count, data: plainOf(body, header.uncompressed_page_size, decompress) };
      continue;
    }
    const parts =
      header.type === "DATA_PAGE_V2"
        ? partsOfV2(header, body, decompress)
        : partsOfV1(header, body, decompress, repetition > 0, definition > 0);
    if (!isCount(parts.entries) || parts.entries === 0 || parts.entries > total - entries) throw damaged();
    if (parts.entries > (repetition > 0 ? MOST_LIST_ENTRIES : MOST_PAGE_ENTRIES))
      throw new Error("a page has too many values");
    const page = withLevels(parts, repetition, definition);
    chunk.pages.push(page);
    entries += page.entries;
    rows += repetition > 0 ? count(page.repetition, 0) : page.entries;
    const turn = breathe();
    if (turn) await turn;
  }
  if (rows !== column.rows) throw new Error("columns of different length");
  return chunk;
}

/** Reads the next header; the body is the page's bytes behind it. */
function nextPage(walk: { bytes: Uint8Array; at: number; room: number }): { header: Header; body: Uint8Array } {
  const { bytes, at } = walk;
  if (at >= bytes.length) throw new Error("a column has fewer values than it says");
  const from = structEnd(bytes, at);
  const header = parquetHeader({ view: new DataView(bytes.buffer, bytes.byteOffset + at, from - at), offset: 0 });
  const { compressed_page_size: size, uncompressed_page_size: plainSize } = header;
  if (!isCount(size) || !isCount(plainSize) || size > bytes.length - from || plainSize > MOST_PAGE_BYTES)
    throw damaged();
  walk.at = from + size;
  walk.room -= plainSize;
  if (walk.room < 0) throw new Error("a row group's column is too large");
  return { header, body: bytes.subarray(from, walk.at) };
}

/** What a page holds, with its levels as runs. */
interface Parts {
  encoding: string | undefined;
  entries: number;
  repetition: Uint8Array;
  definition: Uint8Array;
  data: Uint8Array;
}

/** Of a page of the first kind all is compressed, and the levels stand behind their length, where the schema wants some. */
function partsOfV1(
  { data_page_header: own, uncompressed_page_size: plainSize }: Header,
  body: Uint8Array,
  decompress: Decompress,
  isRepeated: boolean,
  isOptional: boolean,
): Parts {
  if (!own) throw damaged();
  const plain = plainOf(body, plainSize, decompress);
  let at = 0;
  const levels = (areThere: boolean, encoding: string | undefined) => {
    if (!areThere) return NOTHING;
    if (encoding !== "RLE") throw new Error(`levels are encoded as ${encoding}`);
    const runs = prefixed(plain.subarray(at));
    at += LENGTH_BYTES + runs.length;
    return runs;
  };
  const repetition = levels(isRepeated, own.repetition_level_encoding);
  const definition = levels(isOptional, own.definition_level_encoding);
  return { encoding: own.encoding, entries: own.num_values, repetition, definition, data: plain.subarray(at) };
}

function partsOfV2(
  { data_page_header_v2: own, uncompressed_page_size: plainSize }: Header,
  body: Uint8Array,
  decompress: Decompress,
): Parts {
  if (!own) throw damaged();
  const { repetition_levels_byte_length: repetition, definition_levels_byte_length: definition } = own;
  const levels = repetition + definition;
  if (!isCount(repetition) || !isCount(definition) || levels > body.length || levels > plainSize) throw damaged();
  const data = body.subarray(levels);
  return {
    encoding: own.encoding,
    entries: own.num_values,
    repetition: body.subarray(0, repetition),
    definition: body.subarray(repetition, levels),
    data: own.is_compressed === false ? data : plainOf(data, plainSize - levels, decompress),
  };
}

function plainOf(data: Uint8Array, bytes: number, decompress: Decompress): Uint8Array {
  // Nothing may be compressed to nothing.
  return bytes === 0 ? NOTHING : decompress(data, bytes);
}

function withLevels({ repetition, definition, ...page }: Parts, mostRepetition: number, mostDefinition: number): Page {
  const levels = (runs: Uint8Array, most: number) =>
    most === 0 ? NOTHING : decodeRuns(runs, 32 - Math.clz32(most), most, new Uint8Array(page.entries));
  const [repetitions, definitions] = [levels(repetition, mostRepetition), levels(definition, mostDefinition)];
  const values = mostDefinition === 0 ? page.entries : count(definitions, mostDefinition);
  return { ...page, values, repetition: repetitions, definition: values === page.entries ? NOTHING : definitions };
}

/** Bytes that stand behind their length. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < LENGTH_BYTES) throw damaged();
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - LENGTH_BYTES) throw damaged();
  return bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
}

function count(levels: Uint8Array, level: number): number {
  let found = 0;
  for (const one of levels) if (one === level) found++;
  return found;
}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
