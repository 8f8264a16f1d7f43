// spectrum.parquet. Pages are encoded here, since the library's way through each element of each list costs more than
// hashing a thousand small dumps: the values lie in typed arrays already, and the levels follow from where lists begin.
// Headers and the footer are the library's.

import { closeSync, openSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { ColumnChunk, Encoding, PageHeader, ParquetType, RowGroup, SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import type { Vectors } from "../core/vectors.js";
import { fromSystem } from "../errors.js";
import { type FooterWorld, type Spectrum, zeroVectors } from "./spectrum.js";

const ROW_GROUP_ROWS = 128 * 1024;
const ROW_GROUP_ENTRIES = 1024 * 1024;
const MAGIC = 0x31524150; // PAR1
/** Bytes of a column of a row group; for fewer gzip takes longer than it is worth. */
const LEAST_COMPRESSED = 256 * 1024;
const NOTHING = new Uint8Array();

const scalar = (name: string, type: ParquetType): SchemaElement[] => [{ name, type, repetition_type: "REQUIRED" }];
const list = (name: string, element: SchemaElement): SchemaElement[] => [
  { name, converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  element,
];
const ROOT: SchemaElement = { name: "spectrum", num_children: 6 };
const COLUMNS = {
  time_s: scalar("time_s", "DOUBLE"),
  page_bytes: scalar("page_bytes", "INT32"),
  zero: scalar("zero", "BOOLEAN"),
  members: list("members", {
    name: "element",
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    repetition_type: "REQUIRED",
  }),
  copies: list("copies", {
    name: "element",
    type: "INT32",
    converted_type: "UINT_32",
    repetition_type: "REQUIRED",
  }),
  contents: scalar("contents", "INT64"),
};

/** Writes spectra in the order of their times and page sizes. */
export class SpectrumWriter {
  private readonly groups: RowGroup[] = [];
  private readonly worlds: FooterWorld[] = [];
  private rows = 0;
  private names: { of: Spectrum["members"]; dictionary: Dictionary } | undefined;
  /** What is not yet in the file. */
  private readonly writer = new ByteWriter();

  private constructor(
    private readonly shownAs: string,
    private readonly fd: number,
    private readonly version: string,
    private readonly labelNames: readonly string[],
  ) {}

  /** shownAs: what errors call the file; labelNames: the columns that labels become, in their order. */
  static create(
    { path, shownAs }: { path: string; shownAs: string },
    version: string,
    labelNames: readonly string[],
  ): SpectrumWriter {
    try {
      const spectrum = new SpectrumWriter(shownAs, openSync(path, "wx"), version, labelNames);
      spectrum.writer.appendUint32(MAGIC);
      return spectrum;
    } catch (error) {
      throw fromSystem(error, shownAs);
    }
  }

  add(spectrum: Spectrum): void {
    this.note(spectrum);
    try {
      for (const [zero, vectors] of [
        [false, spectrum.vectors],
        [true, zeroVectors(spectrum.zeroPages)],
      ] as const) {
        for (const part of partsOf(vectors)) {
          this.writeGroup(spectrum, zero, part);
          this.flush();
        }
      }
    } catch (error) {
      throw fromSystem(error, this.shownAs);
    }
  }

  /** Keeps what the footer will say. */
  private note({ timeS, pageBytes, members, pages, zeroPages }: Spectrum): void {
    const last = this.worlds[this.worlds.length - 1];
    const world = last?.time_s === timeS ? last : { time_s: timeS, members: [...members], sizes: [] };
    if (world !== last) this.worlds.push(world);
    world.sizes.push({ page_bytes: pageBytes, pages: [...pages], zero_pages: [...zeroPages] });
  }

  private writeGroup({ timeS, pageBytes, members }: Spectrum, zero: boolean, vectors: Vectors): void {
    const rows = vectors.contents.length;
    const start = this.writer.offset;
    const levels = levelsOf(vectors.starts);
    const chunk = (path: SchemaElement[], page: Omit<Page, "rows">) => this.writeChunk(path, { rows, ...page });
    const columns = [
      chunk(COLUMNS.time_s, { values: bytesOf(new Float64Array(rows).fill(timeS)), only: timeS }),
      chunk(COLUMNS.page_bytes, { values: bytesOf(new Int32Array(rows).fill(pageBytes)), only: pageBytes }),
      chunk(COLUMNS.zero, { encoding: "RLE", values: flags(rows, zero), only: zero }),
      chunk(COLUMNS.members, {
        levels,
        encoding: "RLE_DICTIONARY",
        values: indexes(vectors.holders, members.length),
        dictionary: this.namesOf(members),
      }),
      chunk(COLUMNS.copies, { levels, values: bytesOf(vectors.copies) }),
      chunk(COLUMNS.contents, { values: int64s(vectors.contents) }),
    ];
    this.rows += rows;
    this.groups.push({
      columns,
      num_rows: BigInt(rows),
      total_byte_size: columns.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n),
      total_compressed_size: BigInt(this.writer.offset - start),
    });
  }

  /** The names of a world's members as a dictionary, made once for all of its page sizes. */
  private namesOf(members: Spectrum["members"]): Dictionary {
    if (this.names?.of !== members) this.names = { of: members, dictionary: dictionaryOf(members) };
    return this.names.dictionary;
  }

  /** Writes a column of a row group: a dictionary if there is one, and a page. */
  private writeChunk(
    path: SchemaElement[],
    { rows, levels, encoding = "PLAIN", values, dictionary, only }: Page,
  ): ColumnChunk {
    const { writer } = this;
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

  private flush(): void {
    writeFileSync(this.fd, new Uint8Array(this.writer.buffer, 0, this.writer.index));
    this.writer.index = 0;
  }

  finish(): void {
    const { writer } = this;
    try {
      writeMetadata(writer, {
        version: 2,
        created_by: `pagekin ${this.version}`,
        schema: [ROOT, ...Object.values(COLUMNS).flat()],
        num_rows: BigInt(this.rows),
        row_groups: this.groups,
        key_value_metadata: [
          { key: "pagekin.version", value: this.version },
          { key: "pagekin.labels", value: JSON.stringify(this.labelNames) },
          { key: "pagekin.worlds", value: JSON.stringify(this.worlds) },
        ],
      } as Parameters<typeof writeMetadata>[1]);
      writer.appendUint32(MAGIC);
      this.flush();
      closeSync(this.fd);
    } catch (error) {
      throw fromSystem(error, this.shownAs);
    }
  }
}

/** Windows of vectors that make one row group each. */
function* partsOf({ starts, holders, copies, contents }: Vectors): Generator<Vectors> {
  for (let from = 0, to = 0; from < contents.length; from = to) {
    do to++;
    while (to < contents.length && to - from < ROW_GROUP_ROWS && starts[to + 1] - starts[from] <= ROW_GROUP_ENTRIES);
    yield {
      starts: starts.subarray(from, to + 1),
      holders: holders.subarray(starts[from], starts[to]),
      copies: copies.subarray(starts[from], starts[to]),
      contents: contents.subarray(from, to),
    };
  }
}

/** A column of a row group. */
interface Page {
  rows: number;
  /** Of lists. */
  levels?: Levels;
  encoding?: Encoding;
  values: Uint8Array;
  dictionary?: Dictionary;
  /** The value that all rows have. */
  only?: number | boolean;
}

interface Dictionary {
  count: number;
  bytes: Uint8Array;
}

interface Levels {
  entries: number;
  repetition: Uint8Array;
  definition: Uint8Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

/** Whole numbers as INT64, by way of words: so many bigints would take their time. */
function int64s(values: Float64Array): Uint8Array {
  const words = new Uint32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    words[2 * i] = values[i];
    words[2 * i + 1] = values[i] / 2 ** 32;
  }
  return bytesOf(words);
}

/** A page of one flag for all rows: a run, behind its length. */
function flags(rows: number, flag: boolean): Uint8Array {
  const run = new ByteWriter();
  run.appendVarInt(rows << 1);
  run.appendUint8(flag ? 1 : 0);
  const page = new ByteWriter();
  page.appendUint32(run.offset);
  page.appendBytes(run.getBytes());
  return page.getBytes();
}

/** A page of numbers of names, which take 8, 16 or 32 bits each, as typed arrays have them. */
function indexes(holders: Uint32Array, names: number): Uint8Array {
  const Indexes = names <= 2 ** 8 ? Uint8Array : names <= 2 ** 16 ? Uint16Array : Uint32Array;
  const packed = new Indexes(Math.ceil(holders.length / 8) * 8);
  packed.set(holders);
  const page = new ByteWriter();
  page.appendUint8(8 * Indexes.BYTES_PER_ELEMENT);
  page.appendVarInt(((packed.length / 8) << 1) | 1);
  page.appendBytes(bytesOf(packed));
  return page.getBytes();
}

function dictionaryOf(members: Spectrum["members"]): Dictionary {
  const names = new ByteWriter();
  for (const { member } of members) {
    const bytes = Buffer.from(member);
    names.appendUint32(bytes.length);
    names.appendBytes(bytes);
  }
  return { count: members.length, bytes: names.getBytes() };
}

/** Repetition levels (a bit for each element: 0 where a list begins) and definition levels (all 1), of lists without nulls. */
function levelsOf(starts: Uint32Array): Levels {
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
