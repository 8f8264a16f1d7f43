// Parquet files of columns that lie in typed arrays. The library's own way goes through each value, and each element of each
// list, which costs more than hashing the dump; here pages are such arrays as they are (encode.ts). What is in headers and
// footer: parquet-format, parquet.thrift; its protocol is the library's.

import { closeSync, openSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";
import { fromSystem } from "../errors.js";
import type { Dictionary, Levels } from "./encode.js";

const MAGIC = 0x31524150; // PAR1
/** Bytes of a column of a row group; for fewer gzip takes longer than it is worth. */
const LEAST_COMPRESSED = 1024 * 1024;
const NOTHING = new Uint8Array();

// Numbers of parquet.thrift.
export const TYPE = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6, FIXED_LEN_BYTE_ARRAY: 7 } as const;
export const CONVERTED = { UTF8: 0, UINT_32: 13 } as const;
const CONVERTED_LIST = 3;
const ENCODING = { PLAIN: 0, RLE: 3, DELTA_BINARY_PACKED: 5, RLE_DICTIONARY: 8 } as const;
const CODEC = { UNCOMPRESSED: 0, GZIP: 2 } as const;
const PAGE = { DICTIONARY: 2, DATA_V2: 3 } as const;
const REPETITION = { REQUIRED: 0, REPEATED: 2 } as const;

/** A column without nulls: of values, or of lists of them. */
export interface Column {
  name: string;
  type: (typeof TYPE)[keyof typeof TYPE];
  /** Of FIXED_LEN_BYTE_ARRAY: bytes of a value. */
  bytes?: number;
  converted?: (typeof CONVERTED)[keyof typeof CONVERTED];
  isList?: boolean;
  /** What looks random is not worth compressing. */
  isRandom?: boolean;
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

type Thrift = { [key: `field_${number}`]: unknown };

/** A file in the making: row group after row group, each written as it comes, then the footer. */
export class ParquetWriter {
  private readonly writer = new ByteWriter();
  private readonly groups: Thrift[] = [];
  private rows = 0;

  private constructor(
    private readonly shownAs: string,
    private readonly fd: number,
    private readonly columns: readonly Column[],
  ) {
    this.writer.appendUint32(MAGIC);
  }

  /** shownAs: what errors call the file, which must not be there yet. */
  static create({ path, shownAs }: { path: string; shownAs: string }, columns: readonly Column[]): ParquetWriter {
    try {
      return new ParquetWriter(shownAs, openSync(path, "wx"), columns);
    } catch (error) {
      throw fromSystem(error, shownAs);
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private flush(): void {
    const { writer, fd, shownAs } = this;
    try {
      writeFileSync(fd, writer.getBytes());
    } catch (error) {
      throw fromSystem(error, shownAs);
    }
    writer.index = 0;
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
    this.flush();
  }

  /** Writes a dictionary if there is one, and a page. */
  private writeChunk(column: Column, rows: number, page: Page): { chunk: Thrift; uncompressed: number } {
    const { writer } = this;
    const { values, levels, dictionary, least, most } = page;
    const encoding = ENCODING[page.encoding ?? "PLAIN"];
    const codec = column.isRandom || values.length < LEAST_COMPRESSED ? CODEC.UNCOMPRESSED : CODEC.GZIP;
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

  /** Writes the footer, with what it says besides. The file is still to be closed. */
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
    this.flush();
  }
}

function schemaOf({ name, type, bytes, converted, isList }: Column): Thrift[] {
  const required = { field_3: REPETITION.REQUIRED };
  const value = (own: string) => ({ field_1: type, field_2: bytes, ...required, field_4: own, field_6: converted });
  if (!isList) return [value(name)];
  return [
    { ...required, field_4: name, field_5: 1, field_6: CONVERTED_LIST },
    { field_3: REPETITION.REPEATED, field_4: "list", field_5: 1 },
    value("element"),
  ];
}
