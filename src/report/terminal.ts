import { printableJson, printableLines, quoted } from "../errors.js";
import { formatCount } from "../text/format.js";
import { jsonText } from "../text/json.js";

/** Characters of a cell; the CSV files have all of them. */
const MOST_CELL = 100;
const STYLES = { bold: 1, dim: 2 };

/** What `styled` adds. */
const STYLE = new RegExp(`(\\x1b\\[(?:${Object.values(STYLES).join("|")}|22)m)`);

const isStyled = () => process.stdout.isTTY && !process.env.NO_COLOR;

/** Text in a style where stdout is a terminal that shows it. */
export function styled(style: keyof typeof STYLES, text: string): string {
  const shown = printableLines(text);
  return isStyled() ? `\x1b[${STYLES[style]}m${shown}\x1b[22m` : shown;
}

/** Characters that a line of the terminal takes; elsewhere 100. */
export const lineWidth = (): number => (process.stdout.isTTY ? process.stdout.columns : 100);

/** Writes a text to stdout; done when all of it is out, which through a pipe takes its time. Names in it may hold anything. */
export const print = (text: string): Promise<void> =>
  write(
    text
      .split(STYLE)
      .map((part) => (STYLE.test(part) && isStyled() ? part : printableLines(part)))
      .join(""),
  );

/** The same for JSON. */
export const printJson = (value: unknown): Promise<void> => write(printableJson(jsonText(value, 2)));

const write = (text: string) => new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()));

/** Columns of text: the first ones to the left, the others to the right. Dimmed are the head, which is row 0, and some others. */
export function table(rows: readonly (readonly string[])[], leftColumns = 1, dimmed: readonly number[] = []): string {
  const shown = rows.map((row) => row.map((cell) => quoted(cell, MOST_CELL)));
  const widths = widthsOf(shown);
  return shown
    .map((row, number) => {
      const cells = row.map((cell, i) => (i < leftColumns ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
      const line = `  ${cells.join("  ")}`.trimEnd();
      return number === 0 || dimmed.includes(number) ? styled("dim", line) : line;
    })
    .join("\n");
}

/** Characters that the longest line of a table takes. */
export function tableWidth(rows: readonly (readonly string[])[]): number {
  return widthsOf(rows).reduce((sum, width) => sum + 2 + width, 0);
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return rows[0].map((_, column) => rows.reduce((most, row) => Math.max(most, row[column].length), 0));
}

/** A count of things: 1 page, 1,024 pages. */
export const plural = (count: number, word: string): string => `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
