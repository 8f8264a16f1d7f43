// CSV as the contract has it: RFC 4180, lines end with \n, rates with 6 decimals.

import { readFileSync } from "node:fs";
import path from "node:path";

/** part / whole with 6 decimals; 0 / 0 is 0. */
export function rate(part: number, whole: number): string {
  return (whole === 0 ? 0 : part / whole).toFixed(6);
}

/** A time as the contract writes it; for times whose shortest decimal JavaScript writes without an exponent. */
export function formatTime(timeS: number): string {
  return String(timeS);
}

/** A table's text: a field is quoted only where it must be. */
export function toCsv(header: string, rows: readonly (readonly string[])[]): string {
  const quoted = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return [header, ...rows.map((row) => row.map(quoted).join())].map((line) => `${line}\n`).join("");
}

/** The records of a CSV text. */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    records[records.length - 1].push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\n") records.push([]);
  }
  return records.slice(0, -1);
}

export type Row = Record<string, string>;

/** The rows of a result file, by column. */
export function rowsOf(folder: string, file: string): Row[] {
  return rowsIn(readFileSync(path.join(folder, file), "utf8"));
}

/** The rows of a CSV text, by column. */
export function rowsIn(text: string): Row[] {
  const [columns, ...records] = parseCsv(text);
  return records.map((record) => Object.fromEntries(columns.map((column, i) => [column, record[i]])));
}

/** The one row that has these values. */
export function onlyRow(rows: readonly Row[], key: Row): Row {
  const found = rows.filter((row) => Object.entries(key).every(([column, value]) => row[column] === value));
  if (found.length !== 1) throw new Error(`${found.length} rows with ${JSON.stringify(key)}`);
  return found[0];
}
