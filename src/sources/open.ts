import { closeSync, constants, createReadStream, openSync, readSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { END_BYTES, HEAD_BYTES, refuseForeign, refuseForeignEnd, refuseText } from "../dumps/formats/known.js";
import { lengthNotes } from "../dumps/formats/raw.js";
import { dumpFormatOf } from "../dumps/formats/registry.js";
import type { Layout } from "../dumps/layout.js";
import { fromSystem, PagekinError } from "../errors.js";
import { chunksOf, spool } from "../system/temporary.js";
import {
  compressionOf,
  decompress,
  HEAD_OF_COMPRESSED,
  type Layers,
  paddingNote,
  peel,
} from "../unpack/compression.js";
import { unzstd } from "../unpack/zstd.js";
import { type DumpSettings, openDump, USUAL_DUMPS } from "./dump.js";
import type { SourceName } from "./names.js";

/** A source whose head was looked at. */
export interface Opened extends Layers {
  name: SourceName;
  /** As ledger.csv has it. */
  format: string;
  /** What tells that: the contents, the user, or nothing, so that it is raw. */
  recognizedBy: "contents" | "--format" | "nothing";
  /** Bytes of the file that is read: the one that was named, or a temporary one; 0 for a pipe. */
  fileBytes: number;
  /** The file that was named, unless it is a pipe: what tells it from others, by whatever path, and its bytes. */
  onDisk?: { identity: string; bytes: number } | undefined;
  /** A descriptor that stays open: a spooled source. Otherwise the file is opened by its path where it is read. */
  fd?: number;
  /** That descriptor has what was unpacked, so that offsets are not those of the source. */
  isUnpacked?: boolean;
  /** Of a dump that can be read at any place: what it holds. Without it a dump is a raw one that is read as it comes. */
  layout?: Layout;
  /** What else there is to say of a dump: see DumpPlan. */
  notes?: string[];
  /** The same of the file, as it came: see DumpPlan. Some of it is known only when all of a stream was read. */
  fileNotes?: string[] | undefined;
  details?: Record<string, unknown>;
  /** Of a dump that was unpacked to a temporary file: how it was packed. */
  packing?: Layers;
  /** A pipe: what was read of it to look at, and the rest. Only the main thread may read it. */
  pipe?: { head: Buffer; rest: Readable };
}

/** Whether a source holds fingerprints, not memory. */
export const isTrace = ({ format }: Opened): boolean => format === "parquet" || format === "csv";

/** Looks at a source's head and tells what it is. Nothing is taken for raw that has the signature of something else. */
export async function openSource(name: SourceName, settings: DumpSettings = USUAL_DUMPS): Promise<Opened> {
  try {
    const opened = await open(name, settings.format);
    return isTrace(opened) ? opened : await openDump(opened, settings);
  } catch (error) {
    throw fromSystem(error, displayName(name));
  }
}

async function open(name: SourceName, format: string | undefined): Promise<Opened> {
  const file = displayName(name);
  if (name.path.includes("\0")) throw new PagekinError("no path has a zero byte in it", { hint: "check the path" });
  if (name.path === "-") return openPipe(name, process.stdin, format);
  const stat = statSync(name.path);
  if (stat.isDirectory()) throw new PagekinError("is a folder", { file, hint: "name the files in it" });
  if (stat.isFIFO()) return openPipe(name, await waitableFifo(name.path), format);
  if (!stat.isFile()) return openPipe(name, createReadStream(name.path, { highWaterMark: 1024 * 1024 }), format);
  const fd = openSync(name.path, "r");
  const head = readHeadOf(fd);
  closeSync(fd);
  const onDisk = { identity: identityOf(stat), bytes: stat.size };
  return { name, fileBytes: stat.size, onDisk, ...(await detect(head, name, format)) };
}

/** A FIFO as a socket. Any other way of opening it would wait for a writer in a thread that no signal can end. */
async function waitableFifo(file: string): Promise<Readable> {
  const { Socket } = await import("node:net");
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

/** The head of a plain file; more of a compressed one, to look into it. */
function readHeadOf(fd: number): Buffer {
  const first = readStart(fd, HEAD_BYTES);
  return compressionOf(first) === "none" ? first : readStart(fd, HEAD_OF_COMPRESSED);
}

/** The first bytes, in a buffer of their own: several sources may be looked at by turns. */
function readStart(fd: number, most: number): Buffer {
  const start = Buffer.allocUnsafe(most);
  return start.subarray(0, readSync(fd, start, 0, most, 0));
}

async function openPipe(name: SourceName, rest: Readable, format: string | undefined): Promise<Opened> {
  let head = await readHead(rest, HEAD_BYTES);
  if (compressionOf(head) !== "none") head = Buffer.concat([head, await readHead(rest, HEAD_OF_COMPRESSED)]);
  const pipe = { head, rest };
  // A zstd stream and a Parquet trace are not read from front to back.
  if (compressionOf(head) === "zstd") return spoolPipe(name, pipe, format);
  const detected = await detect(head, name, format);
  return detected.format === "parquet" || detected.format === "csv"
    ? spoolPipe(name, pipe, format)
    : { name, fileBytes: 0, pipe, ...detected };
}

async function spoolPipe(
  name: SourceName,
  pipe: NonNullable<Opened["pipe"]>,
  format: string | undefined,
): Promise<Opened> {
  const { fd, bytes } = await spool(readPipe(pipe));
  return { name, fd, fileBytes: bytes, ...(await detect(readHeadOf(fd), name, format)) };
}

async function* readPipe({ head, rest }: { head: Buffer; rest: Readable }): AsyncGenerator<Uint8Array> {
  yield head;
  if (!rest.readableEnded) yield* rest as AsyncIterable<Uint8Array>;
}

/** Waits for the next bytes of a pipe: at least so many, unless it ends. */
async function readHead(pipe: Readable, least: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < least; ) {
    const part: Buffer | null = pipe.read();
    if (part) {
      parts.push(part);
      bytes += part.length;
      continue;
    }
    if (pipe.readableEnded || pipe.destroyed) break;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error) => {
        pipe.off("readable", done).off("end", done).off("error", done);
        error ? reject(error) : resolve();
      };
      pipe.on("readable", done).on("end", done).on("error", done);
    });
  }
  return Buffer.concat(parts);
}

