// Records of a CSV file as RFC 4180 has them, cell by cell as they stand: blanks belong to a cell. Lines may end with \n, \r\n
// or \r; a quote counts where a cell begins with it. Libraries tried drop blanks at the start of a line, or show what is left
// of the file in their errors.

/** What is wrong with a CSV, at a line. */
export class CsvFault extends Error {
  constructor(
    what: string,
    readonly line: number,
  ) {
    super(what);
  }
}

/** Takes the bytes of a file as they come and gives its records. */
export class CsvParser {
  /** Line of the record that came last, from 1. */
  line = 0;
  private readonly decoder = new TextDecoder("utf-8", { fatal: true });
  private text = "";
  private nextLine = 1;

  /** mostCharacters: of a record, so that a quote that is never closed is found before the end of the file. */
  constructor(private readonly mostCharacters: number) {}

  /** The records that are complete. Lines without anything and rows of empty cells are left out. */
  *push(chunk: Uint8Array): Generator<string[]> {
    yield* this.take(chunk, false);
  }

  /** The last record, where the file does not end with a line end. */
  *end(): Generator<string[]> {
    yield* this.take(new Uint8Array(), true);
  }

  private *take(chunk: Uint8Array, isEnd: boolean): Generator<string[]> {
    const text = this.text + this.decode(chunk, isEnd);
    let at = 0;
    while (at < text.length) {
      const found = recordAt(text, at, isEnd);
      if (found && "fault" in found) throw new CsvFault(found.fault, this.nextLine);
      if ((found?.end ?? text.length) - at > this.mostCharacters) {
        const what = `a row of more than ${this.mostCharacters} characters: a quote may not be closed`;
        throw new CsvFault(what, this.nextLine);
      }
      if (!found) break;
      this.line = this.nextLine;
      this.nextLine += found.lines;
      at = found.end;
      if (found.cells.some((cell) => cell !== "")) yield found.cells;
    }
    this.text = text.slice(at);
  }

  private decode(chunk: Uint8Array, isEnd: boolean): string {
    try {
      return this.decoder.decode(chunk, { stream: !isEnd });
    } catch {
      throw new CsvFault("not UTF-8 text", this.nextLine + lineEnds(this.text) + goodLines(chunk));
    }
  }
}

/** The cells of a text that is one record; undefined if it is none, or several. */
export function parseCells(text: string): string[] | undefined {
  const found = recordAt(text, 0, true);
  return found && "cells" in found && found.end === text.length ? found.cells : undefined;
}

interface Found {
  cells: string[];
  /** Where the next record begins. */
  end: number;
  /** Line ends in it. */
  lines: number;
}

const LINE_END = /\r\n|[\r\n]/g;

const lineEnds = (text: string): number => text.match(LINE_END)?.length ?? 0;

/** Line ends before the first byte that is not UTF-8. */
function goodLines(chunk: Uint8Array): number {
  const text = new TextDecoder().decode(chunk);
  return lineEnds(text.slice(0, Math.max(0, text.indexOf("\ufffd"))));
}

/** The record that begins at `at`; undefined if more of the file is needed to know where it ends. */
function recordAt(text: string, at: number, isEnd: boolean): Found | { fault: string } | undefined {
  LINE_END.lastIndex = at;
  const end = LINE_END.exec(text);
  // A \r may be half of a line end.
  if (!isEnd && (!end || (end[0] === "\r" && LINE_END.lastIndex === text.length))) return undefined;
  const line = text.slice(at, end?.index ?? text.length);
  if (!line.includes('"')) return { cells: line.split(","), end: end ? LINE_END.lastIndex : text.length, lines: 1 };
  return quotedRecordAt(text, at, isEnd);
}

function quotedRecordAt(text: string, from: number, isEnd: boolean): Found | { fault: string } | undefined {
  const cells: string[] = [];
  for (let at = from; ; at++) {
    if (text[at] === '"') {
      const close = closingQuote(text, at);
      if (close < 0) return isEnd ? { fault: "a quote is not closed" } : undefined;
      cells.push(text.slice(at + 1, close).replaceAll('""', '"'));
      at = close + 1;
    } else {
      const begin = at;
      while (at < text.length && text[at] !== "," && text[at] !== "\n" && text[at] !== "\r") at++;
      cells.push(text.slice(begin, at));
    }
    if (text[at] === ",") continue;
    if (at < text.length && text[at] !== "\n" && text[at] !== "\r")
      return { fault: "text follows a closing quote; a quote within a cell is written twice" };
    if (!isEnd && (at === text.length || (text[at] === "\r" && at + 1 === text.length))) return undefined;
    const end = Math.min(text.length, at + (text.startsWith("\r\n", at) ? 2 : 1));
    return { cells, end, lines: Math.max(1, lineEnds(text.slice(from, end))) };
  }
}

/** Where the cell that begins with a quote at `at` ends; -1: nowhere. */
function closingQuote(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 2))
    if (text[quote + 1] !== '"') return quote;
  return -1;
}
