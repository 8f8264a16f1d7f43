import type { Vectors } from "../core/counts.js";
import { bytesOf, dictionaryOf, flags, indexes, int64s, levelsOf } from "../parquet/encode.js";
import { CONVERTED, type Column, ParquetWriter, TYPE } from "../parquet/write.js";
import { breathe } from "../system/pace.js";
import { type FooterWorld, type Spectrum, zeroVectors } from "./spectrum.js";

const ROW_GROUP_ROWS = 128 * 1024;
const ROW_GROUP_ENTRIES = 1024 * 1024;

const COLUMNS: readonly Column[] = [
  { name: "time_s", type: TYPE.DOUBLE },
  { name: "page_bytes", type: TYPE.INT32 },
  { name: "zero", type: TYPE.BOOLEAN },
  { name: "members", type: TYPE.BYTE_ARRAY, converted: CONVERTED.UTF8, isList: true },
  { name: "copies", type: TYPE.INT32, converted: CONVERTED.UINT_32, isList: true },
  { name: "contents", type: TYPE.INT64 },
];

/** Writes spectrum.parquet: spectra in the order of their times and page sizes. */
export class SpectrumWriter {
  private readonly worlds: FooterWorld[] = [];
  /** Numbers of all members' names in the dictionary, and of the members of the last world. */
  private readonly names = new Map<string, number>();
  private numbers: { of: Spectrum["members"]; list: Uint32Array } | undefined;
  /** What is not yet in a row group. */
  private readonly waiting: Part[] = [];
  private waitingRows = 0;
  private waitingEntries = 0;

  private constructor(
    private readonly parquet: ParquetWriter,
    private readonly version: string,
    private readonly labelNames: readonly string[],
  ) {}

  /** shownAs: what errors call the file; labelNames: the columns that labels become, in their order. */
  static create(
    place: { path: string; shownAs: string },
    version: string,
    labelNames: readonly string[],
  ): SpectrumWriter {
    return new SpectrumWriter(ParquetWriter.create(place, COLUMNS), version, labelNames);
  }

  async add(spectrum: Spectrum): Promise<void> {
    this.note(spectrum);
    const { timeS, pageBytes, members, zeroPages } = spectrum;
    const numbers = this.numbersOf(members);
    for (const [zero, vectors] of [[false, spectrum.vectors] as const, [true, zeroVectors(zeroPages)] as const]) {
      for (const part of partsOf(vectors)) {
        this.keep({ timeS, pageBytes, zero, numbers, vectors: part });
        const turn = breathe();
        if (turn) await turn;
      }
    }
  }

  /** Keeps what the footer will say. */
  private note({ timeS, pageBytes, members, pages, zeroPages }: Spectrum): void {
    const last = this.worlds[this.worlds.length - 1];
    const world = last?.time_s === timeS ? last : { time_s: timeS, members: [...members], sizes: [] };
    if (world !== last) this.worlds.push(world);
    world.sizes.push({ page_bytes: pageBytes, pages: [...pages], zero_pages: [...zeroPages] });
  }

  private numbersOf(members: Spectrum["members"]): Uint32Array {
    if (this.numbers?.of === members) return this.numbers.list;
    const list = Uint32Array.from(members, ({ member }) => {
      const number = this.names.get(member) ?? this.names.size;
      this.names.set(member, number);
      return number;
    });
    this.numbers = { of: members, list };
    return list;
  }

  private keep(part: Part): void {
    const rows = part.vectors.contents.length;
    const entries = part.vectors.holders.length;
    if (this.waitingRows + rows > ROW_GROUP_ROWS || this.waitingEntries + entries > ROW_GROUP_ENTRIES) this.addGroup();
    this.waiting.push(part);
    this.waitingRows += rows;
    this.waitingEntries += entries;
  }

  /** Writes what waits as a row group. */
  private addGroup(): void {
    const { waiting, waitingRows: rows, waitingEntries: entries } = this;
    if (rows === 0) return;
    const times = new Float64Array(rows);
    const pageBytes = new Int32Array(rows);
    const zeros = new Uint8Array(rows);
    const starts = new Uint32Array(rows + 1);
    const members = new Uint32Array(entries);
    const copies = new Uint32Array(entries);
    const contents = new Float64Array(rows);
    let row = 0;
    let entry = 0;
    for (const { vectors, numbers, ...part } of waiting) {
      const count = vectors.contents.length;
      times.fill(part.timeS, row, row + count);
      pageBytes.fill(part.pageBytes, row, row + count);
      zeros.fill(part.zero ? 1 : 0, row, row + count);
      contents.set(vectors.contents, row);
      copies.set(vectors.copies, entry);
      for (let i = 0; i < vectors.holders.length; i++) members[entry + i] = numbers[vectors.holders[i]];
      for (let i = 1; i <= count; i++) starts[row + i] = entry + vectors.starts[i] - vectors.starts[0];
      row += count;
      entry += vectors.holders.length;
    }
    const levels = levelsOf(starts);
    const bounds = (values: number[], Values: Float64ArrayConstructor | Int32ArrayConstructor) => ({
      least: bytesOf(Values.of(values.reduce((a, b) => Math.min(a, b)))),
      most: bytesOf(Values.of(values.reduce((a, b) => Math.max(a, b)))),
    });
    const timeBounds = bounds(
      waiting.map((part) => part.timeS),
      Float64Array,
    );
    const sizeBounds = bounds(
      waiting.map((part) => part.pageBytes),
      Int32Array,
    );
    this.parquet.addGroup(rows, [
      { values: bytesOf(times), ...timeBounds },
      { values: bytesOf(pageBytes), ...sizeBounds },
      { values: flags(zeros), encoding: "RLE" },
      {
        values: indexes(members, this.names.size),
        encoding: "RLE_DICTIONARY",
        levels,
        dictionary: dictionaryOf([...this.names.keys()]),
      },
      { values: bytesOf(copies), levels },
      { values: int64s(contents) },
    ]);
    waiting.length = 0;
    this.waitingRows = 0;
    this.waitingEntries = 0;
  }

  /** notes: what is to be known of members, by their names. */
  finish(notes: readonly string[]): void {
    this.addGroup();
    this.parquet.finish("spectrum", `pagekin ${this.version}`, {
      "pagekin.version": this.version,
      "pagekin.labels": JSON.stringify(this.labelNames),
      "pagekin.worlds": JSON.stringify(this.worlds),
      ...(notes.length > 0 ? { "pagekin.notes": JSON.stringify(notes) } : {}),
    });
    this.parquet.close();
  }
}

/** Vectors of one time and page size that go into one row group; numbers: of the names of its members. */
interface Part {
  timeS: number;
  pageBytes: number;
  zero: boolean;
  numbers: Uint32Array;
  vectors: Vectors;
}

/** Windows of vectors that fit a row group each. */
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
