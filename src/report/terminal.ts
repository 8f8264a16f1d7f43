const STYLES = { bold: 1, dim: 2 };

/** Text in a style where stdout is a terminal that shows it. */
export function styled(style: keyof typeof STYLES, text: string): string {
  const plain = !process.stdout.isTTY || process.env.NO_COLOR !== undefined;
  return plain ? text : `\x1b[${STYLES[style]}m${text}\x1b[22m`;
}

/** Columns of text: the first to the left, the others to the right; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row, number) => {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      );
      const line = `  ${cells.join("  ")}`.trimEnd();
      return number === 0 ? styled("dim", line) : line;
    })
    .join("\n");
}