/** asked: the format that --format names. */
async function detect(
  head: Buffer,
  name: SourceName,
  asked: string | undefined,
): Promise<Pick<Opened, "format" | "recognizedBy"> & Layers> {
  const file = displayName(name);
  if (head.length === 0) throw new PagekinError("is empty", { file, hint: "take the dump again" });
  const { content: inner, ...layers } = await peel(head, HEAD_BYTES);
  const { compression } = layers;
  if (asked !== undefined) return { format: asked, recognizedBy: "--format", ...layers };
  const recognizedBy = "contents";
  const known = await dumpFormatOf(inner);
  if (known) return { format: known.name, recognizedBy, ...layers };
  if (layers.inner && compressionOf(inner) !== "none")
    throw new PagekinError("is compressed three times", { file, hint: "decompress it first" });
  refuseForeign(inner, file);
  if (inner.toString("latin1", 0, 4) === "PAR1") {
    if (compression === "none") return { format: "parquet", recognizedBy, ...layers };
    throw new PagekinError("this is a compressed Parquet trace", { file, hint: "decompress it first" });
  }
  if (isCsvTrace(inner)) return { format: "csv", recognizedBy, ...layers };
  if (/\.csv(\.(gz|zst|xz|lz4|bz2|lzo))*$/i.test(name.path)) {
    const hint = "its first line must name at least the columns page_bytes, page and fingerprint";
    throw new PagekinError("this is not a CSV trace", { file, hint });
  }
  refuseText(inner, file);
  return { format: "raw", recognizedBy: "nothing", ...layers };
}

