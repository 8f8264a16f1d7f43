// Raw snappy, and the checksum that framed snappy has of what it decodes to.

import { snappyUncompressor } from "hysnappy";

export const MOST_VARINT_BYTES = 5;

/** The decoded length that raw snappy has at its head, a varint from `at` to before `end`; -1 if it does not end there. */
export function snappyLength(data: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + MOST_VARINT_BYTES);
  let length = 0;
  for (let i = at, unit = 1; i < limit; i++, unit *= 128) {
    length += (data[i] & 0x7f) * unit;
    if (data[i] < 0x80) return length;
  }
  return -1;
}

let uncompress: ReturnType<typeof snappyUncompressor> | undefined;

/** Decodes raw snappy to so many bytes at a place of a target; false if the data are damaged or make more or less. */
export function unsnappy(data: Uint8Array, target: Uint8Array, place = 0, bytes = target.length): boolean {
  // The library takes the length at the head for the room that it has.
  if (snappyLength(data, 0, data.length) !== bytes) return false;
  uncompress ??= snappyUncompressor();
  try {
    target.set(uncompress(data, bytes), place);
    return true;
  } catch {
    return false;
  }
}

/** The polynomial of CRC-32C, lowest bit last. */
const POLYNOMIAL = 0x82f63b78;
const STEP_BYTES = 16;
const MASK = 0xa282ead8;

/** For each place of a byte in a step, counted from its end: what each value of it adds to the remainder. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(STEP_BYTES * 256);
  for (let value = 0; value < 256; value++) {
    let remainder = value;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
    tables[value] = remainder;
  }
  for (let i = 256; i < tables.length; i++) tables[i] = (tables[i - 256] >>> 8) ^ tables[tables[i - 256] & 255];
  return tables;
}

/** What a word of four bytes adds; `bytes`: how many of the step come behind it. */
function addOf(word: number, bytes: number): number {
  const table = bytes * 256;
  return (
    TABLES[table + 768 + (word & 255)] ^
    TABLES[table + 512 + ((word >>> 8) & 255)] ^
    TABLES[table + 256 + ((word >>> 16) & 255)] ^
    TABLES[table + (word >>> 24)]
  );
}

/** The masked CRC-32C of google/snappy's framing_format.txt. */
export function maskedCrc32c(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const stepsEnd = data.length - (data.length % STEP_BYTES);
  let crc = -1;
  for (let at = 0; at < stepsEnd; at += STEP_BYTES) {
    crc =
      addOf(crc ^ view.getInt32(at, true), 12) ^
      addOf(view.getInt32(at + 4, true), 8) ^
      addOf(view.getInt32(at + 8, true), 4) ^
      addOf(view.getInt32(at + 12, true), 0);
  }
  for (let at = stepsEnd; at < data.length; at++) crc = (crc >>> 8) ^ TABLES[(crc ^ data[at]) & 255];
  crc = ~crc;
  return (((crc >>> 15) | (crc << 17)) + MASK) >>> 0;
}
