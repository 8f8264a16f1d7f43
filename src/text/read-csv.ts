import { createReadStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import { parse } from "fast-csv";
import { fromSystem, PagekinError } from "../errors.js";
import { breathe } from "../system/pace.js";

/** All of it is kept in memory, some times over. */
const MOST_BYTES = 128 * 1024 * 1024;
/** Names may be long, and have line breaks within quotes. The parser goes through an unfinished row again with each chunk. */
const MOST_ROW_BYTES = 1024 * 1024;
/** The parser has an object with all columns for each row, however short that is. */
const MOST_COLUMNS = 1024;
const MOST_CELLS = 2 ** 24;
const CHUNK_BYTES = 64 * 1024;
const ROWS_A_TURN = 4096;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;

/** A small CSV file with a header: its columns, and its rows by column. */
export interface CsvTable {
  columns: string[];
  rows: Record<string, string>[];
}

/** hint: what errors say that the file must have. */
export async function readTable(file: string, hint: string): Promise<CsvTable> {
  const table: CsvTable = { columns: [], rows: [] };
  try {
    const stat = statSync(file);
    // Reading a pipe here would wait, deaf to signals.
    if (!stat.isFile() && !stat.isDirectory()) throw new PagekinError("is no plain file", { file, hint });
    if (stat.size > MOST_BYTES) {
      throw new PagekinError(`is larger than ${MOST_BYTES / 1024 / 1024} MiB`, { file, hint: "divide it" });
    }
    const parsed = parse<Record<string, string>, Record<string, string>>({
      headers: true,
      trim: true,
      ignoreEmpty: true,
    });
    parsed.once("headers", (headers: string[]) => {
      table.columns = headers;
    });
    const input = Readable.from(checkedChunks(file), { objectMode: false });
    input.once("error", (error) => parsed.destroy(error));
    for await (const row of input.pipe(parsed) as AsyncIterable<Record<string, string>>) {
      if (table.columns.length > MOST_COLUMNS) {
        throw new PagekinError(`has more than ${MOST_COLUMNS} columns`, { file, line: 1, hint });
      }
      table.rows.push(row);
      if (table.rows.length * table.columns.length <= MOST_CELLS) continue;
      throw new PagekinError(`has more than ${MOST_CELLS} cells`, { file, hint: "divide it" });
    }
  } catch (error) {
    const known = fromSystem(error, file);
    if (known instanceof PagekinError) throw known;
    throw new PagekinError(`not a readable CSV: ${(error as Error).message}`, { file, hint });
  }
  if (table.rows.length === 0) throw new PagekinError("has no rows", { file, hint });
  return table;
}

/** The bytes of a file, as long as no row of it is too long. */
async function* checkedChunks(file: string): AsyncGenerator<Buffer> {
  let line = 1;
  let rowLine = 1;
  let length = 0;
  let isQuoted = false;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      length++;
      if (byte === QUOTE) isQuoted = !isQuoted;
      if (byte !== LINE_FEED) continue;
      line++;
      if (isQuoted) continue;
      rowLine = line;
      length = 0;
    }
    if (length > MOST_ROW_BYTES) {
      const hint = "check its quotes and line breaks";
      throw new PagekinError(`a row of more than ${MOST_ROW_BYTES} bytes`, { file, line: rowLine, hint });
    }
    yield chunk;
  }
}

/** The rows of such a file. The columns given must be there and not empty. */
export async function readRows(file: string, columns: readonly string[]): Promise<Record<string, string>[]> {
  const hint = `give a header with ${columns.join(", ")}, and rows of as many columns`;
  const { rows } = await readTable(file, hint);
  for (const [i, row] of rows.entries()) {
    const empty = columns.find((column) => !row[column]);
    if (empty) throw new PagekinError(`no ${empty} is given`, { file, line: i + 2, hint });
    const turn = i % ROWS_A_TURN === 0 ? breathe() : undefined;
    if (turn) await turn;
  }
  return rows;
}