/** Whether the head's first line names the columns of a trace. */
function isCsvTrace(head: Buffer): boolean {
  const end = head.indexOf("\n");
  if (end < 0) return false;
  const columns = head
    .toString("latin1", 0, end)
    .split(",")
    .map((column) => column.trim().replace(/^(?:\xef\xbb\xbf)?"?(.*?)"?$/, "$1"));
  return columns.includes("page") && columns.includes("fingerprint");
}

type OnNote = (note: string) => void;

/** The decompressed bytes of a source, from front to back. onNote is told what is known only at the end. */
export async function* bytesOf(opened: Opened, onNote: OnNote): AsyncGenerator<Uint8Array> {
  const file = displayName(opened.name);
  try {
    const { inner } = opened;
    const once = unpackOnce(opened, file, onNote);
    yield* inner ? decompress(once, inner, unpackedName(file), onNote) : once;
  } catch (error) {
    throw fromSystem(error, file);
  }
}

/** The same of a raw dump, whose end is looked at too. */
export async function* rawBytesOf(opened: Opened, onNote: OnNote): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let end: Uint8Array = new Uint8Array(0);
  for await (const chunk of bytesOf(opened, onNote)) {
    bytes += chunk.length;
    end = chunk.length >= END_BYTES ? chunk.slice(-END_BYTES) : Buffer.concat([end, chunk]).subarray(-END_BYTES);
    yield chunk;
  }
  if (opened.recognizedBy === "nothing") refuseForeignEnd(Buffer.from(end), nameOfRead(opened));
  for (const note of lengthNotes(bytes)) onNote(note);
}

async function* unpackOnce(opened: Opened, file: string, onNote: OnNote): AsyncGenerator<Uint8Array> {
  const { compression, pipe } = opened;
  if (compression === "zstd") {
    const fd = opened.fd ?? openSync(opened.name.path, "r");
    try {
      yield* unzstd(fd, opened.fileBytes, file, (bytes) => onNote(paddingNote(bytes, "zstd")));
    } finally {
      if (opened.fd === undefined) closeSync(fd);
    }
    return;
  }
  const input: AsyncIterable<Uint8Array> = pipe ? readPipe(pipe) : readFile(opened);
  yield* compression === "none" ? input : decompress(input, compression, file, onNote);
}

function readFile({ name, fd }: Opened): AsyncIterable<Uint8Array> {
  return fd === undefined ? createReadStream(name.path, { highWaterMark: 1024 * 1024 }) : chunksOf(fd);
}

/** A source as an uncompressed file that can be read at any offset: spooled to a temporary file unless it is one. */
export async function toSeekable(opened: Opened): Promise<Opened> {
  if (!opened.pipe && opened.compression === "none") return opened;
  const fileNotes: string[] = [];
  const { fd, bytes } = await spool(bytesOf(opened, (note) => fileNotes.push(note))).finally(() => {
    if (opened.fd !== undefined) closeSync(opened.fd);
  });
  const { name, format, recognizedBy, onDisk } = opened;
  const isUnpacked = opened.compression !== "none";
  return { name, format, recognizedBy, compression: "none", fileBytes: bytes, onDisk, fd, isUnpacked, fileNotes };
}

/** Adds what became known of a source's file while it was read. */
export function addFileNote(opened: Opened, note: string): void {
  opened.fileNotes = [...(opened.fileNotes ?? []), note];
}

/** The same for two paths if they lead to one file. */
export function identityOf({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev} ${ino}`;
}

/** What is to be known of sources, each with its name. */
export function notesOf(sources: readonly Opened[]): string[] {
  return sources.flatMap(({ name, notes = [], fileNotes = [] }) =>
    [...notes, ...fileNotes].map((note) => `${displayName(name)}: ${note}`),
  );
}

/** How messages call the file in which a source is read. */
export function nameOfRead({ name, isUnpacked }: Opened): string {
  return isUnpacked ? unpackedName(displayName(name)) : displayName(name);
}

const unpackedName = (file: string) => `${file} (unpacked)`;

/** How messages call a source. */
export function displayName(name: SourceName): string {
  return name.path === "-" ? "standard input" : name.path;
}
