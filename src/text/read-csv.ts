import { fromSystem, PagekinError, quoted } from "../errors.js";
import type { Inputs } from "../system/inputs.js";
import { breathe } from "../system/pace.js";
import { otherSeparator } from "./csv-header.js";
import { CsvFault, csvRecords } from "./parse-csv.js";
import { asData } from "./spreadsheet.js";

/** All of it is kept in memory, some times over. */
const MOST_MIB = 128;
/** A name may be long; this is far more than a row can sensibly hold. */
const MOST_ROW_CHARACTERS = 1024 * 1024;
/** Each row has an object with all columns, however short it is. */
const MOST_COLUMNS = 1024;
const MOST_CELLS = 2 ** 24;
const PIECE_BYTES = 64 * 1024;
const ROWS_A_TURN = 4096;

/** A row by column. Each column of the file is a property of its own, whatever its name. */
export type CsvRow = Record<string, string>;

/** A small CSV file with a header: its columns, and its rows by column. */
export interface CsvTable {
  columns: string[];
  rows: CsvRow[];
}

const lines = new WeakMap<CsvRow, number>();

/** The line of its file where a row begins. */
export const lineOf = (row: CsvRow): number | undefined => lines.get(row);

/** hint: what errors say that the file must have. */
export async function readTable(file: string, inputs: Inputs, hint: string): Promise<CsvTable> {
  const table: CsvTable = { columns: [], rows: [] };
  const fail = (what: string, line?: number) => new PagekinError(what, { file, line, hint });
  try {
    if (inputs.look(file).size > MOST_MIB * 2 ** 20)
      throw new PagekinError(`is larger than ${MOST_MIB} MiB`, { file, hint: "divide it" });
    for await (const { cells, line } of csvRecords(pieces(inputs.read(file)), MOST_ROW_CHARACTERS)) {
      const { columns, rows } = table;
      if (columns.length === 0) {
        if (cells.length > MOST_COLUMNS) throw fail(`has more than ${MOST_COLUMNS} columns`, line);
        table.columns = headerOf(cells, (what) => fail(what, line));
        const separator = otherSeparator(table.columns);
        if (separator) throw fail(`columns are separated by ${separator}, not by commas`, line);
        continue;
      }
      if (cells.length > columns.length)
        throw fail(`has ${cells.length} cells in this row and ${columns.length} columns`, line);
      if (cells.length < columns.length && cells.every((cell) => cell.trim() === "")) continue;
      const row = Object.fromEntries(columns.map((column, i) => [column, asData(cells[i] ?? "")]));
      lines.set(row, line);
      rows.push(row);
      if (rows.length * columns.length > MOST_CELLS)
        throw new PagekinError(`has more than ${MOST_CELLS} cells`, { file, hint: "divide it" });
    }
  } catch (error) {
    if (error instanceof CsvFault) throw fail(error.message, error.line);
    throw fromSystem(error, file);
  }
  if (table.rows.length === 0) throw fail("has no rows");
  return table;
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
    const turn = breathe();
    if (turn) await turn;
  }
}

/** Names of columns, without the blanks around them. */
export function headerOf(cells: readonly string[], fail: (what: string) => PagekinError): string[] {
  const columns = cells.map((cell) => asData(cell.trim()));
  const seen = new Set<string>();
  const twice = columns.find((column) => seen.size === seen.add(column).size);
  if (twice !== undefined) throw fail(`duplicate column ${quoted(twice)}`);
  return columns;
}

/** The rows of such a file. The columns given must be there and not empty. */
export async function readRows(file: string, inputs: Inputs, columns: readonly string[]): Promise<CsvRow[]> {
  const hint = `give a header with ${columns.join(", ")}, and rows of as many columns`;
  const { rows } = await readTable(file, inputs, hint);
  for (const [i, row] of rows.entries()) {
    const empty = columns.find((column) => !Object.hasOwn(row, column) || row[column] === "");
    if (empty) throw new PagekinError(`no ${empty} is given`, { file, line: lineOf(row), hint });
    const turn = i % ROWS_A_TURN === 0 ? breathe() : undefined;
    if (turn) await turn;
  }
  return rows;
}
