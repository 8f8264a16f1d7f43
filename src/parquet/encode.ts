// Pages of values in typed arrays, as Parquet encodes them.
// Format: apache/parquet-format, Encodings.md (PLAIN, RLE, RLE_DICTIONARY, DELTA_BINARY_PACKED).

import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";

const GROUP = 8;
/** So many equal flags take less as a run than in groups, also where a run parts two rows of groups. */
const LEAST_RUN = 32;
const DELTA_BLOCK = 128;
const DELTA_MINIBLOCK = 32;

export interface Dictionary {
  count: number;
  bytes: Uint8Array;
}

export interface Levels {
  entries: number;
  repetition: Uint8Array;
  definition: Uint8Array;
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Whole numbers as INT64, by way of words: so many bigints would take their time. */
export function int64s(values: Float64Array): Uint8Array {
  const words = new Uint32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    words[2 * i] = values[i];
    words[2 * i + 1] = values[i] / 2 ** 32;
  }
  return bytesOf(words);
}

/** A page of flags (bytes of 0 and 1), behind their length. */
export function flags(values: Uint8Array): Uint8Array {
  const runs = new ByteWriter();
  let packed = 0; // where the groups that are not yet written begin
  for (let at = 0; at < values.length; ) {
    let end = at + 1;
    while (end < values.length && values[end] === values[at]) end++;
    // A run begins where the last group ends.
    const from = at + ((packed - at) & 7);
    if (end - from >= LEAST_RUN) {
      appendBits(runs, values.subarray(packed, from));
      runs.appendVarInt((end - from) << 1);
      runs.appendUint8(values[at]);
      packed = end;
    }
    at = end;
  }
  appendBits(runs, values.subarray(packed));
  const page = new ByteWriter();
  page.appendUint32(runs.offset);
  page.appendBytes(runs.getBytes());
  return page.getBytes();
}

/** Appends flags as groups of eight. */
function appendBits(runs: ByteWriter, values: Uint8Array): void {
  if (values.length === 0) return;
  const bits = new Uint8Array(Math.ceil(values.length / GROUP));
  for (let i = 0; i < values.length; i++) bits[i >> 3] |= values[i] << (i & 7);
  runs.appendVarInt((bits.length << 1) | 1);
  runs.appendBytes(bits);
}

/** A page of one name in so many rows. */
export function sameIndex(rows: number): Uint8Array {
  const page = new ByteWriter();
  page.appendUint8(1);
  page.appendVarInt(rows << 1);
  page.appendUint8(0);
  return page.getBytes();
}

/** One whole number as INT64, whatever its size. */
export const int64 = (value: bigint): Uint8Array => bytesOf(BigInt64Array.of(value));

/**
 * A page of whole numbers by what they differ from the one before; those that go up by one take next to nothing. base: is
 * added to all of them.
 */
export function deltas(values: Float64Array, base: bigint): Uint8Array {
  const page = new ByteWriter();
  page.appendVarInt(DELTA_BLOCK);
  page.appendVarInt(DELTA_BLOCK / DELTA_MINIBLOCK);
  page.appendVarInt(values.length);
  appendSigned(page, BigInt(values[0]) + base);
  const block = new Float64Array(DELTA_BLOCK);
  for (let at = 1; at < values.length; at += DELTA_BLOCK) {
    const count = Math.min(DELTA_BLOCK, values.length - at);
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      block[i] = values[at + i] - values[at + i - 1];
      if (block[i] < least) least = block[i];
    }
    for (let i = 0; i < count; i++) block[i] -= least;
    block.fill(0, count);
    appendSigned(page, BigInt(least));
    appendBlock(page, block);
  }
  return page.getBytes();
}

/** Appends the widths of a block's miniblocks, then their bits. */
function appendBlock(page: ByteWriter, block: Float64Array): void {
  const miniblocks = Array.from({ length: DELTA_BLOCK / DELTA_MINIBLOCK }, (_, i) =>
    block.subarray(i * DELTA_MINIBLOCK, (i + 1) * DELTA_MINIBLOCK),
  );
  const widths = miniblocks.map((values) => widthOf(values.reduce((most, value) => Math.max(most, value))));
  for (const width of widths) page.appendUint8(width);
  for (const [i, values] of miniblocks.entries()) appendPacked(page, values, widths[i]);
}

/** The bits that a whole number takes. */
function widthOf(value: number): number {
  let width = 0;
  while (value >= 2 ** width) width++;
  return width;
}

/** Appends numbers of any width up to 53 bits, lowest bits first; they fill whole bytes. */
function appendPacked(page: ByteWriter, values: Float64Array, width: number): void {
  let byte = 0;
  let held = 0;
  for (let rest of values) {
    for (let left = width; left > 0; ) {
      const bits = Math.min(left, 8 - held);
      byte |= (rest % 2 ** bits) << held;
      rest = Math.floor(rest / 2 ** bits);
      left -= bits;
      held += bits;
      if (held < 8) continue;
      page.appendUint8(byte);
      byte = 0;
      held = 0;
    }
  }
}

/** Appends a whole number as a zigzag varint. */
function appendSigned(page: ByteWriter, value: bigint): void {
  let rest = value < 0n ? -2n * value - 1n : 2n * value;
  for (; rest >= 128n; rest >>= 7n) page.appendUint8(Number(rest & 127n) | 128);
  page.appendUint8(Number(rest));
}

/** A page of numbers of names, which take 1, 2 or 3 whole bytes each. */
export function indexes(holders: Uint32Array, names: number): Uint8Array {
  const bytes = names <= 2 ** 8 ? 1 : names <= 2 ** 16 ? 2 : 3;
  const packed = new Uint8Array(Math.ceil(holders.length / GROUP) * GROUP * bytes);
  for (let byte = 0; byte < bytes; byte++) {
    for (let i = 0; i < holders.length; i++) packed[i * bytes + byte] = holders[i] >>> (8 * byte);
  }
  const page = new ByteWriter();
  page.appendUint8(8 * bytes);
  page.appendVarInt(((packed.length / GROUP / bytes) << 1) | 1);
  page.appendBytes(packed);
  return page.getBytes();
}

/** Texts as a dictionary. */
export function dictionaryOf(texts: readonly string[]): Dictionary {
  const encoded = new ByteWriter();
  for (const text of texts) {
    const bytes = Buffer.from(text);
    encoded.appendUint32(bytes.length);
    encoded.appendBytes(bytes);
  }
  return { count: texts.length, bytes: encoded.getBytes() };
}

/** Repetition levels (a bit for each element: 0 where a list begins) and definition levels (all 1), of lists without nulls. */
export function levelsOf(starts: Uint32Array): Levels {
  const [first, entries] = [starts[0], starts[starts.length - 1] - starts[0]];
  const bits = new Uint8Array(Math.ceil(entries / 8)).fill(0xff);
  for (let row = 0; row < starts.length - 1; row++) {
    const at = starts[row] - first;
    bits[at >> 3] &= ~(1 << (at & 7));
  }
  const repetition = new ByteWriter();
  repetition.appendVarInt((bits.length << 1) | 1);
  repetition.appendBytes(bits);
  const definition = new ByteWriter();
  definition.appendVarInt(entries << 1);
  definition.appendUint8(1);
  return { entries, repetition: repetition.getBytes(), definition: definition.getBytes() };
}
