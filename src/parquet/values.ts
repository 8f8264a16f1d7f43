// The values of a column, decoded by hyparquet once it is known that each page holds as many as it says.

import type { DecodedArray, SchemaElement } from "hyparquet";
import { assembleLists, assembleNested } from "hyparquet/src/assemble.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { byteStreamSplit } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";
import { breathe } from "../system/pace.js";
import { inTurns } from "../system/turns.js";
import { type Chunk, type Page, prefixed } from "./pages.js";
import { checkDeltas, damaged, decodeRuns } from "./runs.js";

const MOST_TEXT_BYTES = 2 ** 30;
/** Bytes of a value; a BYTE_ARRAY has its length before it. */
const WIDTHS: Readonly<Record<string, number>> = {
  BOOLEAN: 1 / 8,
  INT32: 4,
  INT64: 8,
  INT96: 12,
  FLOAT: 4,
  DOUBLE: 8,
  BYTE_ARRAY: 4,
};

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A text, exactly: two that are no UTF-8 would else look the same. */
export function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Error("a text is not UTF-8");
  }
}

const PARSERS = { ...DEFAULT_PARSERS, stringFromBytes: textOf };

const NUMBERS = ["INT32", "INT64", "FLOAT", "DOUBLE"];
/** Values that are made at once, a multiple of 8. */
const STEP = 65536;

/** A value for each row: of lists an array, null where there is none. */
export async function valuesOf({ column, dictionary, pages }: Chunk): Promise<DecodedArray> {
  const { meta, path } = column;
  const { element } = path[path.length - 1];
  const { codec, path_in_schema: pathInSchema } = meta;
  const type = element.type ?? meta.type;
  const decoder = { pathInSchema, schemaPath: path, type, element, codec, parsers: PARSERS, utf8: false };
  const names = dictionary && (await plainValues(dictionary.data, dictionary.count, element, decoder));
  const isNested = path.length > 2;
  const parts: DecodedArray[] = [];
  const lists: unknown[] = [];
  for (const page of pages) {
    const values = isIndexed(page)
      ? await namedValues(page, names)
      : page.encoding === "PLAIN"
        ? await plainValues(page.data, page.values, element, decoder)
        : convert(encodedValues(page, element), decoder);
    const turn = breathe();
    if (turn) await turn;
    if (!isNested && page.values === page.entries) parts.push(values);
    else {
      const rows: unknown[] = isNested ? lists : [];
      // An array of levels is all that is asked for.
      assembleLists(rows, page.definition as unknown as number[], page.repetition as unknown as number[], values, path);
      parts.push(rows);
    }
  }
  if (!isNested) return joined(parts);
  const columns = new Map<string, DecodedArray>([[pathInSchema.join("."), lists]]);
  assembleNested(columns, path[1], PARSERS);
  return columns.get(pathInSchema[0]) ?? [];
}

const isIndexed = ({ encoding }: Page) => encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY";

/** Values that are indexes into a dictionary, behind the bits that each takes. */
async function namedValues({ data, values }: Page, names: DecodedArray | undefined): Promise<DecodedArray> {
  if (values === 0) return [];
  if (!names || data.length === 0) throw damaged();
  const indexes = decodeRuns(data.subarray(1), data[0], names.length - 1, new Uint32Array(values));
  const named: unknown[] = [];
  await inTurns(values, breathe, (from, to) => {
    for (let i = from; i < to; i++) named.push(names[indexes[i]]);
  });
  return named;
}

function encodedValues({ encoding, data, values }: Page, element: SchemaElement): DecodedArray {
  if (values === 0) return [];
  const { type, type_length: length } = element;
  switch (encoding) {
    case "RLE":
      if (type !== "BOOLEAN") break;
      return Array.from(decodeRuns(prefixed(data), 1, 1, new Uint8Array(values)), (bit) => bit === 1);
    case "DELTA_BINARY_PACKED":
      if (type !== "INT32" && type !== "INT64") break;
      return deltas(readerOf(data), type === "INT32" ? new Int32Array(values) : new BigInt64Array(values));
    case "DELTA_LENGTH_BYTE_ARRAY":
      return texts(readerOf(data), new Int32Array(values), values);
    case "DELTA_BYTE_ARRAY": {
      const reader = readerOf(data);
      return texts(reader, deltas(reader, new Int32Array(values)), values);
    }
    case "BYTE_STREAM_SPLIT":
      if (!type || data.length !== values * widthOf(element)) throw damaged();
      return byteStreamSplit(readerOf(data), values, type, length);
  }
  throw new Error(`values of type ${type} are encoded as ${encoding}`);
}

type Reader = ReturnType<typeof readerOf>;

const readerOf = (data: Uint8Array) => ({
  view: new DataView(data.buffer, data.byteOffset, data.byteLength),
  offset: 0,
});

async function plainValues(
  data: Uint8Array,
  values: number,
  element: SchemaElement,
  decoder: Parameters<typeof convert>[1],
): Promise<DecodedArray> {
  const { type, type_length: length } = element;
  if (values === 0) return [];
  if (!type || data.length < values * widthOf(element)) throw damaged();
  const reader = readerOf(data);
  // Numbers lie there as they are; anything else becomes an object each.
  const step = NUMBERS.includes(type) ? values : STEP;
  const parts: DecodedArray[] = [];
  for (let left = values; left > 0; left -= step) {
    parts.push(convert(readPlain(reader, type, Math.min(left, step), length), decoder));
    const turn = breathe();
    if (turn) await turn;
  }
  return joined(parts);
}

function widthOf({ type = "BYTE_ARRAY", type_length: length = 0 }: SchemaElement): number {
  const width = type === "FIXED_LEN_BYTE_ARRAY" ? length : WIDTHS[type];
  if (!(width > 0)) throw damaged();
  return width;
}

function deltas<T extends Int32Array | BigInt64Array>(reader: Reader, target: T): T {
  const { buffer, byteOffset, byteLength } = reader.view;
  checkDeltas(new Uint8Array(buffer, byteOffset, byteLength), reader.offset, target.length);
  deltaBinaryUnpack(reader, target.length, target);
  return target;
}

/** Texts, of each the bytes that it has from the one before, and the lengths of what follows them. */
function texts(reader: Reader, kept: Int32Array, values: number): Uint8Array[] {
  const lengths = deltas(reader, new Int32Array(values));
  const { buffer, byteOffset, byteLength } = reader.view;
  const data = new Uint8Array(buffer, byteOffset, byteLength);
  let at = reader.offset;
  let room = MOST_TEXT_BYTES;
  let last: Uint8Array = new Uint8Array();
  return Array.from(lengths, (length, i) => {
    if (length < 0 || length > data.length - at || kept[i] < 0 || kept[i] > last.length) throw damaged();
    room -= kept[i];
    if (room < 0) throw new Error("a page's texts are too long");
    const text = data.subarray(at, at + length);
    at += length;
    if (kept[i] === 0) last = text;
    else {
      const whole = new Uint8Array(kept[i] + length);
      whole.set(last.subarray(0, kept[i]));
      whole.set(text, kept[i]);
      last = whole;
    }
    return last;
  });
}

function joined(parts: readonly DecodedArray[]): DecodedArray {
  if (parts.length === 1) return parts[0];
  const all: unknown[] = [];
  for (const part of parts) for (const value of part) all.push(value);
  return all;
}
