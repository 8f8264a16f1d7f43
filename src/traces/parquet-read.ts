import type { DecodedArray, FileMetaData, RowGroup, SchemaElement } from "hyparquet";
import { isPageSize } from "../core/hasher.js";
import type { PagekinError } from "../errors.js";
import { columnOf, isSpectrum, missingColumns, openParquet, type ParquetFile } from "../parquet/file.js";
import type { Opened } from "../sources/open.js";
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
      notes: parseNotes(text.get("pagekin.notes")),
      fileNotes: parseNotes(text.get("pagekin.file_notes")),
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

function parseNotes(text: string | undefined): string[] {
  if (!text) return [];
  try {
    const notes: unknown = JSON.parse(text);
    return Array.isArray(notes) ? notes.filter((note) => typeof note === "string") : [];
  } catch {
    return [];
  }
}

/** The rows of a Parquet trace that have one of the page sizes, a row group at a time; withPages: with their page numbers. */
export async function* readParquetTrace(
  opened: Opened,
  pageSizes: readonly number[],
  onBytes: (bytes: number) => void,
  withPages = false,
): AsyncGenerator<TraceRows> {
  const trace = await openTrace(opened);
  try {
    const { row_groups: groups } = trace.metadata;
    for (let group = 0; group < groups.length; group++) {
      const constant = constantOf(groups[group], "page_bytes");
      if (constant === undefined || pageSizes.includes(Number(constant))) {
        const [fingerprints, zeros, sizes, pages] = await Promise.all([
          trace.readFingerprints(group),
          trace.readZeros(group),
          constant === undefined ? trace.readGroup(group, "page_bytes") : undefined,
          withPages ? trace.readGroup(group, "page") : undefined,
        ]);
        for (const rows of rowsOf(trace, fingerprints, zeros, sizes, Number(constant))) {
          yield pages ? { ...rows, pages: Array.prototype.slice.call(pages, rows.from, rows.from + rows.count) } : rows;
        }
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
): Generator<TraceRows & { from: number }> {
  if (flags.length * FINGERPRINT_BYTES !== fingerprints.length) throw trace.fail("columns of different length");
  for (let from = 0; from < flags.length; ) {
    let to = flags.length;
    const pageBytes = sizes ? Number(sizes[from]) : constant;
    if (sizes) for (to = from + 1; to < sizes.length && Number(sizes[to]) === pageBytes; ) to++;
    yield {
      from,
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

interface ParquetTrace extends ParquetFile {
  /** The fingerprints of a row group, 16 bytes each. */
  readFingerprints(group: number): Promise<Uint8Array>;
  /** 1 for each row of a row group that is marked as the zero page, else 0. */
  readZeros(group: number): Promise<Uint8Array>;
  /** Member and time, the same in all rows. */
  snapshot(): Promise<[string, number]>;
}

async function withParquet<T>(opened: Opened, use: (trace: ParquetTrace) => Promise<T>): Promise<T> {
  const trace = await openTrace(opened);
  try {
    return await use(trace);
  } catch (error) {
    throw trace.known(error);
  } finally {
    trace.close();
  }
}

async function openTrace(opened: Opened): Promise<ParquetTrace> {
  const file = await openParquet(opened);
  const { metadata, readGroup, fail } = file;
  checkColumns(file);
  const plain = (group: number, column: string) => plainChunk(file, group, column);
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
  return { ...file, readFingerprints, readZeros, snapshot };
}

function checkColumns({ metadata, fail, close }: ParquetFile): void {
  const missing = missingColumns(metadata, COLUMNS);
  if (missing.length === 0) return;
  close();
  if (isSpectrum(metadata)) throw fail("this is a saved spectrum", "give it to pagekin compare, as the only source");
  throw fail(`no trace: it has no column ${missing.join(", ")}`);
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
  { metadata, buffer, compressors }: ParquetFile,
  group: number,
  name: string,
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
