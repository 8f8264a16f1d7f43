// Parquet files of columns that lie in typed arrays. The library's own way goes through each value, and each element of each
// list, which for a spectrum costs more than hashing a thousand small dumps; here pages are such arrays as they are, and the
// levels follow from where lists begin. What is in headers and footer: parquet-format, parquet.thrift; its protocol is the
// library's.

import { gzipSync } from "node:zlib";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";

const MAGIC = 0x31524150; // PAR1
/** Bytes of a column of a row group; for fewer gzip takes longer than it is worth. */
const LEAST_COMPRESSED = 1024 * 1024;
const NOTHING = new Uint8Array();

// Numbers of parquet.thrift.
export const TYPE = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 } as const;
export const CONVERTED = { UTF8: 0, UINT_32: 13 } as const;
const CONVERTED_LIST = 3;
const ENCODING = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const;
const CODEC = { UNCOMPRESSED: 0, GZIP: 2 } as const;
const PAGE = { DICTIONARY: 2, DATA_V2: 3 } as const;
const REPETITION = { REQUIRED: 0, REPEATED: 2 } as const;

/** A column without nulls: of values, or of lists of them. */
export interface Column {
  name: string;
  type: (typeof TYPE)[keyof typeof TYPE];
  converted?: (typeof CONVERTED)[keyof typeof CONVERTED];
  isList?: boolean;
}

/** A column's part of a row group. */
export interface Page {
  values: Uint8Array;
  encoding?: keyof typeof ENCODING;
  /** Of lists. */
  levels?: Levels;
  dictionary?: Dictionary;
  /** The plain bytes of the least and of the greatest value. */
  least?: Uint8Array;
  most?: Uint8Array;
}

export interface Dictionary {
  count: number;
  bytes: Uint8Array;
}

interface Levels {
  entries: number;
  repetition: Uint8Array;
  definition: Uint8Array;
}

type Thrift = { [key: `field_${number}`]: unknown };

/** A file in the making: row group after row group, then the footer. Bytes are taken out of it as they come. */
export class ParquetBytes {
  private readonly writer = new ByteWriter();
  private readonly groups: Thrift[] = [];
  private rows = 0;

  constructor(private readonly columns: readonly Column[]) {
    this.writer.appendUint32(MAGIC);
  }

  /** What has come since the last call; to be used before the next one. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.writer.buffer, 0, this.writer.index);
    this.writer.index = 0;
    return bytes;
  }

  /** pages: by column. */
  addGroup(rows: number, pages: readonly Page[]): void {
    const start = this.writer.offset;
    const chunks = pages.map((page, i) => this.writeChunk(this.columns[i], rows, page));
    this.rows += rows;
    this.groups.push({
      field_1: chunks.map(({ chunk }) => chunk),
      field_2: BigInt(chunks.reduce((sum, { uncompressed }) => sum + uncompressed, 0)),
      field_3: BigInt(rows),
      field_6: BigInt(this.writer.offset - start),
    });
  }

  /** Writes a dictionary if there is one, and a page. */
  private writeChunk(column: Column, rows: number, page: Page): { chunk: Thrift; uncompressed: number } {
    const { writer } = this;
    const { values, levels, dictionary, least, most } = page;
    const encoding = ENCODING[page.encoding ?? "PLAIN"];
    const codec = values.length < LEAST_COMPRESSED ? CODEC.UNCOMPRESSED : CODEC.GZIP;
    const compress = (bytes: Uint8Array) => (codec === CODEC.GZIP ? gzipSync(bytes, { level: 1 }) : bytes);
    const start = writer.offset;
    let uncompressed = 0;
    const write = (header: Thrift, plainBytes: number, ...parts: Uint8Array[]) => {
      const before = writer.offset;
      serializeTCompactProtocol(writer, header);
      uncompressed += writer.offset - before + plainBytes;
      for (const part of parts) writer.appendBytes(part);
    };
    if (dictionary) {
      const bytes = compress(dictionary.bytes);
      const own = { field_1: dictionary.count, field_2: ENCODING.PLAIN };
      const sizes = { field_2: dictionary.bytes.length, field_3: bytes.length };
      write({ field_1: PAGE.DICTIONARY, ...sizes, field_7: own }, dictionary.bytes.length, bytes);
    }
    const pageStart = writer.offset;
    const { entries, repetition, definition } = levels ?? { entries: rows, repetition: NOTHING, definition: NOTHING };
    const levelBytes = repetition.length + definition.length;
    const bytes = compress(values);
    const own = {
      field_1: entries,
      field_2: 0, // nulls
      field_3: rows,
      field_4: encoding,
      field_5: definition.length,
      field_6: repetition.length,
    };
    const sizes = { field_2: levelBytes + values.length, field_3: levelBytes + bytes.length };
    const header = { field_1: PAGE.DATA_V2, ...sizes, field_8: own };
    write(header, levelBytes + values.length, repetition, definition, bytes);
    const meta = {
      field_1: column.type,
      field_2: [...new Set([encoding, ...(dictionary ? [ENCODING.PLAIN] : []), ...(levels ? [ENCODING.RLE] : [])])],
      field_3: column.isList ? [column.name, "list", "element"] : [column.name],
      field_4: codec,
      field_5: BigInt(entries),
      field_6: BigInt(uncompressed),
      field_7: BigInt(writer.offset - start),
      field_9: BigInt(pageStart),
      field_11: dictionary && BigInt(start),
      field_12: least && { field_3: 0n /* nulls */, field_5: most, field_6: least },
    };
    return { chunk: { field_2: BigInt(start), field_3: meta }, uncompressed };
  }

  /** Writes the footer, with what it says besides. */
  finish(name: string, createdBy: string, values: Readonly<Record<string, string>>): void {
    const { writer, columns, groups } = this;
    const start = writer.offset;
    serializeTCompactProtocol(writer, {
      field_1: 2, // version
      field_2: [{ field_4: name, field_5: columns.length }, ...columns.flatMap(schemaOf)],
      field_3: BigInt(this.rows),
      field_4: groups,
      field_5: Object.entries(values).map(([key, value]) => ({ field_1: key, field_2: value })),
      field_6: createdBy,
      // Statistics compare values as their types say.
      field_7: columns.map(() => ({ field_1: {} })),
    });
    writer.appendUint32(writer.offset - start);
    writer.appendUint32(MAGIC);
  }
}

function schemaOf({ name, type, converted, isList }: Column): Thrift[] {
  const value = (own: string) => ({ field_1: type, field_3: REPETITION.REQUIRED, field_4: own, field_6: converted });
  if (!isList) return [value(name)];
  return [
    { field_3: REPETITION.REQUIRED, field_4: name, field_5: 1, field_6: CONVERTED_LIST },
    { field_3: REPETITION.REPEATED, field_4: "list", field_5: 1 },
    value("element"),
  ];
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

/** A page of flags that come in runs, behind their length. */
export function flags(runs: readonly (readonly [flag: boolean, rows: number])[]): Uint8Array {
  const bytes = new ByteWriter();
  for (const [flag, rows] of runs) {
    bytes.appendVarInt(rows << 1);
    bytes.appendUint8(flag ? 1 : 0);
  }
  const page = new ByteWriter();
  page.appendUint32(bytes.offset);
  page.appendBytes(bytes.getBytes());
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
