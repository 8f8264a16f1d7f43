import { statSync } from "node:fs";
import { fromSystem, PagekinError } from "../errors.js";
import type { Inputs } from "../system/inputs.js";

/** A small CSV file with a header: its columns, and its rows by column. */
export interface CsvTable {
  columns: string[];
  rows: Record<string, string>[];
}

/** hint: what errors say that the file must have. */
export async function readTable(file: string, inputs: Inputs, hint: string): Promise<CsvTable> {
  const table: CsvTable = { columns: [], rows: [] };
  try {
    const stat = statSync(file);
    // Reading a pipe here would wait, deaf to signals.
    if (!stat.isFile() && !stat.isDirectory()) throw new PagekinError("is not a regular file", { file, hint });
    // Few commands read one.
    const { parseString } = await import("fast-csv");
    const parsed = parseString<Record<string, string>, Record<string, string>>(inputs.read(file).toString("utf8"), {
      headers: true,
      trim: true,
      ignoreEmpty: true,
    });
    parsed.once("headers", (headers: string[]) => {
      table.columns = headers;
    });
    for await (const row of parsed as AsyncIterable<Record<string, string>>) table.rows.push(row);
  } catch (error) {
    const known = fromSystem(error, file);
    if (known instanceof PagekinError) throw known;
    throw new PagekinError(`not a readable CSV: ${(error as Error).message}`, { file, hint });
  }
  if (table.rows.length === 0) throw new PagekinError("has no rows", { file, hint });
  return table;
}

/** The rows of such a file. The columns given must be there and not empty. */
export async function readRows(
  file: string,
  inputs: Inputs,
  columns: readonly string[],
): Promise<Record<string, string>[]> {
  const hint = `give a header with ${columns.join(", ")}, and rows of as many columns`;
  const { rows } = await readTable(file, inputs, hint);
  rows.forEach((row, i) => {
    const empty = columns.find((column) => !row[column]);
    if (empty) throw new PagekinError(`no ${empty} is given`, { file, line: i + 2, hint });
  });
  return rows;
}
