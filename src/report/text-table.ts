// Tables as text, for whatever width the terminal has.

import { quoted } from "../errors.js";
import { lineWidth, styled } from "./terminal.js";

/** Characters of a cell; the CSV files have all of them. */
export const MOST_CELL = 100;
/** Names are not made shorter than this to make a table fit. */
const LEAST_NAME = 16;
const GAP = "  ";

type Rows = readonly (readonly string[])[];

interface Layout {
  /** The first so many columns hold names: aligned to the left, and shortened where the table is too wide. Default 1. */
  left?: number;
  /** Rows to dim besides the head, which is row 0. */
  dimmed?: readonly number[];
  /** Columns to leave out where the table is too wide, the first one first. */
  optional?: readonly number[];
  /** The first so many columns, which begin each line where a table is still too wide and goes on below itself. Default 1. */
  key?: number;
}

/**
 * Columns of text that fit the terminal. Where they do not, optional columns are left out, then names are shortened, and
 * at last the columns on the right go on below.
 */
export function table(rows: Rows, { left = 1, dimmed = [], optional = [], key = 1 }: Layout = {}): string {
  const shown = rows.map((row) => row.map((cell) => quoted(cell, MOST_CELL)));
  let columns = shown[0].map((_, column) => column);
  const widths = widthsOf(shown);
  const width = () => lineOf(columns, widths);
  for (const one of optional) if (width() > lineWidth()) columns = columns.filter((column) => column !== one);
  shorten(widths, left, () => width() - lineWidth());
  const blocks = blocksOf(columns, widths, key);
  const dim = new Set([0, ...dimmed]);
  const lineOfRow = (row: readonly string[], block: readonly number[]) => {
    const cells = block.map((column) => {
      const cell = quoted(row[column], widths[column]);
      return column < left ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
    });
    return GAP + cells.join(GAP);
  };
  return blocks
    .flatMap((block) =>
      shown.map((row, number) => {
        const line = lineOfRow(row, block).trimEnd();
        return dim.has(number) ? styled("dim", line) : line;
      }),
    )
    .join("\n");
}

/** Characters of a table's lines as they are. */
export function tableWidth(rows: Rows): number {
  return lineOf([...rows[0].keys()], widthsOf(rows));
}

const lineOf = (columns: readonly number[], widths: readonly number[]) =>
  columns.reduce((sum, column) => sum + GAP.length + widths[column], 0);

function widthsOf(rows: Rows): number[] {
  return rows[0].map((_, column) => rows.reduce((most, row) => Math.max(most, row[column].length), 0));
}

/** Takes from the widest names what is too much, as far as they may be shortened. */
function shorten(widths: number[], left: number, excess: () => number): void {
  while (excess() > 0) {
    const widest = widths.slice(0, left).reduce((best, width, i) => (width > widths[best] ? i : best), 0);
    if (left === 0 || widths[widest] <= LEAST_NAME) return;
    widths[widest]--;
  }
}

/** The columns in lines that fit, each with the key columns first. */
function blocksOf(columns: readonly number[], widths: readonly number[], key: number): number[][] {
  const keys = columns.filter((column) => column < key);
  const blocks = [[...keys]];
  for (const column of columns.slice(keys.length)) {
    const last = blocks[blocks.length - 1];
    if (last.length > keys.length && lineOf([...last, column], widths) > lineWidth()) blocks.push([...keys, column]);
    else last.push(column);
  }
  return blocks;
}
