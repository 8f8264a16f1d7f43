// What is wrong with the header of a CSV file.

import { quotedList } from "../errors.js";

const SEPARATORS: readonly [separator: string, name: string][] = [
  [";", "semicolons"],
  ["\t", "tabs"],
  ["|", "bars"],
];

/** The names of what separates columns where commas do not: of a header that is one column as it is read. */
export function otherSeparator(columns: readonly string[]): string | undefined {
  if (columns.length !== 1) return undefined;
  return SEPARATORS.find(([separator]) => columns[0].includes(separator))?.[1];
}

export const columnsText = (columns: readonly string[]) => `its columns are ${quotedList(columns)}`;
