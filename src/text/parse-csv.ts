// Records of a CSV file (RFC 4180), cell by cell as they stand: blanks belong to a cell. fast-csv parses; here is what it lacks:
// a bound for a row, lines, and errors that do not show the rest of the file.

import { Readable } from "node:stream";

/** What is wrong with a CSV; line: where, if that is known. */
export class CsvFault extends Error {
  constructor(
    what: string,
    readonly line: number | undefined,
  ) {
    super(what);
  }
}

export interface CsvRecord {
  cells: string[];
  /** Where it begins, from 1. */
  line: number;
}

const LINE_END = /\r\n|[\r\n]/g;

const lineEnds = (text: string): number => text.match(LINE_END)?.length ?? 0;

/**
 * The records of a file whose bytes come in chunks. Lines without anything and rows of empty cells are left out.
 * mostCharacters: of a record, so that a quote that is never closed is found before the end of the file.
 */
export async function* csvRecords(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  mostCharacters: number,
): AsyncGenerator<CsvRecord> {
  // Few commands read a CSV.
  const { parse } = await import("fast-csv");
  const input = Readable.from(texts(chunks, mostCharacters));
  const records = input.pipe(parse<string[], string[]>({ headers: false }));
  input.once("error", (error) => records.destroy(error));
  let line = 1;
  try {
    for await (const cells of records as AsyncIterable<string[]>) {
      if (cells.some((cell) => cell !== "")) yield { cells, line };
      line += 1 + cells.reduce((sum, cell) => sum + lineEnds(cell), 0);
    }
  } catch (error) {
    const { message } = error as Error;
    if (/^Parse Error: missing closing/.test(message)) throw new CsvFault("a quote is not closed", undefined);
    if (!/^Parse Error: /.test(message)) throw error;
    throw new CsvFault("text follows a closing quote; a quote within a cell is written twice", undefined);
  } finally {
    // A pipe does not close its source when its reader gives up.
    input.destroy();
  }
}

/** The text of chunks of bytes; an error where it is none, or where a row has no end. */
async function* texts(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  mostCharacters: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const rows = new RowBound(mostCharacters);
  let held = "";
  for await (const chunk of chunks) {
    const text = decoded(chunk, decoder, rows);
    rows.take(text);
    // fast-csv drops a byte order mark wherever a chunk begins with one.
    const all = held + text;
    let end = all.length;
    while (end > 0 && all[end - 1] === "\ufeff") end--;
    held = all.slice(Math.max(0, end - 1));
    if (end > 1) yield all.slice(0, end - 1);
  }
  yield held + decoded(undefined, decoder, rows);
}

function decoded(chunk: Uint8Array | undefined, decoder: TextDecoder, { line }: RowBound): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    // Up to the first byte that is none.
    const [good] = new TextDecoder().decode(chunk).split("\ufffd");
    throw new CsvFault("not UTF-8 text", line + lineEnds(good));
  }
}

/** Counts the characters of rows; a line end within quotes ends none. */
class RowBound {
  /** Where the next character is. */
  line = 1;
  private rowLine = 1;
  private characters = 0;
  private inQuotes = false;
  private afterReturn = false;

  constructor(private readonly most: number) {}

  take(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const isEnd = code === 10 || code === 13;
      if (isEnd && !(code === 10 && this.afterReturn)) this.line++;
      this.afterReturn = code === 13;
      if (code === 34) this.inQuotes = !this.inQuotes;
      if (isEnd && !this.inQuotes) {
        this.characters = 0;
        this.rowLine = this.line;
      } else if (++this.characters > this.most) {
        const what = `a row of more than ${this.most} characters: a quote may not be closed`;
        throw new CsvFault(what, this.rowLine);
      }
    }
  }
}

/** The cells of a text that is one record; undefined if it is none, or several. */
export function parseCells(text: string): string[] | undefined {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/gy;
  const cells: string[] = [];
  for (;;) {
    const found = cell.exec(text);
    if (!found) return undefined;
    const [, inQuotes, plain, end] = found;
    cells.push(inQuotes?.replaceAll('""', '"') ?? plain);
    if (end === "") return cells;
  }
}
