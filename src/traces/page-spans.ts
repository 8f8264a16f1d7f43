// The page numbers of a row group from the first to the last, where they ascend: known without an object for each, of what
// pagekin writes even without unpacking it. Format: apache/parquet-format, Encodings.md (DELTA_BINARY_PACKED, PLAIN).

import type { Chunk, Page } from "../parquet/pages.js";
import { checkDeltas, type Reader, readVarint } from "../parquet/runs.js";
import { breathe } from "../system/pace.js";

export interface Span {
  first: bigint;
  last: bigint;
}

const MOST = 2n ** 63n - 1n;
/** Of a delta that a double takes with others. */
const MOST_BITS = 32;

/** undefined: they do not ascend, some are null, or they are encoded in another way. */
export async function spanOf({ column, pages }: Chunk): Promise<Span | undefined> {
  if (column.path.length > 2 || column.path[1].element.type !== "INT64") return undefined;
  let span: Span | undefined;
  for (const page of pages) {
    if (page.values !== page.entries) return undefined;
    const next = ofPage(page);
    if (!next || next.first < 0n || next.last > MOST || (span && next.first <= span.last)) return undefined;
    span = { first: span?.first ?? next.first, last: next.last };
    const turn = breathe();
    if (turn) await turn;
  }
  return span;
}

function ofPage({ encoding, data, values }: Page): Span | undefined {
  if (encoding === "PLAIN" && data.length >= 8 * values) return ofPlain(data, values);
  return encoding === "DELTA_BINARY_PACKED" ? ofDeltas(data, values) : undefined;
}

function ofPlain(data: Uint8Array, values: number): Span | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let [high, low] = [-1, 0];
  for (let i = 0; i < values; i++) {
    const [nextLow, nextHigh] = [view.getUint32(8 * i, true), view.getInt32(8 * i + 4, true)];
    if (nextHigh < high || (nextHigh === high && nextLow <= low)) return undefined;
    [high, low] = [nextHigh, nextLow];
  }
  return { first: view.getBigInt64(0, true), last: view.getBigInt64(8 * (values - 1), true) };
}

function ofDeltas(data: Uint8Array, values: number): Span | undefined {
  checkDeltas(data, 0, values);
  const reader: Reader = { bytes: data, at: 0 };
  const [block, miniblocks] = [readVarint(reader), readVarint(reader)];
  readVarint(reader); // how many values
  const first = readSigned(reader);
  let last = first;
  for (let left = values - 1; left > 0; left -= block) {
    const least = readSigned(reader);
    if (least < 1n) return undefined;
    last += least * BigInt(Math.min(left, block));
    const widths = data.subarray(reader.at, reader.at + miniblocks);
    reader.at += miniblocks;
    const perMiniblock = block / miniblocks;
    for (let i = 0; i < miniblocks && i * perMiniblock < left; i++) {
      if (widths[i] > MOST_BITS) return undefined;
      const count = Math.min(perMiniblock, left - i * perMiniblock);
      if (widths[i] > 0) last += BigInt(sumOf(data, reader.at, widths[i], count));
      reader.at += (widths[i] * perMiniblock) / 8;
    }
  }
  return { first, last };
}

/** The sum of numbers of `width` bits, lowest bits first. */
function sumOf(bytes: Uint8Array, at: number, width: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let done = 0; done < width; ) {
      const bit = i * width + done;
      const bits = Math.min(width - done, 8 - (bit & 7));
      value += ((bytes[at + (bit >> 3)] >> (bit & 7)) & (2 ** bits - 1)) * 2 ** done;
      done += bits;
    }
    sum += value;
  }
  return sum;
}

/** A zigzag varint. */
function readSigned(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value % 2n === 0n ? value / 2n : -(value + 1n) / 2n;
  }
}
