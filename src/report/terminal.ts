// What stdout shows as it is: styles, widths and characters follow the environment.

import { printableJson, printableLines } from "../errors.js";
import { formatCount } from "../text/format.js";
import { jsonText } from "../text/json.js";

const STYLES = { bold: 1, dim: 2 };

/** What `styled` adds. */
const STYLE = new RegExp(`(\\x1b\\[(?:${Object.values(STYLES).join("|")}|22)m)`);

/** Columns where there is no terminal to ask. */
const DEFAULT_COLUMNS = 80;

/** Whether TERM names a terminal that takes no escapes. */
export const isDumb = (): boolean => process.env.TERM === "dumb";

/** FORCE_COLOR decides where it is set, as in Node; then NO_COLOR (no-color.org), then the terminal. */
function isStyled(): boolean {
  const { FORCE_COLOR: force, NO_COLOR: none } = process.env;
  if (force !== undefined) return force !== "0" && force !== "false";
  return process.stdout.isTTY && !none && !isDumb();
}

/** Whether the locale is UTF-8. Source: POSIX.1-2017, XBD 8.2: the first of these that is not empty decides. */
export function isUnicode(): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}

/** Text in a style where stdout shows it. */
export function styled(style: keyof typeof STYLES, text: string): string {
  const shown = printableLines(text);
  return isStyled() ? `\x1b[${STYLES[style]}m${shown}\x1b[22m` : shown;
}

/** Characters that a line of the terminal takes. A terminal without a size says 0. */
export const lineWidth = (): number => (process.stdout.isTTY && process.stdout.columns) || DEFAULT_COLUMNS;

/** Writes a text to stdout; done when all of it is out, which through a pipe takes its time. Names in it may hold anything. */
export function print(text: string): Promise<void> {
  const shown = text
    .split(STYLE)
    .map((part) => (STYLE.test(part) && isStyled() ? part : printableLines(part)))
    .join("");
  return write(process.stdout.isTTY ? shown.split("\n").map(wrapped).join("\n") : shown);
}

/** A line too long for the terminal, broken between words; words that are too long stay whole. */
function wrapped(line: string): string {
  const lengthOf = (part: string) =>
    part.split(STYLE).reduce((sum, one) => sum + (STYLE.test(one) ? 0 : one.length), 0);
  if (lengthOf(line) <= lineWidth()) return line;
  const [indent] = /^ */.exec(line) ?? [""];
  const lines: string[] = [];
  let last = indent;
  // A number is not parted from its per cent.
  for (const word of line.slice(indent.length).split(/ (?!%)/)) {
    if (last.trim() === "") last += word;
    else if (lengthOf(last) + 1 + lengthOf(word) <= lineWidth()) last += ` ${word}`;
    else {
      lines.push(last);
      last = `${indent}  ${word}`;
    }
  }
  return [...lines, last].join("\n");
}

/** The same for JSON. The version of its keys comes first: docs/json.md. */
export const printJson = (value: object): Promise<void> => write(printableJson(jsonText({ schema: 1, ...value }, 2)));

const write = (text: string) => new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()));

/** A count of things: 1 page, 1,024 pages. */
export const plural = (count: number, word: string): string => `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
