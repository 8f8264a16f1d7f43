// A source: what the user named, and what its first bytes tell. It holds no descriptor, so that there may be many.

import { closeSync, createReadStream, existsSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { addAbortSignal } from "node:stream";
import type { FilePlace } from "../dumps/dump-file.js";
import { END_BYTES, HEAD_BYTES, refuseForeignEnd } from "../dumps/formats/known.js";
import { lengthNotes } from "../dumps/formats/raw.js";
import { fromSystem, PagekinError, quoted } from "../errors.js";
import { currentSignal } from "../system/abort.js";
import { type InputFile, type Inputs, openAgain, refuseChanged } from "../system/inputs.js";
import { chunksOf, spool } from "../system/temporary.js";
import { nearest } from "../text/nearest.js";
import { decompress, HEAD_OF_COMPRESSED, type Packing, packingOf, paddingNote } from "../unpack/compression.js";
import { type Detected, detect } from "./detect.js";
import { displayName, type SourceName } from "./names.js";
import { openFifo, type Pipe, readHead, readPipe } from "./pipe.js";
import { TRACE_FORMATS } from "./trace-formats.js";

export interface Source extends Detected {
  name: SourceName;
  /** Where it is read: a file, the descriptor of a temporary file (see spoolTrace), or a pipe, by the main thread only. */
  at: InputFile | number | Pipe;
  /** Bytes that are there; 0 for a pipe. */
  bytes: number;
  /** The same for all paths that lead to one file; undefined for what came through a pipe. */
  identity: string | undefined;
  /** Of a split dump: its parts, of one format. */
  parts?: readonly Source[];
}

export const isPipe = ({ at }: Pick<Source, "at">): boolean => isPipeAt(at);

const isPipeAt = (at: Source["at"]): at is Pipe => typeof at === "object" && "rest" in at;

/** Whether a source holds fingerprints, not memory. */
export const isTrace = ({ format }: Source): boolean => TRACE_FORMATS.includes(format);

/** Looks at a source's first bytes. format: in place of what they tell. */
export async function lookAt(name: SourceName, inputs: Inputs, format?: string): Promise<Source> {
  if (!name.parts) return lookAtFile(name, inputs, format);
  const parts: Source[] = [];
  for (const path of name.parts) parts.push(await lookAtFile({ ...name, path, parts: undefined }, inputs, format));
  const [first] = parts;
  const isOther = (part: Source) => isPipe(part) || isTrace(part) || part.format !== first.format;
  const other = first.format === "raw" ? first : parts.find(isOther);
  if (other) {
    for (const part of parts) closeSource(part);
    const hint = "name files of one dump, as makedumpfile --split writes them";
    throw new PagekinError("is not a part of a split dump", { file: displayName(other.name), hint });
  }
  return { ...first, name, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts };
}

async function lookAtFile(name: SourceName, inputs: Inputs, format: string | undefined): Promise<Source> {
  const file = displayName(name);
  try {
    if (name.path.includes("\0"))
      throw new PagekinError("a path cannot contain a zero byte", { file, hint: "check the path" });
    if (name.path === "-") return await lookAtPipe(name, process.stdin, format);
    const stat = statSync(name.path);
    if (stat.isDirectory())
      throw new PagekinError("is a folder", {
        file,
        hint: `name its files, such as ${quoted(path.join(name.path, "*"))}`,
      });
    if (stat.isFIFO()) return await lookAtPipe(name, await openFifo(name.path), format);
    if (!stat.isFile())
      return await lookAtPipe(name, createReadStream(name.path, { highWaterMark: 1024 * 1024 }), format);
    const { file: at, head } = headOfFile(name.path, inputs);
    const detected = await detect(head, file, format);
    return { name, ...detected, at, bytes: Number(at.size), identity: identityOf(at) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notThere(name.path, file);
    throw fromSystem(error, file);
  }
}

function notThere(name: string, file: string): PagekinError {
  const folder = path.dirname(name);
  const meant = existsSync(folder) ? nearest(path.basename(name), readdirSync(folder)) : undefined;
  const hint = meant === undefined ? "check the path" : `did you mean ${quoted(path.join(folder, meant))}?`;
  return new PagekinError("no such file", { file, hint });
}

async function lookAtPipe(name: SourceName, rest: Pipe["rest"], format: string | undefined): Promise<Source> {
  const signal = currentSignal();
  if (signal) addAbortSignal(signal, rest);
  try {
    let head = await readHead(rest, HEAD_BYTES);
    if (packingOf(head) !== undefined) head = Buffer.concat([head, await readHead(rest, HEAD_OF_COMPRESSED)]);
    const detected = await detect(head, displayName(name), format);
    return { name, ...detected, at: { head, rest }, bytes: 0, identity: undefined };
  } catch (error) {
    rest.destroy();
    throw error;
  }
}

/** The head of a plain file; more of a compressed one, to look into it. */
function headOfFile(path: string, inputs: Inputs): { file: InputFile; head: Buffer } {
  const { file, fd } = inputs.open(path);
  try {
    const first = startOf(fd, HEAD_BYTES);
    return { file, head: packingOf(first) === undefined ? first : startOf(fd, HEAD_OF_COMPRESSED) };
  } finally {
    closeSync(fd);
  }
}

/** The first bytes, in a buffer of their own: several sources may be looked at by turns. */
function startOf(fd: number, most: number): Buffer {
  const start = Buffer.allocUnsafe(most);
  return start.subarray(0, readSync(fd, start, 0, most, 0));
}

/** The same for two paths if they lead to one file. */
export function identityOf({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev} ${ino}`;
}

/** A trace that comes through a pipe is read twice, so from a temporary file, which the answer holds. */
export async function spoolTrace(source: Source): Promise<Source> {
  if (!isPipe(source)) return source;
  const { fd, bytes } = await spool(bytesAsTheyAre(source));
  return { ...source, at: fd, bytes };
}

/** Gives back what a source holds: its temporary file, or the rest of its pipe. */
export function closeSource({ at }: Source): void {
  if (typeof at === "number") closeSync(at);
  else if (isPipeAt(at)) at.rest.destroy();
}

/** Whether its bytes can be read at any offset: it is neither compressed nor a pipe. */
export const isSeekable = (source: Source): boolean =>
  source.parts?.every(isSeekable) ?? (!isPipe(source) && source.packing.length === 0);

/** Where the bytes of a seekable source are. */
export function placeOf({ name, at, bytes }: Source): FilePlace {
  if (isPipeAt(at)) throw new Error("a pipe has no place");
  return { at, start: 0, bytes, shownAs: displayName(name) };
}

type OnNote = (note: string) => void;

/** The decompressed bytes of a source, from front to back. onNote is told what is known only at the end. */
export async function* bytesOf(source: Source, onNote: OnNote): AsyncGenerator<Uint8Array> {
  const file = displayName(source.name);
  const [outer, inner] = source.packing;
  try {
    if (outer === undefined) yield* bytesAsTheyAre(source);
    else if (inner === undefined) yield* unpackOnce(source, outer, file, onNote);
    else yield* decompress(unpackOnce(source, outer, file, onNote), inner, unpackedName(file), onNote);
  } catch (error) {
    blameChange(source);
    throw fromSystem(error, file);
  }
}

/** Throws if a source that could not be read has changed: that is why. */
export function blameChange({ at, parts = [] }: Source): void {
  if (typeof at === "object" && !isPipeAt(at)) refuseChanged(at);
  for (const part of parts) blameChange(part);
}

async function* unpackOnce(source: Source, packing: Packing, file: string, onNote: OnNote): AsyncGenerator<Uint8Array> {
  const { at, bytes } = source;
  if (packing !== "zstd" || isPipeAt(at)) {
    yield* decompress(bytesAsTheyAre(source), packing, file, onNote);
    return;
  }
  // Its decoder is large, and few sources need it.
  const { unzstd } = await import("../unpack/zstd.js");
  const fd = typeof at === "number" ? at : openAgain(at);
  try {
    yield* unzstd(fd, bytes, file, (padding) => onNote(paddingNote(padding, packing)));
  } finally {
    if (typeof at !== "number") closeSync(fd);
  }
}

/** The same of a raw dump, whose end is looked at too. */
export async function* rawBytesOf(source: Source, onNote: OnNote): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let end: Uint8Array = new Uint8Array(0);
  for await (const chunk of bytesOf(source, onNote)) {
    bytes += chunk.length;
    end = chunk.length >= END_BYTES ? chunk.slice(-END_BYTES) : Buffer.concat([end, chunk]).subarray(-END_BYTES);
    yield chunk;
  }
  if (source.certainty === "none") refuseForeignEnd(Buffer.from(end), nameOfBytes(source));
  for (const note of lengthNotes(bytes)) onNote(note);
}

/** How messages call the file in which the decompressed bytes of a source are. */
export const nameOfBytes = ({ name, packing }: Source): string =>
  packing.length > 0 ? unpackedName(displayName(name)) : displayName(name);

function bytesAsTheyAre({ at }: Source): AsyncIterable<Uint8Array> {
  if (typeof at === "number") return chunksOf(at);
  return isPipeAt(at) ? readPipe(at) : bytesOfFile(at);
}

/** As many bytes as the file had when it was looked at: it may grow for ever. */
export async function* bytesOfFile(file: InputFile): AsyncGenerator<Uint8Array> {
  // Files in /proc may say so.
  if (file.size === 0n) return;
  const end = Number(file.size) - 1;
  const stream = createReadStream(file.path, { fd: openAgain(file), end, highWaterMark: 1024 * 1024 });
  const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  try {
    yield* stream;
  } finally {
    // It closes its file some turns after its end; whoever has read from here may count on that.
    stream.destroy();
    await closed;
  }
}

/** How messages call what a source was unpacked to: offsets are not those of its file. */
export const unpackedName = (file: string): string => `${file} (unpacked)`;
