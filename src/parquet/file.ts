import { closeSync, openSync } from "node:fs";
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
import { PagekinError } from "../errors.js";
import { displayName, type Opened } from "../sources/open.js";
import { readFully } from "../system/transfer.js";
import { checkPages, checkSchema } from "./check.js";

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

export async function openParquet(opened: Opened): Promise<ParquetFile> {
  const file = displayName(opened.name);
  const fd = opened.fd ?? openSync(opened.name.path, "r");
  const close = () => {
    if (opened.fd === undefined) closeSync(fd);
  };
  const fail = (what: string, hint = "write it as docs/traces.md says") => new PagekinError(what, { file, hint });
  const known = (error: unknown) =>
    error instanceof PagekinError || (error as NodeJS.ErrnoException).syscall !== undefined
      ? error
      : fail(`not a readable Parquet file (${(error as Error).message})`, "write or copy it again");
  try {
    const buffer = asyncBuffer(fd, opened.fileBytes);
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

function asyncBuffer(fd: number, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start));
      if (readFully(fd, bytes, start) < bytes.length) throw new Error("the file is shorter than it says");
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
