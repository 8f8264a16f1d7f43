/** Marks a number that is beyond 2^53; no text of a file's name or a note has a zero byte. */
const MARK = "\0";

/** JSON with whole numbers of any size; JSON.stringify takes none beyond 2^53 exactly. */
export function jsonText(value: unknown, indent = 0): string {
  const text = JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${MARK}${one}` : one), indent);
  return text.replace(/"\\u0000(\d+)"/g, "$1");
}
