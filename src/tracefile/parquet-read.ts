import { closeSync, openSync, readSync } from "node:fs";
import {
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  type RowGroup,
  type SchemaElement,
} from "hyparquet";
import { isPageSize } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import { displayName, type Opened } from "../sources/open.js";
import { fingerprintsOf, flagsOf, plainPages } from "./plain-column.js";
import type { TraceHead, TraceRows } from "./rows.js";

const FINGERPRINT_BYTES = 16;
const COLUMNS = ["member", "time_s", "page_bytes", "page", "fingerprint", "zero"];

/** What a Parquet trace says of itself, from its footer and first row. */
export async function readParquetHead(opened: Opened): Promise<TraceHead> {
  return withParquet(opened, async (trace) => {
    const { metadata, readGroup } = trace;
    if (metadata.row_groups.length === 0 || Number(metadata.num_rows) === 0) throw trace.fail("the trace has no rows");
    const [member, timeS] = await trace.snapshot();
    const sizes = new Set<number>();
    for (let group = 0; group < metadata.row_groups.length; group++) {
      const known = constantOf(metadata.row_groups[group], "page_bytes");
      if (known !== undefined) sizes.add(Number(known));
      else for (const size of await readGroup(group, "page_bytes")) sizes.add(Number(size));
    }
    const wrong = [...sizes].find((size) => !isPageSize(size));
    if (wrong !== undefined) throw trace.fail(`page_bytes is ${wrong}: no power of two from 1024 to 2097152`);
    const text = new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value]));
    return {
      member,
      timeS,
      algorithm: text.get("pagekin.algorithm") ?? "xxh3-128",
      keyId: text.get("pagekin.key_id") || undefined,
      addressSpace: text.get("pagekin.address_space"),
      ledger: parseLedger(text.get("pagekin.ledger")),
      pageSizes: [...sizes].sort((a, b) => a - b),
    };
  });
}

function parseLedger(text: string | undefined): Record<string, number> | undefined {
  if (!text) return undefined;
  try {
    const ledger: Record<string, unknown> = JSON.parse(text);
    return Object.fromEntries(
      Object.entries(ledger).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
    );
  } catch {
    return undefined;
  }
}

/** The rows of a Parquet trace that have one of the page sizes, a row group at a time. */
export async function* readParquetTrace(
  opened: Opened,
  pageSizes: readonly number[],
  onBytes: (bytes: number) => void,
): AsyncGenerator<TraceRows> {
  const trace = await openParquet(opened);
  try {
    const { row_groups: groups } = trace.metadata;
    for (let group = 0; group < groups.length; group++) {
      const constant = constantOf(groups[group], "page_bytes");
      if (constant === undefined || pageSizes.includes(Number(constant))) {
        const [fingerprints, zeros, sizes] = await Promise.all([
          trace.readFingerprints(group),
          trace.readZeros(group),
          constant === undefined ? trace.readGroup(group, "page_bytes") : undefined,
        ]);
        yield* rowsOf(trace, fingerprints, zeros, sizes, Number(constant));
      }
      onBytes(opened.fileBytes / groups.length);
    }
  } catch (error) {
    throw trace.known(error);
  } finally {
    trace.close();
  }
}

/** Splits a row group into runs of one page size. */
function* rowsOf(
  trace: ParquetTrace,
  fingerprints: Uint8Array,
  flags: Uint8Array,
  sizes: DecodedArray | undefined,
  constant: number,
): Generator<TraceRows> {
  if (flags.length * FINGERPRINT_BYTES !== fingerprints.length) throw trace.fail("columns of different length");
  for (let from = 0; from < flags.length; ) {
    let to = flags.length;
    const pageBytes = sizes ? Number(sizes[from]) : constant;
    if (sizes) for (to = from + 1; to < sizes.length && Number(sizes[to]) === pageBytes; ) to++;
    yield {
      pageBytes,
      count: to - from,
      fingerprints: fingerprints.subarray(from * FINGERPRINT_BYTES, to * FINGERPRINT_BYTES),
      zeros: flags.subarray(from, to),
    };
    from = to;
  }
}

/** The one value of a column in a row group, if its statistics tell. */
function constantOf(group: RowGroup, column: string): unknown {
  const { min_value, max_value, null_count } = columnOf(group, column)?.statistics ?? {};
  return min_value !== undefined && min_value === max_value && !null_count ? min_value : undefined;
}

interface ParquetTrace {
  metadata: FileMetaData;
  readGroup(group: number, column: string): Promise<DecodedArray>;
  /** The fingerprints of a row group, 16 bytes each. */
  readFingerprints(group: number): Promise<Uint8Array>;
  /** 1 for each row of a row group that is marked as the zero page, else 0. */
  readZeros(group: number): Promise<Uint8Array>;
  /** Member and time, the same in all rows. */
  snapshot(): Promise<[string, number]>;
  fail(what: string, hint?: string): PagekinError;
  known(error: unknown): unknown;
  close(): void;
}

async function withParquet<T>(opened: Opened, use: (trace: ParquetTrace) => Promise<T>): Promise<T> {
  const trace = await openParquet(opened);
  try {
    return await use(trace);
  } catch (error) {
    throw trace.known(error);
  } finally {
    trace.close();
  }
}

