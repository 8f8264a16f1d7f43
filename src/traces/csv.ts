// CSV traces: fingerprints that other tools made.

import { Readable } from "node:stream";
import { parse } from "fast-csv";
import { isPageSize } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import { displayName } from "../sources/names.js";
import { bytesOf, type Source } from "../sources/source.js";
import { parseDecimal } from "../text/values.js";
import type { TraceFormat, WantedRows } from "./format.js";
import { FINGERPRINT_BYTES, type TraceHead, type TraceRows, writeFingerprint } from "./rows.js";

const ROWS_AT_A_TIME = 16384;
const MOST_LINE_BYTES = 65536;
const NEEDED = ["page_bytes", "page", "fingerprint"];

interface CsvRow {
  pageBytes: number;
  page: number;
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
  let rows = 0;
  let first: CsvRow | undefined;
  let digits = 2 * FINGERPRINT_BYTES;
  const fileNotes: string[] = [];
  for await (const row of parseRows(source, { onBytes: nothing, onNote: (note) => fileNotes.push(note) })) {
    first ??= row;
    if (row.member !== first.member || row.timeS !== first.timeS) {
      throw new PagekinError("the trace holds several snapshots", {
        file: displayName(source.name),
        line: rows + 2,
        hint: "write one file for each member and time",
      });
    }
    sizes.add(row.pageBytes);
    digits = Math.min(digits, row.fingerprint.length);
    rows++;
  }
  if (!first)
    throw new PagekinError("the trace has no rows", { file: displayName(source.name), hint: "give a row a page" });
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
  let line = 1;
  const fail = (what: string, hint: string) => new PagekinError(what, { file, line, hint });
  const counted = async function* () {
    const check = lineChecker();
    for await (const chunk of bytesOf(source, onNote)) {
      onBytes(chunk.length);
      const wrong = check(chunk);
      if (wrong) throw fail(wrong, "see docs/traces.md");
      yield chunk;
    }
  };
  const input = Readable.from(counted(), { objectMode: false });
  const records = input.pipe(parse<string[], string[]>({ headers: false, ignoreEmpty: true }));
  input.once("error", (error) => records.destroy(error));
  let columns: Record<string, number> | undefined;
  try {
    for await (const record of records as AsyncIterable<string[]>) {
      if (!columns) {
        columns = columnsOf(record, file);
        continue;
      }
      line++;
      yield parseRow(record, columns, fail);
    }
  } catch (error) {
    if (error instanceof PagekinError || (error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw fail(`not a readable CSV (${(error as Error).message})`, "see docs/traces.md");
  } finally {
    // A pipe does not close its source when its reader gives up.
    input.destroy();
  }
}

/** Says what is wrong as soon as a line grows without end or ends within quotes: the parser would gather all that follows. */
function lineChecker(): (chunk: Uint8Array) => string | undefined {
  let length = 0;
  let quotes = 0;
  return (chunk) => {
    for (let i = 0; i < chunk.length; i++) {
      if (chunk[i] === 0x22) quotes++;
      if (chunk[i] !== 0x0a) {
        if (++length > MOST_LINE_BYTES) return `a line of more than ${MOST_LINE_BYTES} bytes`;
        continue;
      }
      if (quotes % 2 === 1) return "a quote is not closed in its line";
      length = 0;
      quotes = 0;
    }
    return undefined;
  };
}

function columnsOf(header: string[], file: string): Record<string, number> {
  const columns = Object.fromEntries(header.map((name, i) => [name.trim(), i]));
  const missing = NEEDED.filter((name) => !(name in columns));
  if (missing.length > 0) {
    throw new PagekinError(`no trace: it has no column ${missing.join(", ")}`, {
      file,
      line: 1,
      hint: "see docs/traces.md",
    });
  }
  return columns;
}

function parseRow(
  record: string[],
  columns: Record<string, number>,
  fail: (what: string, hint: string) => PagekinError,
): CsvRow {
  const pageBytes = Number(record[columns.page_bytes]);
  if (!isPageSize(pageBytes)) {
    throw fail(`page_bytes is "${record[columns.page_bytes]}"`, "give a power of two from 1024 to 2097152");
  }
  if (!/^\d+$/.test(record[columns.page] ?? "")) {
    throw fail(`page is "${record[columns.page]}"`, "give the page number: address / page size");
  }
  const fingerprint = record[columns.fingerprint] ?? "";
  if (!/^([0-9a-fA-F]{2}){1,16}$/.test(fingerprint)) {
    throw fail(`fingerprint is "${fingerprint}"`, "give 1 to 16 bytes in hex");
  }
  const zero = columns.zero === undefined ? "" : (record[columns.zero] ?? "");
  if (!/^(true|false|1|0|)$/i.test(zero)) throw fail(`zero is "${zero}"`, "give true or false");
  const time = columns.time_s === undefined ? "" : (record[columns.time_s] ?? "");
  const timeS = time === "" ? undefined : parseDecimal(time);
  if (time !== "" && timeS === undefined) throw fail(`time_s is "${time}"`, "give seconds, such as 15 or 0.5");
  const member = columns.member === undefined ? undefined : record[columns.member] || undefined;
  return { pageBytes, page: Number(record[columns.page]), fingerprint, zero: /^(true|1)$/i.test(zero), member, timeS };
}
