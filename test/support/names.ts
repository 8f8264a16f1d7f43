// Names that whoever starts a VM may choose, and CSV as other programs write it.

import * as fc from "fast-check";

/** What means something to JavaScript, to a spreadsheet, to a terminal, to CSV, YAML, JSON, or to pagekin itself. */
export const ODD_NAMES = [
  ...["constructor", "__proto__", "toString", "hasOwnProperty", "*", "private", "all", "total", "main", "scanner"],
  ...["1", "007", "1e3", "-5", "true", "null", "~", "<<", "rest 0", "member a", "tenant a", "standard input"],
  ...["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "\rx", "\nx", "'=x", "''=x", "'x", "＝1"],
  ...["a=b", "a@5", "a:b", "a,b", '"', 'a "b"', "a\nb", "a\r\nb", " a", "a ", " ", "a|b", "a/b", "..", ".a", "a\\b"],
  ...["é", "e\u0301", "日本", "😀", "\u202egnp.exe", "\u001b[31mred", "\u0085", "a\0b", "\ufeffa", "x".repeat(10_000)],
];

/** A character of a script, a control, or one that means something to a format. */
const unit = fc.oneof(
  fc.constantFrom(..."=+-@\t\r\n'\"`,;:|*{}[]#&!%?<>\\ \0\u001b\u202e"),
  fc.string({ unit: "binary" }),
);

/** Names, no two alike. */
export const hostileNames = (count: number) =>
  fc.uniqueArray(
    fc
      .oneof(
        fc.constantFrom(...ODD_NAMES),
        fc.array(unit, { minLength: 1, maxLength: 12 }).map((parts) => parts.join("")),
      )
      .filter((name) => name !== ""),
    { minLength: count, maxLength: count },
  );

/** A cell of a file that pagekin reads. A name may stand there as it is, unless it begins as what pagekin writes for another. */
export const cellOf = (text: string) => `"${(text.startsWith("'") ? inTable(text) : text).replaceAll('"', '""')}"`;

/** What docs/files.md says of text in the tables: an apostrophe more before what a spreadsheet would run. */
export function inTable(text: string): string {
  const afterApostrophes = text.replace(/^'+/, "");
  const isFormula = [..."=+-@\t\r\n＝＋－＠"].some((sign) => afterApostrophes.startsWith(sign));
  return isFormula && !/^[+-]?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
}