async function openParquet(opened: Opened): Promise<ParquetTrace> {
  const file = displayName(opened.name);
  const fd = opened.fd ?? openSync(opened.name.path, "r");
  const close = () => {
    if (opened.fd === undefined) closeSync(fd);
  };
  const fail = (what: string, hint = "write it as docs/traces.md says") => new PagekinError(what, { file, hint });
  const known = (error: unknown) =>
    error instanceof PagekinError || (error as NodeJS.ErrnoException).syscall !== undefined
      ? error
      : fail(`not a readable Parquet file (${(error as Error).message})`, "write or copy the trace again");
  try {
    const buffer = asyncBuffer(fd, opened.fileBytes);
    const metadata = await parquetMetadataAsync(buffer);
    checkColumns(metadata, fail);
    const compressors = await compressorsFor(metadata);
    const scan = await parquetScan({ file: buffer, metadata, compressors, utf8: false, useOffsetIndex: false });
    const starts = [0];
    for (const { num_rows } of metadata.row_groups) starts.push(starts[starts.length - 1] + Number(num_rows));
    const readGroup = (group: number, column: string) =>
      scan.readColumn({ column, rowStart: starts[group], rowEnd: starts[group + 1] });
    const plain = (group: number, column: string) => plainChunk(metadata, group, column, buffer, compressors);
    const readFingerprints = async (group: number) => {
      const { pages, element } = await plain(group, "fingerprint");
      return (pages && fingerprintsOf(pages, element)) ?? joinFingerprints(await readGroup(group, "fingerprint"), fail);
    };
    const readZeros = async (group: number) => {
      const { pages } = await plain(group, "zero");
      return (pages && flagsOf(pages)) ?? joinFlags(await readGroup(group, "zero"), fail);
    };
    const snapshot = async (): Promise<[string, number]> => {
      const member = await onlyValue("member", metadata, readGroup, fail);
      const timeS = await onlyValue("time_s", metadata, readGroup, fail);
      if (typeof member !== "string" || member === "") throw fail("column member holds something that is not a name");
      if (typeof timeS !== "number" || !(timeS >= 0 && timeS < Infinity)) {
        throw fail("column time_s holds something that is not a time in seconds");
      }
      return [member, timeS];
    };
    return { metadata, readGroup, readFingerprints, readZeros, snapshot, fail, known, close };
  } catch (error) {
    close();
    throw known(error);
  }
}

/** The value that all rows of a column have. */
async function onlyValue(
  column: string,
  metadata: FileMetaData,
  readGroup: (group: number, column: string) => Promise<DecodedArray>,
  fail: (what: string, hint?: string) => PagekinError,
): Promise<unknown> {
  const values = new Set<unknown>();
  for (let group = 0; group < metadata.row_groups.length; group++) {
    const known = constantOf(metadata.row_groups[group], column);
    if (known !== undefined) values.add(known);
    else for (const value of await readGroup(group, column)) values.add(value);
    if (values.size > 1) {
      throw fail(`the trace holds several snapshots (column ${column})`, "write one file for each member and time");
    }
  }
  return values.values().next().value;
}

/** A column of a row group, and its pages where they are plain. */
async function plainChunk(
  metadata: FileMetaData,
  group: number,
  name: string,
  buffer: AsyncBuffer,
  compressors: Compressors,
): Promise<{ pages: ReturnType<typeof plainPages>; element: SchemaElement }> {
  const column = columnOf(metadata.row_groups[group], name);
  const element = metadata.schema.find((one) => one.name === name) as SchemaElement;
  if (!column || column.dictionary_page_offset || !column.encodings.includes("PLAIN"))
    return { pages: undefined, element };
  const start = Number(column.data_page_offset);
  const chunk = new Uint8Array(await buffer.slice(start, start + Number(column.total_compressed_size)));
  return { pages: plainPages(chunk, column, element, compressors), element };
}

function joinFlags(values: DecodedArray, fail: (what: string) => PagekinError): Uint8Array {
  const flags = new Uint8Array(values.length);
  for (let row = 0; row < flags.length; row++) {
    const zero = values[row];
    if (typeof zero !== "boolean") throw fail("column zero holds something that is not true or false");
    if (zero) flags[row] = 1;
  }
  return flags;
}

function joinFingerprints(values: DecodedArray, fail: (what: string) => PagekinError): Uint8Array {
  const joined = new Uint8Array(values.length * FINGERPRINT_BYTES);
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (!(value instanceof Uint8Array) || value.length !== FINGERPRINT_BYTES)
      throw fail("a fingerprint is not of 16 bytes");
    joined.set(value, row * FINGERPRINT_BYTES);
  }
  return joined;
}

function columnOf(group: RowGroup, column: string): ColumnMetaData | undefined {
  return group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data;
}

function checkColumns(metadata: FileMetaData, fail: (what: string) => PagekinError): void {
  const names = metadata.schema.map(({ name }) => name);
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) throw fail(`no trace: it has no column ${missing.join(", ")}`);
}

function asyncBuffer(fd: number, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start));
      for (let done = 0; done < bytes.length; ) {
        const got = readSync(fd, bytes, done, bytes.length - done, start + done);
        if (got === 0) throw new Error("the file is shorter than it says");
        done += got;
      }
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
    const { ZSTDDecoder } = await import("zstddec/stream");
    const decoder = new ZSTDDecoder();
    await decoder.init();
    compressors.ZSTD = (input, outputLength) => {
      const output = decoder.decode(input, outputLength);
      if (output.length !== outputLength) throw new Error("a zstd page is damaged");
      return output;
    };
  }
  if (codecs.has("GZIP")) {
    const { gunzipSync } = await import("node:zlib");
    compressors.GZIP = (input, outputLength) => gunzipSync(input, { maxOutputLength: outputLength });
  }
  return compressors;
}
