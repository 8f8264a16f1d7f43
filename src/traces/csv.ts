// CSV traces: fingerprints that other tools made.

import { isPageSize } from "../core/hasher.js";
import { PagekinError, quoted } from "../errors.js";
import { displayName } from "../sources/names.js";
import { bytesOf, type Source } from "../sources/source.js";
import { CsvFault, csvRecords } from "../text/parse-csv.js";
import { headerOf } from "../text/read-csv.js";
import { parseDecimal } from "../text/values.js";
import type { TraceFormat, WantedRows } from "./format.js";
import { ListedPages } from "./listed-pages.js";
import { FINGERPRINT_BYTES, type TraceHead, type TraceRows, writeFingerprint } from "./rows.js";

const ROWS_AT_A_TIME = 16384;
const MOST_ROW_CHARACTERS = 65536;
const NEEDED = ["page_bytes", "page", "fingerprint"] as const;
const OPTIONAL = ["member", "time_s", "zero"] as const;
const HINT = "see docs/traces.md";

interface CsvRow {
  line: number;
  pageBytes: number;
  page: number;
  /** The same, exact beyond 2^53 too. */
  pageText: string;
  fingerprint: string;
  zero: boolean;
  member: string | undefined;
  timeS: number | undefined;
}

interface Hooks {
  onBytes(bytes: number): void;
  onNote(note: string): void;
}

const nothing = () => {};

export const csvTraces: TraceFormat = { isForeign: true, readHead, readRows };

/** Reads all of a trace for the head: its member, time and page sizes, and the shortest fingerprint in bits. */
async function readHead(source: Source): Promise<TraceHead> {
  const sizes = new Set<number>();
  let first: CsvRow | undefined;
  let digits = 2 * FINGERPRINT_BYTES;
  const listed = new ListedPages();
  const fileNotes: string[] = [];
  for await (const row of parseRows(source, { onBytes: nothing, onNote: (note) => fileNotes.push(note) })) {
    first ??= row;
    if (row.member !== first.member || row.timeS !== first.timeS) {
      throw new PagekinError("the trace holds several snapshots", {
        file: displayName(source.name),
        line: row.line,
        hint: "write one file for each member and time",
      });
    }
    sizes.add(row.pageBytes);
    digits = Math.min(digits, row.fingerprint.length);
    listed.add(row.pageBytes, Number.isSafeInteger(row.page) ? row.page : BigInt(row.pageText));
  }
  if (!first)
    throw new PagekinError("the trace has no rows", { file: displayName(source.name), hint: "give a row a page" });
  const twice = await listed.twice();
  if (twice) {
    const what = `page ${twice.page} of ${twice.pageBytes} bytes is listed twice`;
    throw new PagekinError(what, { file: displayName(source.name), hint: "give each page one row" });
  }
  return {
    member: first.member,
    timeS: first.timeS,
    algorithm: "csv",
    keyId: undefined,
    addressSpace: undefined,
    ledger: undefined,
    notes: [],
    fileNotes,
    pageSizes: [...sizes].sort((a, b) => a - b),
    fingerprintBits: digits * 4,
  };
}

async function* readRows(source: Source, { pageSizes, onBytes }: WantedRows): AsyncGenerator<TraceRows> {
  const empty = (pageBytes: number) => ({
    pageBytes,
    count: 0,
    fingerprints: new Uint8Array(ROWS_AT_A_TIME * FINGERPRINT_BYTES),
    zeros: new Uint8Array(ROWS_AT_A_TIME),
    pages: new Float64Array(ROWS_AT_A_TIME),
  });
  let rows = empty(0);
  for await (const row of parseRows(source, { onBytes, onNote: nothing })) {
    if (!pageSizes.includes(row.pageBytes)) continue;
    if (row.pageBytes !== rows.pageBytes || rows.count === ROWS_AT_A_TIME) {
      if (rows.count > 0) yield rows;
      rows = empty(row.pageBytes);
    }
    writeFingerprint(row.fingerprint, rows.fingerprints, rows.count * FINGERPRINT_BYTES);
    rows.pages[rows.count] = row.page;
    rows.zeros[rows.count++] = row.zero ? 1 : 0;
  }
  if (rows.count > 0) yield rows;
}

async function* parseRows(source: Source, { onBytes, onNote }: Hooks): AsyncGenerator<CsvRow> {
  const file = displayName(source.name);
  const counted = async function* () {
    for await (const chunk of bytesOf(source, onNote)) {
      onBytes(chunk.length);
      yield chunk;
    }
  };
  let columns: Columns | undefined;
  try {
    for await (const { cells, line } of csvRecords(counted(), MOST_ROW_CHARACTERS)) {
      const fail = (what: string, hint: string) => new PagekinError(what, { file, line, hint });
      if (columns) yield parseRow(cells, line, columns, fail);
      else columns = columnsOf(cells, fail);
    }
  } catch (error) {
    if (!(error instanceof CsvFault)) throw error;
    throw new PagekinError(error.message, { file, line: error.line, hint: HINT });
  }
}

/** Where the columns of a trace stand; undefined: not there. */
type Columns = Record<(typeof NEEDED)[number], number> & Record<(typeof OPTIONAL)[number], number | undefined>;

function columnsOf(header: string[], fail: (what: string, hint: string) => PagekinError): Columns {
  const names = headerOf(header, (what) => fail(what, HINT));
  const missing = NEEDED.filter((name) => !names.includes(name));
  if (missing.length > 0) throw fail(`no trace: it has no column ${missing.join(", ")}`, HINT);
  const places = [...NEEDED, ...OPTIONAL].map((name): [string, number | undefined] => {
    const at = names.indexOf(name);
    return [name, at < 0 ? undefined : at];
  });
  return Object.fromEntries(places) as Columns;
}

function parseRow(
  record: string[],
  line: number,
  columns: Columns,
  fail: (what: string, hint: string) => PagekinError,
): CsvRow {
  const pageBytes = Number(record[columns.page_bytes]);
  if (!isPageSize(pageBytes)) {
    throw fail(`page_bytes is "${quoted(record[columns.page_bytes])}"`, "give a power of two from 1024 to 2097152");
  }
  const pageText = record[columns.page] ?? "";
  if (!/^\d{1,20}$/.test(pageText)) {
    throw fail(`page is "${quoted(pageText)}"`, "give the page number: address / page size");
  }
  const fingerprint = record[columns.fingerprint] ?? "";
  if (!/^([0-9a-fA-F]{2}){1,16}$/.test(fingerprint)) {
    throw fail(`fingerprint is "${quoted(fingerprint)}"`, "give 1 to 16 bytes in hex");
  }
  const zero = columns.zero === undefined ? "" : (record[columns.zero] ?? "");
  if (!/^(true|false|1|0|)$/i.test(zero)) throw fail(`zero is "${quoted(zero)}"`, "give true or false");
  const time = columns.time_s === undefined ? "" : (record[columns.time_s] ?? "");
  const timeS = time === "" ? undefined : parseDecimal(time);
  if (time !== "" && timeS === undefined) throw fail(`time_s is "${quoted(time)}"`, "give seconds, such as 15 or 0.5");
  const member = columns.member === undefined ? undefined : record[columns.member] || undefined;
  const page = Number(pageText);
  return { line, pageBytes, page, pageText, fingerprint, zero: /^(true|1)$/i.test(zero), member, timeS };
}
