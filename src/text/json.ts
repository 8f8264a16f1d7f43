/** What marks a number beyond 2^53 among texts, and a text that begins as such a mark does. */
const NUMBER = "\0n";
const TEXT = "\0t";
const STRING = /"(?:[^"\\]|\\.)*"/g;

/** JSON with whole numbers of any size; JSON.stringify takes none beyond 2^53 exactly. Where there are some, no key has a zero byte. */
export function jsonText(value: unknown, indent = 0): string {
  let isExact = true;
  const text = JSON.stringify(
    value,
    (_, one) => {
      if (typeof one === "bigint") isExact = false;
      return typeof one === "bigint" ? null : one;
    },
    indent,
  );
  return isExact ? text : marked(value, indent);
}

function marked(value: unknown, indent: number): string {
  const mark = (_: string, one: unknown) => {
    if (typeof one === "bigint") return `${NUMBER}${one}`;
    return typeof one === "string" && one.startsWith("\0") ? `${TEXT}${one}` : one;
  };
  return JSON.stringify(value, mark, indent).replace(STRING, (string) => {
    if (string.startsWith('"\\u0000n')) return string.slice('"\\u0000n'.length, -1);
    return string.startsWith('"\\u0000t') ? `"${string.slice('"\\u0000t'.length)}` : string;
  });
}
