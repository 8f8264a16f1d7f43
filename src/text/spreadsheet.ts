// Text that a spreadsheet would take for a formula and run: whoever names a VM could so have a program run at the desk of who
// opens the table. An apostrophe before it makes it text. Source: OWASP, CSV Injection.

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/** A text as it stands in a cell. It has one apostrophe more where it begins as a formula does, also behind apostrophes. */
export const asCell = (text: string): string => (FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text);

/** The text of a cell: what `asCell` was given. */
export const asData = (cell: string): string => (cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell);
