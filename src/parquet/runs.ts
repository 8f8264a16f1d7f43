// Numbers as Parquet packs them, each length checked before it is believed: the hybrid of runs and bit-packed groups (levels,
// flags, indexes into dictionaries) and the layout of deltas. Format: apache/parquet-format, Encodings.md (RLE,
// DELTA_BINARY_PACKED).

const MOST_HEADER_SHIFT = 28;
const MOST_VARINT_BYTES = 10;
/** Four bytes must hold a value and up to seven bits before it. No writer makes dictionaries that need more. */
const MOST_WIDTH = 24;
/** A run may be rounded up to a whole group. */
const GROUP = 8;
const MOST_DELTA_WIDTH = 64;
const MOST_DELTA_BLOCK = 65536;

/** Fills a target with values of `width` bits, none of them more than `most`. */
export function decodeRuns<T extends Uint8Array | Uint32Array>(
  bytes: Uint8Array,
  width: number,
  most: number,
  target: T,
): T {
  if (width > MOST_WIDTH) throw damaged();
  const reader = { bytes, at: 0 };
  for (let done = 0; done < target.length; ) {
    const header = readVarint(reader);
    const count = Math.floor(header / 2);
    const left = target.length - done;
    if (count === 0) throw damaged();
    if (header % 2 === 1) {
      const end = reader.at + count * width;
      done += unpack(reader, width, most, target.subarray(done, done + Math.min(left, count * GROUP)));
      reader.at = end;
    } else {
      const value = readValue(reader, width);
      if (count >= left + GROUP || value > most) throw damaged();
      target.fill(value, done, done + count);
      done += count;
    }
  }
  return target;
}

export interface Reader {
  bytes: Uint8Array;
  at: number;
}

/** Unpacks values, lowest bits first; gives how many. */
function unpack({ bytes, at }: Reader, width: number, most: number, target: Uint8Array | Uint32Array): number {
  if (at + Math.ceil((target.length * width) / 8) > bytes.length) throw damaged();
  const mask = 2 ** width - 1;
  let bits = 0;
  let held = 0;
  let over = false;
  for (let i = 0; i < target.length; i++) {
    for (; held < width; held += 8) bits |= bytes[at++] << held;
    const value = bits & mask;
    if (value > most) over = true;
    target[i] = value;
    bits >>>= width;
    held -= width;
  }
  if (over) throw damaged();
  return target.length;
}

/** The value of a run, in as many whole bytes as it needs. */
function readValue(reader: Reader, width: number): number {
  let value = 0;
  for (let shift = 0; shift < width; shift += 8) {
    if (reader.at >= reader.bytes.length) throw damaged();
    value |= reader.bytes[reader.at++] << shift;
  }
  return value;
}

export function readVarint(reader: Reader): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    if (reader.at >= reader.bytes.length || shift > MOST_HEADER_SHIFT) throw damaged();
    const byte = reader.bytes[reader.at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}

/** Throws where `count` values (one or more) of DELTA_BINARY_PACKED are not laid out as they should be. */
export function checkDeltas(bytes: Uint8Array, at: number, count: number): void {
  const reader = { bytes, at };
  const [block, miniblocks, total] = [readVarint(reader), readVarint(reader), readVarint(reader)];
  const perMiniblock = block / miniblocks;
  const isGood = block > 0 && block <= MOST_DELTA_BLOCK && Number.isInteger(perMiniblock) && perMiniblock % 8 === 0;
  if (!isGood || total !== count) throw damaged();
  skipVarint(reader); // the first value
  for (let left = count - 1; left > 0; left -= block) {
    skipVarint(reader); // the least delta
    const widths = bytes.subarray(reader.at, reader.at + miniblocks);
    reader.at += miniblocks;
    for (let i = 0; i * perMiniblock < left && i < miniblocks; i++) {
      if (!(widths[i] <= MOST_DELTA_WIDTH)) throw damaged();
      reader.at += (widths[i] * perMiniblock) / 8;
    }
    if (reader.at > bytes.length) throw damaged();
  }
}

export function skipVarint(reader: Reader): void {
  for (let i = 0; i < MOST_VARINT_BYTES; i++) {
    if (reader.at >= reader.bytes.length) throw damaged();
    if (reader.bytes[reader.at++] < 128) return;
  }
  throw damaged();
}

export const damaged = () => new Error("a page is damaged");
