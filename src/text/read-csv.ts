import { fromSystem, PagekinError, quoted } from "../errors.js";
import type { Inputs } from "../system/inputs.js";
import { CsvFault, csvRecords } from "./parse-csv.js";
import { asData } from "./spreadsheet.js";

/** A name may be long; this is far more than a row can sensibly hold. */
const MOST_ROW_CHARACTERS = 1024 * 1024;

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
    for await (const { cells, line } of csvRecords([inputs.read(file)], MOST_ROW_CHARACTERS)) {
      const { columns } = table;
      if (columns.length === 0) {
        table.columns = headerOf(cells, (what) => fail(what, line));
        continue;
      }
      if (cells.length > columns.length)
        throw fail(`has ${cells.length} cells in this row and ${columns.length} columns`, line);
      if (cells.length < columns.length && cells.every((cell) => cell.trim() === "")) continue;
      const row = Object.fromEntries(columns.map((column, i) => [column, asData(cells[i] ?? "")]));
      lines.set(row, line);
      table.rows.push(row);
    }
  } catch (error) {
    if (error instanceof CsvFault) throw fail(error.message, error.line);
    throw fromSystem(error, file);
  }
  if (table.rows.length === 0) throw fail("has no rows");
  return table;
}

/** Names of columns, without the blanks around them. */
export function headerOf(cells: readonly string[], fail: (what: string) => PagekinError): string[] {
  const columns = cells.map((cell) => asData(cell.trim()));
  const twice = columns.find((column, i) => columns.indexOf(column) < i);
  if (twice !== undefined) throw fail(`duplicate column ${quoted(twice)}`);
  return columns;
}

/** The rows of such a file. The columns given must be there and not empty. */
export async function readRows(file: string, inputs: Inputs, columns: readonly string[]): Promise<CsvRow[]> {
  const hint = `give a header with ${columns.join(", ")}, and rows of as many columns`;
  const { rows } = await readTable(file, inputs, hint);
  for (const row of rows) {
    const empty = columns.find((column) => !Object.hasOwn(row, column) || row[column] === "");
    if (empty) throw new PagekinError(`no ${empty} is given`, { file, line: lineOf(row), hint });
  }
  return rows;
}
