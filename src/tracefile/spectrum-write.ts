import { closeSync, openSync, writeFileSync } from "node:fs";
import type { ParquetType, RowGroup, SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import type { Vectors } from "../core/vectors.js";
import { fromSystem } from "../errors.js";
import {
  bytesOf,
  type Dictionary,
  dictionaryOf,
  flags,
  indexes,
  int64s,
  levelsOf,
  type Page,
  writeChunk,
} from "./parquet-pages.js";
import { type FooterWorld, type Spectrum, zeroVectors } from "./spectrum.js";

const ROW_GROUP_ROWS = 128 * 1024;
const ROW_GROUP_ENTRIES = 1024 * 1024;
const MAGIC = 0x31524150; // PAR1

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

/** Writes spectrum.parquet: spectra in the order of their times and page sizes. */
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
    const chunk = (path: SchemaElement[], page: Omit<Page, "rows">) => writeChunk(this.writer, path, { rows, ...page });
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
    if (this.names?.of !== members)
      this.names = { of: members, dictionary: dictionaryOf(members.map(({ member }) => member)) };
    return this.names.dictionary;
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
