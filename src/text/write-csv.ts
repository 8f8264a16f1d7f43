// CSV files as RFC 4180 has them, with lines that end with \n. A table is a list of columns, each a name, a value and a
// format, and rows of whatever records the values come from.

import { closeSync, openSync, writeFileSync } from "node:fs";
import { breathe } from "../system/pace.js";
import { formatNumber } from "./format.js";
import { asCell } from "./spreadsheet.js";

/** How the values of a column are written. */
const FORMATS = {
  /** Counts, bytes, seconds: the shortest decimal. */
  number: formatNumber,
  /** 6 decimals. */
  rate: (value: number) => value.toFixed(6),
  /** Pages that may be fractions of pages: 6 decimals, and never a negative zero. */
  fraction: (value: number) => value.toFixed(6).replace(/^-(?=0\.0+$)/, ""),
  /** 3 decimals. */
  thousandths: (value: number) => value.toFixed(3),
  boolean: (value: boolean) => String(value),
  /** Kept exactly, also in a spreadsheet: docs/files.md. */
  text: (value: string) => quoteIfNeeded(asCell(value)),
};

type Formats = typeof FORMATS;

/** A column, its value in a row, and how that is written; undefined leaves the cell empty. */
export type Column<Row> = {
  [Format in keyof Formats]: readonly [
    column: string,
    value: (row: Row) => Parameters<Formats[Format]>[0] | undefined,
    format: Format,
  ];
}[keyof Formats];

/** A CSV file that is still to be written. */
export interface Table {
  file: string;
  /** Its text in pieces, some of them empty, made as they are taken: a large world has many rows. Can be read once. */
  pieces: Iterable<string>;
}

export function tableOf<Row>(file: string, columns: readonly Column<NoInfer<Row>>[], rows: Iterable<Row>): Table {
  return { file, pieces: piecesOf(columns, rows) };
}

/** A row as JSON has it, by the columns' names: null where the cell is empty. */
export const recordOf = <Row>(columns: readonly Column<Row>[], row: Row): Record<string, unknown> =>
  Object.fromEntries(columns.map(([column, value]) => [column, value(row) ?? null]));

/** Writes a table to a new file. */
export async function writeTable(file: string, { pieces }: Table, mode = 0o666): Promise<void> {
  const fd = openSync(file, "wx", mode);
  try {
    for (const piece of pieces) {
      if (piece !== "") writeFileSync(fd, piece);
      const turn = breathe();
      if (turn) await turn;
    }
  } finally {
    closeSync(fd);
  }
}

const PIECE_CHARACTERS = 65536;
/** Rows that are made in one go: what they are made of may take its time. */
const PIECE_ROWS = 16;

function* piecesOf<Row>(columns: readonly Column<Row>[], rows: Iterable<Row>): Generator<string> {
  const values = columns.map(([, value]) => value);
  const formats = columns.map(([, , format]) => FORMATS[format] as (value: unknown) => string);
  let text = `${columns.map(([column]) => quoteIfNeeded(asCell(column))).join()}\n`;
  let made = 0;
  for (const row of rows) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i](row);
      if (i > 0) text += ",";
      if (value !== undefined) text += formats[i](value);
    }
    text += "\n";
    if (text.length >= PIECE_CHARACTERS) {
      yield text;
      text = "";
    } else if (++made % PIECE_ROWS === 0) yield "";
  }
  yield text;
}

/** A vertical bar needs no quotes, but has always had them. */
function quoteIfNeeded(text: string): string {
  // fast-csv takes a line of blanks alone for an empty one.
  return /[",\r\n|]|^\s+$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
