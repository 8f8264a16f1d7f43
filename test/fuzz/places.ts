// Where the numbers and the records of valid files are.

import { parquetMetadata } from "hyparquet";
import type { KdumpSpec } from "../support/dumps/kdump.js";

export interface Field {
  at: number;
  bytes: number;
  bigEndian: boolean;
  /** What is there, if not a number of so many bytes: Thrift's numbers of any length, the second of both signs, or text. */
  kind?: "varint" | "zigzag" | "text";
  /** Whether another value may be of another length. */
  grows?: boolean;
}

export interface Places {
  fields: Field[];
  records: [from: number, to: number][];
}

/** Numbers one behind the other. */
const inRow = (start: number, sizes: readonly number[], bigEndian: boolean): Field[] => {
  let at = start;
  return sizes.map((bytes) => {
    at += bytes;
    return { at: at - bytes, bytes, bigEndian };
  });
};

const read = (file: Buffer, { at, bytes, bigEndian }: Field): number => {
  if (bytes === 8) return Number(bigEndian ? file.readBigUInt64BE(at) : file.readBigUInt64LE(at));
  return bigEndian ? file.readUIntBE(at, bytes) : file.readUIntLE(at, bytes);
};

/** The header, segments, sections and notes of an ELF file, and the page numbers of a Xen core. */
export function elfPlaces(file: Buffer): Places {
  const wide = file[4] === 2;
  const big = file[5] === 2;
  const word = wide ? 8 : 4;
  const header = inRow(16, [2, 2, 4, word, word, word, 4, 2, 2, 2, 2, 2, 2], big);
  const [, , , , phoff, shoff, , , phentsize, phnum, shentsize, shnum] = header.map((field) => read(file, field));
  const fields = [...inRow(4, [1, 1, 1], big), ...header];
  const records: Places["records"] = [];
  const sizes = wide ? [4, 4, 8, 8, 8, 8, 8, 8] : [4, 4, 4, 4, 4, 4, 4, 4];
  const section = [4, 4, word, word, word, word, 4, 4, word, word];
  // Where the number of segments is in section 0 it is this one's sh_info.
  const count = phnum === 0xffff ? read(file, inRow(shoff, section, big)[7]) : phnum;
  for (let i = 0; i < count; i++) {
    const at = phoff + i * phentsize;
    const own = inRow(at, sizes, big);
    fields.push(...own);
    records.push([at, at + phentsize]);
    const offset = read(file, own[wide ? 2 : 1]);
    const bytes = read(file, own[wide ? 5 : 4]);
    if (bytes > 0) records.push([offset, offset + bytes]);
    if (read(file, own[0]) === 4) fields.push(...notesFields(file, offset, offset + bytes, big, word));
  }
  for (let i = 0; i < shnum; i++) {
    const at = shoff + i * shentsize;
    const own = inRow(at, section, big);
    fields.push(...own);
    records.push([at, at + shentsize]);
    const [, type, , , offset, bytes] = own.map((field) => read(file, field));
    if (bytes > 0) records.push([offset, offset + bytes]);
    if (type === 7) fields.push(...notesFields(file, offset, offset + bytes, big, word));
    if (bytes <= 256) fields.push(...inRow(offset, new Array<number>(Math.floor(bytes / 8)).fill(8), big));
  }
  return { fields, records };
}

function notesFields(file: Buffer, start: number, end: number, big: boolean, word: number): Field[] {
  const fields: Field[] = [];
  for (let at = start; at + 12 <= end; ) {
    const own = inRow(at, [4, 4, 4], big);
    const [name, bytes] = own.map((field) => read(file, field));
    const said = at + 12 + Math.ceil(name / 4) * 4;
    at = said + Math.ceil(bytes / 4) * 4;
    const words = Math.min(32, Math.floor(bytes / word));
    fields.push(...own, ...inRow(said, new Array<number>(words).fill(word), big));
  }
  return fields;
}

