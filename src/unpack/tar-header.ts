// The header of a file in a tar archive: ustar, GNU, pax and the old v7 format. Format: POSIX.1-2017, pax, "ustar Interchange
// Format"; GNU tar manual, "Basic Tar Format".

export const BLOCK_BYTES = 512;
/** Where fields of a header are, and their lengths. */
export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  owner: [108, 8],
  group: [116, 8],
  size: [124, 12],
  time: [136, 12],
  checksum: [148, 8],
} as const;
const BASE_256 = 0x80;

/** Where a field begins, and its length. */
type Field = readonly [number, number];

/**
 * Whether a file that begins so is a tar archive: the checksum of its first header is right, and its fields make sense. The
 * checksum alone may well be right by chance where memory begins with few bytes that are not zero.
 */
export function isTar(head: Uint8Array): boolean {
  if (head.length < BLOCK_BYTES) return false;
  const header = head.subarray(0, BLOCK_BYTES);
  const numbers = [FIELD.mode, FIELD.owner, FIELD.group, FIELD.size, FIELD.time];
  return (
    isName(textAt(header, FIELD.name)) &&
    [FIELD.mode, FIELD.size, FIELD.checksum].every((field) => isGiven(header, field)) &&
    numbers.every((field) => Number.isFinite(numberAt(header, field))) &&
    isChecked(header)
  );
}

/** Names of files are in any coding, without control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const isName = (text: string) => /^[^\0-\x1f\x7f]+$/.test(text);

/** Of bytes taken as unsigned, or as signed as some old programs did; the checksum's own bytes count as spaces. */
export function isChecked(header: Uint8Array): boolean {
  const [at, length] = FIELD.checksum;
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const byte = i >= at && i < at + length ? 0x20 : header[i];
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const checksum = numberAt(header, FIELD.checksum);
  return checksum === unsigned || checksum === signed;
}

export function textAt(header: Uint8Array, [at, length]: Field): string {
  const text = Buffer.from(header.subarray(at, at + length)).toString("utf8");
  return text.split("\0")[0];
}

/** Whether a field has a digit, or a number in GNU's base 256. */
const isGiven = (header: Uint8Array, field: Field) =>
  header[field[0]] === BASE_256 || /[0-7]/.test(textAt(header, field));

/** Octal digits, or GNU's base 256 (its first bit is set); NaN if it is neither. */
export function numberAt(header: Uint8Array, [at, length]: Field): number {
  if (header[at] === BASE_256) return header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
  const text = textAt(header, [at, length]).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : Number.NaN;
}
