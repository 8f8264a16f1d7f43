import {
  type ColumnMetaData,
  type DecodedArray,
  type FileMetaData,
  parquetSchema,
  type RowGroup,
  type SchemaTree,
} from "hyparquet";
import { getTreePath } from "hyparquet/src/schema.js";
import { DumpFile, type FilePlace } from "../dumps/dump-file.js";
import { PagekinError, quoted } from "../errors.js";
import { breathe } from "../system/pace.js";
import { decompressorsFor } from "./codecs.js";
import { MAGIC, readFooter } from "./footer.js";
import { type Chunk, type Column, isCount, readPages } from "./pages.js";
import { valuesOf } from "./values.js";

const READ_BYTES = 2 ** 24;

/** An open Parquet file. */
export interface ParquetFile {
  metadata: FileMetaData;
  /** What `use` makes of the pages of a column in a row group. */
  read<T>(group: number, column: string, use: (chunk: Chunk) => Promise<T>): Promise<T>;
  /** The values of a column in a row group. */
  readGroup(group: number, column: string): Promise<DecodedArray>;
  fail(what: string, hint?: string): PagekinError;
  /** An error of reading it as a PagekinError. */
  known(error: unknown): unknown;
  close(): void;
}

/** Whether a file begins as Parquet files do. */
export function isParquet(place: FilePlace): boolean {
  const file = new DumpFile(place);
  try {
    return file.has(0, MAGIC.length) && file.read(0, MAGIC.length, "its signature").toString("latin1") === MAGIC;
  } finally {
    file.close();
  }
}

export async function openParquet(place: FilePlace): Promise<ParquetFile> {
  const opened = new DumpFile(place);
  const close = () => opened.close();
  const fail = (what: string, hint = "write it as docs/traces.md says") =>
    new PagekinError(what, { file: place.shownAs, hint });
  const known = (error: unknown) =>
    isKnown(error)
      ? error
      : fail(`not a readable Parquet file (${quoted((error as Error).message, 160)})`, "write or copy it again");
  try {
    const metadata = await readFooter(opened);
    checkSchema(metadata);
    const schema = parquetSchema(metadata);
    const names = schema.children.map(({ element }) => element.name);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) throw fail(`duplicate column ${quoted(twice)}`);
    const decompressors = await decompressorsFor(metadata);
    const read = async <T>(group: number, name: string, use: (chunk: Chunk) => Promise<T>): Promise<T> => {
      try {
        const column = columnAt(metadata, schema, group, name);
        const decompress = decompressors.get(column.meta.codec);
        if (!decompress) throw new Error(`compressed with ${column.meta.codec}, not with zstd, gzip or snappy`);
        return await use(await readPages(await bytesOf(opened, column.meta), column, decompress));
      } catch (error) {
        if (isKnown(error)) throw error;
        throw new Error(`column ${name}, row group ${group}: ${(error as Error).message}`);
      }
    };
    const readGroup = (group: number, name: string) => read(group, name, valuesOf);
    return { metadata, read, readGroup, fail, known, close };
  } catch (error) {
    close();
    throw known(error);
  }
}

/** Throws where the schema's elements are no tree: each but the first is the child of one before it. */
function checkSchema({ schema }: FileMetaData): void {
  let open = 1;
  for (const { num_children: children = 0 } of schema) {
    if (open < 1 || !isCount(children)) throw new Error("the schema is damaged");
    open += children - 1;
  }
  if (open !== 0) throw new Error("the schema is damaged");
}

function columnAt({ row_groups }: FileMetaData, schema: SchemaTree, group: number, name: string): Column {
  const meta = columnOf(row_groups[group], name);
  if (!meta) throw new Error("it is not there");
  const path = getTreePath(schema, meta.path_in_schema);
  if (path[path.length - 1].children.length > 0) throw new Error("it holds other columns");
  return { meta, path, rows: Number(row_groups[group].num_rows) };
}

/** A column's pages in a row group, as they are in the file. */
async function bytesOf(file: DumpFile, meta: ColumnMetaData): Promise<Uint8Array> {
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const length = Number(meta.total_compressed_size);
  if (!isCount(start) || !isCount(length) || !file.has(start, length)) throw new Error("it ends behind the file");
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += READ_BYTES) {
    file.readInto(bytes.subarray(at, at + READ_BYTES), start + at);
    const turn = breathe();
    if (turn) await turn;
  }
  return bytes;
}

const isKnown = (error: unknown) =>
  error instanceof PagekinError || (error as NodeJS.ErrnoException).syscall !== undefined;

export function columnOf(group: RowGroup, column: string): ColumnMetaData | undefined {
  return group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data;
}

/** The columns of a file that are not there. */
export function missingColumns({ schema }: FileMetaData, columns: readonly string[]): string[] {
  const names = schema.map(({ name }) => name);
  return columns.filter((column) => !names.includes(column));
}

/** Whether the file says of itself that it is a saved spectrum. */
export function isSpectrum({ key_value_metadata: values }: FileMetaData): boolean {
  return values?.some(({ key }) => key === "pagekin.worlds") ?? false;
}