/** The ranges of LiME and AVML files, and the chunks in AVML's. */
export function rangePlaces(file: Buffer): Places {
  const fields: Field[] = [];
  const records: Places["records"] = [];
  for (let at = 0; at < file.length; ) {
    const body = at + 32;
    fields.push(...inRow(at, [4, 4, 8, 8, 8], false));
    const bytes = Number(file.readBigUInt64LE(at + 16) - file.readBigUInt64LE(at + 8)) + 1;
    let end = body;
    if (file.toString("latin1", at, at + 4) === "EMiL") end += bytes;
    else if (end < file.length && file[end] === 0xff) {
      for (let decoded = 0; decoded < bytes; ) {
        const size = file.readUIntLE(end + 1, 3);
        fields.push(...inRow(end, [1, 3, 4, 1, 2], false));
        records.push([end, end + 4 + size]);
        if (file[end] === 0) decoded += varint(file, end + 8);
        else if (file[end] === 1) decoded += size - 4;
        end += 4 + size;
      }
      fields.push(...inRow(end, [8], false));
      end += 8;
    }
    records.push([at, end]);
    at = end;
  }
  return { fields, records };
}

function varint(file: Buffer, at: number): number {
  return (file[at] & 127) + (file[at] < 128 ? 0 : 128 * varint(file, at + 1));
}

const BLOCK = 4096;

/** The headers of a kdump, its bitmaps, its descriptors and the first bytes of pages. */
export function kdumpPlaces(file: Buffer, { littleEndian = true, longBytes = 8 }: KdumpSpec): Places {
  const big = !littleEndian;
  const at = longBytes === 8 ? 424 : 412;
  const fields = [...inRow(8, [4], big), ...inRow(at, new Array<number>(10).fill(4), big)];
  fields.push(...inRow(BLOCK, new Array<number>(30).fill(4), big));
  fields.push(...inRow(BLOCK, new Array<number>(15).fill(8), big));
  const records: Places["records"] = [];
  const bitmaps = big ? file.readUInt32BE(at + 12) : file.readUInt32LE(at + 12);
  for (let i = 0; i < bitmaps; i++) fields.push(...inRow((2 + i) * BLOCK, [1, 1, 1, 1, 1, 1, 1, 1], big));
  const first = (2 + bitmaps) * BLOCK;
  // Data begin behind the last descriptor.
  let end = file.length;
  for (let here = first; here + 24 <= end; here += 24) {
    const own = inRow(here, [8, 4, 4, 8], big);
    const [offset, size] = own.map((field) => read(file, field));
    fields.push(...own);
    records.push([here, here + 24]);
    if (size === 0 || offset + size > file.length) continue;
    records.push([offset, offset + size]);
    fields.push(...inRow(offset, [1, 1, 1, 1, 4], big));
    end = Math.min(end, offset);
  }
  records.push([2 * BLOCK, 3 * BLOCK], [BLOCK, 2 * BLOCK], [0, BLOCK]);
  return { fields, records };
}

/** The chunks of a flattened dump. */
export function flattenedPlaces(file: Buffer): Places {
  const fields = inRow(16, [8, 8], true);
  const records: Places["records"] = [];
  for (let at = BLOCK; at + 16 <= file.length; ) {
    fields.push(...inRow(at, [8, 8], true));
    const end = at + 16 + Math.max(0, Number(file.readBigInt64BE(at + 8)));
    records.push([at, end]);
    at = end;
  }
  return { fields, records };
}

const MOST_FIELD_PLACES = 3000;

/** All that is not contents may be a number of any size, in either byte order; records begin and end with contents. */
export function anyPlace(file: Buffer, contents: readonly Buffer[]): Places {
  const found = contents
    .map((content): [number, number] => [file.indexOf(content), content.length])
    .filter(([at]) => at >= 0)
    .map(([at, bytes]): [number, number] => [at, at + bytes])
    .sort(([a], [b]) => a - b);
  const fields: Field[] = [];
  const records: Places["records"] = [];
  let at = 0;
  for (const [from, to] of [...found, [file.length, file.length]]) {
    const places = Math.min(from - at, MOST_FIELD_PLACES);
    for (let i = 0; i < places; i++)
      for (const bytes of [1, 2, 4, 8])
        if (at + i + bytes <= file.length)
          for (const bigEndian of bytes === 1 ? [true] : [true, false]) fields.push({ at: at + i, bytes, bigEndian });
    if (to > at) records.push([at, to]);
    at = to;
  }
  return { fields, records };
}

