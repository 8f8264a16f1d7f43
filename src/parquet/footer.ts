// What a Parquet file ends with: the footer, its length, the magic. Row groups are parsed some at a time: a large trace has
// thousands, and no signal gets through while hyparquet is at work.

import { type FileMetaData, parquetMetadata } from "hyparquet";
import type { DumpFile } from "../dumps/dump-file.js";
import { breathe } from "../system/pace.js";
import { isCount } from "./pages.js";
import { listHead, type StructList, structLists } from "./thrift.js";
import { textOf } from "./values.js";

export const MAGIC = "PAR1";
const LENGTH_BYTES = 4;
const TAIL_BYTES = LENGTH_BYTES + MAGIC.length;
const MOST_FOOTER_BYTES = 2 ** 26;
/** Of what is parsed at once: the schema, the metadata that programs add, a row group. */
const MOST_PARTS = 10_000;
const MOST_GROUP_BYTES = 2 ** 21;
/** Fields of FileMetaData in parquet.thrift. */
const FIELD = { schema: 2, rowGroups: 4, metadata: 5 } as const;
const PIECE_BYTES = 2 ** 16;
const STOP = Uint8Array.of(0);

export async function readFooter(file: DumpFile): Promise<FileMetaData> {
  const footer = footerOf(file);
  let lists: Map<number, StructList>;
  try {
    lists = await structLists(footer, breathe);
  } catch {
    throw new Error("its footer is damaged");
  }
  const groups = lists.get(FIELD.rowGroups);
  const isLarge = [FIELD.schema, FIELD.metadata].some((field) => (lists.get(field)?.elements.length ?? 0) > MOST_PARTS);
  if (isLarge) throw new Error("its footer has too many parts");
  if (!groups) throw new Error("its footer is damaged");
  const { elements, end } = groups;
  const first = end - groups.at < PIECE_BYTES ? elements.length : 0;
  const metadata = parse(footer, groups, 0, first, footer.subarray(end));
  for (let at = first; at < elements.length; ) {
    let next = at + 1;
    while (next < elements.length && elements[next] - elements[at] < PIECE_BYTES) next++;
    if ((elements[next] ?? end) - elements[at] > MOST_GROUP_BYTES + PIECE_BYTES)
      throw new Error("a row group has too many columns");
    for (const group of parse(footer, groups, at, next, STOP).row_groups) metadata.row_groups.push(group);
    at = next;
    const turn = breathe();
    if (turn) await turn;
  }
  checkBytes(metadata, file.bytes);
  return metadata;
}

function footerOf(file: DumpFile): Uint8Array {
  const tailAt = file.bytes - TAIL_BYTES;
  if (tailAt < MAGIC.length) throw new Error("it is too short");
  const tail = file.read(tailAt, TAIL_BYTES, "its footer");
  const length = tail.readUInt32LE(0);
  if (tail.toString("latin1", LENGTH_BYTES) !== MAGIC) throw new Error("it does not end with PAR1");
  if (length > tailAt - MAGIC.length) throw new Error("its footer is longer than the file");
  if (length > MOST_FOOTER_BYTES) throw new Error(`its footer is longer than ${MOST_FOOTER_BYTES} bytes`);
  return file.read(tailAt - length, length, "its footer");
}

/** Parses a footer with the row groups first..next alone; rest: what stands behind them. */
function parse(
  footer: Uint8Array,
  { at, elements, end }: StructList,
  first: number,
  next: number,
  rest: Uint8Array,
): FileMetaData {
  const some = first === next ? new Uint8Array() : footer.subarray(elements[first], elements[next] ?? end);
  const parts = [footer.subarray(0, at), listHead(next - first), some, rest];
  const tail = Buffer.alloc(LENGTH_BYTES);
  tail.writeUInt32LE(parts.reduce((sum, { length }) => sum + length, 0));
  const file = new Uint8Array(Buffer.concat([...parts, tail, Buffer.from(MAGIC)]));
  return parquetMetadata(file, { geoparquet: false, parsers: { stringFromBytes: utf8OrNothing } });
}

/** Statistics may be of bytes that are no text. */
function utf8OrNothing(bytes: Uint8Array): string | undefined {
  try {
    return textOf(bytes);
  } catch {
    return undefined;
  }
}

/** Columns that lie one over the other would make a small file one without an end. */
function checkBytes({ row_groups: groups }: FileMetaData, fileBytes: number): void {
  let bytes = 0;
  for (const { columns } of groups) {
    for (const { meta_data: meta } of columns) {
      const size = Number(meta?.total_compressed_size ?? 0);
      if (!isCount(size)) throw new Error("its footer is damaged");
      bytes += size;
    }
  }
  if (bytes > fileBytes) throw new Error("its columns are longer than the file");
}
