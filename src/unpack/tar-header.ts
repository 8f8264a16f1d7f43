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
/** Whether a file that begins so is a tar archive: the checksum of its first header is right. */
export function isTar(head: Uint8Array): boolean {
  if (head.length < BLOCK_BYTES || head[0] === 0) return false;
  const header = head.subarray(0, BLOCK_BYTES);
  const numbers = [FIELD.mode, FIELD.owner, FIELD.group, FIELD.size, FIELD.time];
  // Memory may begin with a few bytes and zeros, whose sum is 0 with signs: empty fields are no header.
  const isGiven = (field: readonly [number, number]) => /[0-7]/.test(textAt(header, field));
  return (
    isGiven(FIELD.checksum) &&
    isGiven(FIELD.mode) &&
    isChecked(header) &&
    numbers.every((field) => Number.isFinite(numberAt(header, field)))
  );
}

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

export function textAt(header: Uint8Array, [at, length]: readonly [number, number]): string {
  const text = Buffer.from(header.subarray(at, at + length)).toString("utf8");
  return text.split("\0")[0];
}

/** Octal digits, or GNU's base 256 (its first bit is set); NaN if it is neither. */
export function numberAt(header: Uint8Array, [at, length]: readonly [number, number]): number {
  if (header[at] === 0x80) return header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
  const text = textAt(header, [at, length]).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : Number.NaN;
}
