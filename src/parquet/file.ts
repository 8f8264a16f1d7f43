import {
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  type RowGroup,
} from "hyparquet";
import { DumpFile, type FilePlace } from "../dumps/dump-file.js";
import { PagekinError } from "../errors.js";
import { checkPages, checkSchema } from "./check.js";

const MAGIC = "PAR1";

/** An open Parquet file. */
export interface ParquetFile {
  metadata: FileMetaData;
  buffer: AsyncBuffer;
  compressors: Compressors;
  readGroup(group: number, column: string): Promise<DecodedArray>;
  fail(what: string, hint?: string): PagekinError;
  /** An error of reading it as a PagekinError. */
  known(error: unknown): unknown;
  close(): void;
}

/** Whether a file begins as Parquet files do. */
export function isParquet(place: FilePlace): boolean {
  const file = new DumpFile(place);
  try {
    return file.has(0, MAGIC.length) && file.read(0, MAGIC.length, "its signature").toString("latin1") === MAGIC;
  } finally {
    file.close();
  }
}

export async function openParquet(place: FilePlace): Promise<ParquetFile> {
  const opened = new DumpFile(place);
  const close = () => opened.close();
  const fail = (what: string, hint = "write it as docs/traces.md says") =>
    new PagekinError(what, { file: place.shownAs, hint });
  const known = (error: unknown) =>
    error instanceof PagekinError || (error as NodeJS.ErrnoException).syscall !== undefined
      ? error
      : fail(`not a readable Parquet file (${(error as Error).message})`, "write or copy it again");
  try {
    const buffer = asyncBuffer(opened);
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    checkSchema(metadata);
    const compressors = await compressorsFor(metadata);
    const scan = await parquetScan({ file: buffer, metadata, compressors, utf8: false, useOffsetIndex: false });
    const starts = [0];
    for (const { num_rows } of metadata.row_groups) starts.push(starts[starts.length - 1] + Number(num_rows));
    // Async: what it throws at once must not leave other columns' errors to nobody.
    const readGroup = async (group: number, column: string) => {
      const chunk = columnOf(metadata.row_groups[group], column);
      if (chunk) await checkPages(buffer, chunk, compressors);
      return scan.readColumn({ column, rowStart: starts[group], rowEnd: starts[group + 1] });
    };
    return { metadata, buffer, compressors, readGroup, fail, known, close };
  } catch (error) {
    close();
    throw known(error);
  }
}

export function columnOf(group: RowGroup, column: string): ColumnMetaData | undefined {
  return group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data;
}

/** The columns of a file that are not there. */
export function missingColumns({ schema }: FileMetaData, columns: readonly string[]): string[] {
  const names = schema.map(({ name }) => name);
  return columns.filter((column) => !names.includes(column));
}

/** Whether the file says of itself that it is a saved spectrum. */
export function isSpectrum({ key_value_metadata: values }: FileMetaData): boolean {
  return values?.some(({ key }) => key === "pagekin.worlds") ?? false;
}

function asyncBuffer(file: DumpFile): AsyncBuffer {
  const byteLength = file.bytes;
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start));
      file.readInto(bytes, start);
      return bytes.buffer;
    },
  };
}

/** Decompressors that hyparquet does not have of its own. */
async function compressorsFor(metadata: FileMetaData): Promise<Compressors> {
  const codecs = new Set(
    metadata.row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec)),
  );
  const compressors: Compressors = {};
  if (codecs.has("ZSTD")) {
    const { ZstdFrames } = await import("../core/zstd.js");
    const frames = await ZstdFrames.load();
    compressors.ZSTD = (input, outputLength) => {
      const output = frames.decode(input, outputLength);
      if (!output) throw new Error("a zstd page is damaged");
      return output.slice();
    };
  }
  if (codecs.has("GZIP")) {
    const { gunzipSync } = await import("node:zlib");
    compressors.GZIP = (input, outputLength) => gunzipSync(input, { maxOutputLength: outputLength });
  }
  return compressors;
}
