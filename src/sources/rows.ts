import { readFileSync, statSync } from "node:fs";
import { parseString } from "fast-csv";
import { fromSystem, PagekinError } from "../errors.js";

/** The rows of a small CSV file with a header, by column. The columns given must be there and not empty. */
export async function readRows(file: string, columns: readonly string[]): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  const hint = `give a header with ${columns.join(", ")}, and rows of as many columns`;
  try {
    const stat = statSync(file);
    // Reading a pipe here would wait, deaf to signals.
    if (!stat.isFile() && !stat.isDirectory()) throw new PagekinError("is no plain file", { file, hint });
    const parsed = parseString<Record<string, string>, Record<string, string>>(readFileSync(file, "utf8"), {
      headers: true,
      trim: true,
      ignoreEmpty: true,
    });
    for await (const row of parsed as AsyncIterable<Record<string, string>>) rows.push(row);
  } catch (error) {
    const known = fromSystem(error, file);
    if (known instanceof PagekinError) throw known;
    throw new PagekinError(`not a readable CSV: ${(error as Error).message}`, { file, hint });
  }
  if (rows.length === 0) throw new PagekinError("has no rows", { file, hint });
  rows.forEach((row, i) => {
    const empty = columns.find((column) => !row[column]);
    if (empty) throw new PagekinError(`no ${empty} is given`, { file, line: i + 2, hint });
  });
  return rows;
}
