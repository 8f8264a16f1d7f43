import { closeSync, constants, createReadStream, openSync, readSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { fromSystem, PagekinError } from "../errors.js";
import { type Compression, compressionOf, decompressedHead, gunzip } from "./compression.js";
import { HEAD_BYTES, unreadFormat } from "./formats/known.js";
import type { SourceName } from "./names.js";
import { spool } from "./spool.js";
import { unzstd } from "./zstd.js";

export type Format = "raw" | "parquet" | "csv";

/** A source whose head was looked at. */
export interface Opened {
  name: SourceName;
  format: Format;
  compression: Compression;
  /** Bytes of the file as it lies on the disk; 0 for a pipe. */
  fileBytes: number;
  /** Of a plain file: what tells it from others, by whatever path. */
  identity?: string;
  /** A descriptor that stays open: a spooled source. Otherwise the file is opened by its path where it is read. */
  fd?: number;
  /** A pipe: what was read of it to look at, and the rest. Only the main thread may read it. */
  pipe?: { head: Buffer; rest: Readable };
}

/** Of a compressed file: a block of zstd may need 128 KiB before anything comes out of it. */
const HEAD_OF_COMPRESSED = 256 * 1024;

/** Looks at a source's head and tells what it is. Nothing is taken for raw that has the signature of something else. */
export async function openSource(name: SourceName): Promise<Opened> {
  try {
    return await open(name);
  } catch (error) {
    throw fromSystem(error, displayName(name));
  }
}

async function open(name: SourceName): Promise<Opened> {
  const file = displayName(name);
  if (name.path.includes("\0")) throw new PagekinError("no path has a zero byte in it", { hint: "check the path" });
  if (name.path === "-") return openPipe(name, process.stdin);
  const stat = statSync(name.path);
  if (stat.isDirectory()) throw new PagekinError("is a folder", { file, hint: "name the files in it" });
  if (stat.isFIFO()) return openPipe(name, await waitableFifo(name.path));
  if (!stat.isFile()) return openPipe(name, createReadStream(name.path, { highWaterMark: 1024 * 1024 }));
  const fd = openSync(name.path, "r");
  const head = readHeadOf(fd);
  closeSync(fd);
  return { name, fileBytes: stat.size, identity: identityOf(stat), ...(await detect(head, name)) };
}

/** A FIFO as a socket. Any other way of opening it would wait for a writer in a thread that no signal can end. */
async function waitableFifo(file: string): Promise<Readable> {
  const { Socket } = await import("node:net");
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

const head = Buffer.alloc(HEAD_OF_COMPRESSED);

/** The head of a plain file, in a buffer that the next call overwrites; more of a compressed one, to look into it. */
function readHeadOf(fd: number): Buffer {
  const first = head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  return compressionOf(first) === "none" ? first : head.subarray(0, readSync(fd, head, 0, head.length, 0));
}

async function openPipe(name: SourceName, rest: Readable): Promise<Opened> {
  const head = await readHead(rest);
  const pipe = { head, rest };
  // A zstd stream and a Parquet trace are not read from front to back.
  if (compressionOf(head) === "zstd") return spoolPipe(name, pipe);
  const detected = await detect(head, name);
  return detected.format === "parquet" || detected.format === "csv"
    ? spoolPipe(name, pipe)
    : { name, fileBytes: 0, pipe, ...detected };
}

async function spoolPipe(name: SourceName, pipe: NonNullable<Opened["pipe"]>): Promise<Opened> {
  const { fd, bytes } = await spool(readPipe(pipe));
  return { name, fd, fileBytes: bytes, ...(await detect(readHeadOf(fd), name)) };
}

async function* readPipe({ head, rest }: { head: Buffer; rest: Readable }): AsyncGenerator<Uint8Array> {
  yield head;
  if (!rest.readableEnded) yield* rest as AsyncIterable<Uint8Array>;
}

/** Waits for the first bytes of a pipe. */
async function readHead(pipe: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < HEAD_BYTES; ) {
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

async function detect(head: Buffer, name: SourceName): Promise<{ format: Format; compression: Compression }> {
  const file = displayName(name);
  if (head.length === 0) throw new PagekinError("is empty", { file, hint: "take the dump again" });
  const compression = compressionOf(head);
  const inner = await decompressedHead(head, compression, HEAD_BYTES);
  const unread =
    unreadFormat(inner) ??
    (compressionOf(inner) !== "none" && compression !== "none" ? "file compressed twice" : undefined);
  if (unread) {
    const hint = "convert it to a raw dump first";
    throw new PagekinError(`${unread}: pagekin does not read this format yet`, { file, hint });
  }
  if (inner.toString("latin1", 0, 4) === "PAR1") {
    if (compression === "none") return { format: "parquet", compression };
    throw new PagekinError("this is a compressed Parquet trace", { file, hint: "decompress it first" });
  }
  if (isCsvTrace(inner)) return { format: "csv", compression };
  if (/\.csv(\.gz|\.zst)?$/i.test(name.path)) {
    const hint = "its first line must name at least the columns page_bytes, page and fingerprint";
    throw new PagekinError("this is not a CSV trace", { file, hint });
  }
  return { format: "raw", compression };
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

/** The decompressed bytes of a source, from front to back. */
export async function* bytesOf(opened: Opened): AsyncGenerator<Uint8Array> {
  const file = displayName(opened.name);
  try {
    if (opened.compression === "zstd") {
      const fd = opened.fd ?? openSync(opened.name.path, "r");
      try {
        yield* unzstd(fd, opened.fileBytes, file);
      } finally {
        if (opened.fd === undefined) closeSync(fd);
      }
      return;
    }
    const input = opened.pipe ? await toReadable(readPipe(opened.pipe)) : readFile(opened);
    yield* opened.compression === "gzip" ? gunzip(input, file) : (input as AsyncIterable<Uint8Array>);
  } catch (error) {
    throw fromSystem(error, file);
  }
}

async function toReadable(chunks: AsyncIterable<Uint8Array>): Promise<Readable> {
  const { Readable } = await import("node:stream");
  return Readable.from(chunks, { objectMode: false });
}

function readFile({ name, fd }: Opened): Readable {
  const spooled = fd === undefined ? {} : { fd, start: 0, autoClose: false };
  return createReadStream(name.path, { highWaterMark: 1024 * 1024, ...spooled });
}

/** A source as an uncompressed file that can be read at any offset: spooled to a temporary file unless it is one. */
export async function toSeekable(opened: Opened): Promise<Opened> {
  if (!opened.pipe && opened.compression === "none") return opened;
  const { fd, bytes } = await spool(bytesOf(opened));
  if (opened.fd !== undefined) closeSync(opened.fd);
  return { name: opened.name, format: opened.format, compression: "none", fileBytes: bytes, fd };
}

/** The same for two paths if they lead to one file. */
export function identityOf({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev} ${ino}`;
}

/** How messages call a source. */
export function displayName(name: SourceName): string {
  return name.path === "-" ? "standard input" : name.path;
}
