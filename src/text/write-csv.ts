import { writeFileSync } from "node:fs";
// fast-csv's formatter without its streams, which for tables of some thousand rows cost more than all the counting.
import { FormatterOptions } from "@fast-csv/format/build/src/FormatterOptions.js";
import { RowFormatter } from "@fast-csv/format/build/src/formatter/RowFormatter.js";

const ROWS_AT_A_TIME = 1024;

/** Writes a header and rows as CSV (RFC 4180, lines end with \n) to an open file. */
export function writeCsv(fd: number, columns: string[], rows: Iterable<string[]>): void {
  const formatter = new RowFormatter<string[], string[]>(new FormatterOptions({ headers: false }));
  let text = "";
  let waiting = 0;
  const add = (error: Error | null, lines: unknown[] = []) => {
    if (error) throw error;
    text += lines.join("");
    if (++waiting < ROWS_AT_A_TIME) return;
    writeFileSync(fd, text);
    text = "";
    waiting = 0;
  };
  formatter.format(columns, add);
  for (const row of rows) formatter.format(row, add);
  writeFileSync(fd, `${text}\n`);
}
