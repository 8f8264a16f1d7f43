import type { DecodedArray, RowGroup } from "hyparquet";
import { isPageSize } from "../core/hasher.js";
import type { PagekinError } from "../errors.js";
import { columnOf, isSpectrum, missingColumns, openParquet, type ParquetFile } from "../parquet/file.js";
import { valuesOf } from "../parquet/values.js";
import { placeOf, type Source } from "../sources/source.js";
import { breathe } from "../system/pace.js";
import { inTurns } from "../system/turns.js";
import type { TraceFormat, WantedRows } from "./format.js";
import { ListedPages } from "./listed-pages.js";
import { type Span, spanOf } from "./page-spans.js";
import { fingerprintsOf, flagsOf } from "./plain-column.js";
import { FINGERPRINT_BYTES, OWN_ALGORITHM, type TraceHead, type TraceRows } from "./rows.js";

const COLUMNS = ["member", "time_s", "page_bytes", "page", "fingerprint", "zero"];

export const parquetTraces: TraceFormat = { isForeign: false, readHead, readRows };

/** What a trace says of itself in its footer and statistics. */
async function readHead(source: Source): Promise<TraceHead> {
  return withParquet(source, async (trace) => {
    const { metadata, readGroup } = trace;
    if (metadata.row_groups.length === 0 || Number(metadata.num_rows) === 0) throw trace.fail("the trace has no rows");
    const [member, timeS] = await trace.snapshot();
    const text = new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value]));
    // A dump too small for a whole page of some size leaves no rows of that size.
    const sizes = new Set(parseSizes(text.get("pagekin.page_sizes")));
    for (let group = 0; group < metadata.row_groups.length; group++) {
      const known = constantOf(metadata.row_groups[group], "page_bytes");
      if (known !== undefined) sizes.add(Number(known));
      else for (const size of await readGroup(group, "page_bytes")) sizes.add(Number(size));
      await breathe();
    }
    const wrong = [...sizes].find((size) => !isPageSize(size));
    if (wrong !== undefined) throw trace.fail(`page_bytes is ${wrong}: no power of two from 1024 to 2097152`);
    return {
      member,
      timeS,
      algorithm: text.get("pagekin.algorithm") ?? OWN_ALGORITHM,
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

const parseNotes = (text: string | undefined) => parseList(text).filter((note) => typeof note === "string");

const parseSizes = (text: string | undefined) =>
  parseList(text).filter((size): size is number => typeof size === "number" && isPageSize(size));

function parseList(text: string | undefined): unknown[] {
  if (!text) return [];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

/** A row group at a time. */
async function* readRows(source: Source, { pageSizes, withPages, onBytes }: WantedRows): AsyncGenerator<TraceRows> {
  const trace = await openTrace(source);
  try {
    const { row_groups: groups } = trace.metadata;
    const spans: (Span | undefined)[] = [];
    for (let group = 0; group < groups.length; group++) {
      const constant = constantOf(groups[group], "page_bytes");
      if (constant === undefined || pageSizes.includes(Number(constant))) {
        const fingerprints = await trace.readFingerprints(group);
        const zeros = await trace.readZeros(group);
        const sizes = constant === undefined ? await trace.readGroup(group, "page_bytes") : undefined;
        const pages = withPages ? await trace.readGroup(group, "page") : undefined;
        spans[group] = sizes ? undefined : await trace.read(group, "page", spanOf);
        for (const rows of rowsOf(trace, fingerprints, zeros, sizes, Number(constant))) {
          if (!pageSizes.includes(rows.pageBytes)) continue;
          yield pages ? { ...rows, pages: Array.prototype.slice.call(pages, rows.from, rows.from + rows.count) } : rows;
        }
      }
      onBytes(source.bytes / groups.length);
    }
    await refuseTwice(trace, pageSizes, spans);
  } catch (error) {
    throw trace.known(error);
  } finally {
    trace.close();
  }
}

/** spans: by row group that of its pages, if they ascend. Where those of a size overlap, or ascend not, all are looked at. */
async function refuseTwice(
  trace: ParquetTrace,
  pageSizes: readonly number[],
  spans: readonly (Span | undefined)[],
): Promise<void> {
  const { metadata, readGroup, fail } = trace;
  const sizeOf = (group: number) => constantOf(metadata.row_groups[group], "page_bytes");
  const isWanted = (size: unknown) => pageSizes.includes(Number(size));
  const ends = new Map<number, bigint>();
  const groups = metadata.row_groups.flatMap((_, group) =>
    sizeOf(group) === undefined || isWanted(sizeOf(group)) ? [group] : [],
  );
  const isAscending = groups.every((group) => {
    const [span, size] = [spans[group], Number(sizeOf(group))];
    if (!span || span.first <= (ends.get(size) ?? -1n)) return false;
    ends.set(size, span.last);
    return true;
  });
  if (isAscending) return;
  const listed = new ListedPages();
  for (const group of groups) {
    const constant = sizeOf(group);
    const sizes = constant === undefined ? await readGroup(group, "page_bytes") : undefined;
    const pages = await readGroup(group, "page");
    await inTurns(pages.length, breathe, (from, to) => {
      for (let row = from; row < to; row++) {
        const size = sizes ? sizes[row] : constant;
        if (isWanted(size)) listed.add(Number(size), pageNumber(pages[row], fail));
      }
    });
  }
  const twice = await listed.twice();
  if (twice) throw fail(`page ${twice.page} of ${twice.pageBytes} bytes is listed twice`, "give each page one row");
}

function pageNumber(value: unknown, fail: (what: string) => PagekinError): number | bigint {
  if ((typeof value === "number" || typeof value === "bigint") && value >= 0) return value;
  throw fail("column page holds something that is not the number of a page");
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

async function withParquet<T>(source: Source, use: (trace: ParquetTrace) => Promise<T>): Promise<T> {
  const trace = await openTrace(source);
  try {
    return await use(trace);
  } catch (error) {
    throw trace.known(error);
  } finally {
    trace.close();
  }
}

async function openTrace(source: Source): Promise<ParquetTrace> {
  const file = await openParquet(placeOf(source));
  const { read, fail } = file;
  checkColumns(file);
  const readFingerprints = (group: number) =>
    read(group, "fingerprint", async (chunk) => fingerprintsOf(chunk) ?? joinFingerprints(await valuesOf(chunk), fail));
  const readZeros = (group: number) =>
    read(group, "zero", async (chunk) => flagsOf(chunk) ?? joinFlags(await valuesOf(chunk), fail));
  const snapshot = async (): Promise<[string, number]> => {
    const member = await onlyValue("member", file);
    const timeS = await onlyValue("time_s", file);
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
async function onlyValue(column: string, { metadata, readGroup, fail }: ParquetFile): Promise<unknown> {
  const values = new Set<unknown>();
  for (let group = 0; group < metadata.row_groups.length; group++) {
    const known = constantOf(metadata.row_groups[group], column);
    if (known !== undefined) values.add(known);
    else for (const value of await readGroup(group, column)) values.add(value);
    await breathe();
    if (values.size > 1) {
      throw fail(`the trace holds several snapshots (column ${column})`, "write one file for each member and time");
    }
  }
  return values.values().next().value;
}

async function joinFlags(values: DecodedArray, fail: (what: string) => PagekinError): Promise<Uint8Array> {
  const flags = new Uint8Array(values.length);
  await inTurns(flags.length, breathe, (from, to) => {
    for (let row = from; row < to; row++) {
      const zero = values[row];
      if (typeof zero !== "boolean") throw fail("column zero holds something that is not true or false");
      if (zero) flags[row] = 1;
    }
  });
  return flags;
}

async function joinFingerprints(values: DecodedArray, fail: (what: string) => PagekinError): Promise<Uint8Array> {
  const joined = new Uint8Array(values.length * FINGERPRINT_BYTES);
  await inTurns(values.length, breathe, (from, to) => {
    for (let row = from; row < to; row++) {
      const value = values[row];
      if (!(value instanceof Uint8Array) || value.length !== FINGERPRINT_BYTES)
        throw fail("a fingerprint is not of 16 bytes");
      joined.set(value, row * FINGERPRINT_BYTES);
    }
  });
  return joined;
}