/** The words of a text, and its lines and what commas part. */
export function textPlaces(file: Buffer): Places {
  const text = file.toString("latin1");
  const stretches = (pattern: RegExp) =>
    [...text.matchAll(pattern)].map(({ index, 0: { length } }): [number, number] => [index, index + length]);
  const fields = stretches(/[^\s,;:=@[\]{}"'|]+/g).map(
    ([at, to]): Field => ({ at, bytes: to - at, bigEndian: true, kind: "text", grows: true }),
  );
  return { fields, records: [...stretches(/[^\n]*\n/g), ...stretches(/[^,\n]+,?/g)] };
}

const MOST_WORDS_A_VALUE = 40;
const MOST_VALUE_BYTES = 128;

/** The numbers and texts of a Parquet file's footer and of the headers of its pages, and numbers among its values. */
export function parquetPlaces(file: Buffer): Places {
  const footer = footerOf(file);
  const { fields, records } = thriftPlaces(file, footer, true);
  records.push([footer, file.length - 8]);
  const metadata = parquetMetadata(new Uint8Array(file).buffer, { geoparquet: false });
  for (const { meta_data: meta } of metadata.row_groups.flatMap(({ columns }) => columns)) {
    if (!meta) continue;
    const start = Number(meta.dictionary_page_offset ?? meta.data_page_offset);
    const end = start + Number(meta.total_compressed_size);
    records.push([start, end]);
    for (let at = start; at < end; ) {
      const header = thriftPlaces(file, at, false);
      // The third field of a page's header: how many bytes follow.
      at = header.end + Number(varintAt(file, header.fields[2]) >> 1n);
      fields.push(...header.fields);
      records.push([header.end, at]);
      for (let value = header.end; value + 4 <= Math.min(at, header.end + MOST_VALUE_BYTES); value += 4)
        fields.push({ at: value, bytes: 4, bigEndian: false }, { at: value, bytes: 1, bigEndian: false });
    }
  }
  return { fields, records };
}

/** Where the footer of a Parquet file begins. */
export const footerOf = (file: Buffer): number => file.length - 8 - file.readUInt32LE(file.length - 8);

export function varintAt(file: Buffer, { at, bytes }: Field): bigint {
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = (value << 7n) | BigInt(file[at + i] & 127);
  return value;
}

/** What is in a struct of Thrift's compact protocol. */
function thriftPlaces(file: Buffer, start: number, grows: boolean): Places & { end: number } {
  const fields: Field[] = [];
  const records: Places["records"] = [];
  let at = start;
  const number = (kind: "varint" | "zigzag"): number => {
    const from = at;
    while (file[at++] > 127);
    const field: Field = { at: from, bytes: at - from, bigEndian: false, kind, grows };
    fields.push(field);
    return Number(varintAt(file, field));
  };
  const value = (type: number): void => {
    if (type === 3) at++;
    else if (type >= 4 && type <= 6) number("zigzag");
    else if (type === 7) {
      fields.push({ at, bytes: 8, bigEndian: false });
      at += 8;
    } else if (type === 8) {
      const bytes = number("varint");
      fields.push(...wordsIn(file, at, bytes));
      at += bytes;
    } else if (type === 9) {
      const head = file[at++];
      const count = head >> 4 === 15 ? number("varint") : head >> 4;
      for (let i = 0; i < count; i++) {
        const from = at;
        value(head & 15);
        records.push([from, at]);
      }
    } else if (type === 12) struct();
  };
  const struct = (): void => {
    while (file[at] !== 0) {
      const from = at;
      const head = file[at++];
      if (head >> 4 === 0) number("zigzag");
      value(head & 15);
      records.push([from, at]);
    }
    at++;
  };
  struct();
  return { fields, records, end: at };
}

/** The words of a text in a footer, which stays as long as it is. */
function wordsIn(file: Buffer, at: number, bytes: number): Field[] {
  const words = textPlaces(file.subarray(at, at + bytes)).fields.slice(0, MOST_WORDS_A_VALUE);
  return words.map((word) => ({ ...word, at: at + word.at, grows: false }));
}
