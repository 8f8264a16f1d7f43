// The flattened form of a dump (makedumpfile -F, QEMU's dump-guest-memory): chunks of bytes, each with its position in the
// plain file, in the order of writing. A place may be written again: the later chunk counts. What no chunk writes is zero.

import type { PagekinError } from "../../errors.js";
import { breathe } from "../../system/pace.js";
import type { DumpFile, PlainFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import { eachWinner, firstBehind, type Stretches } from "../sweep.js";
import { checkPieces } from "./piece-limit.js";

const SIGNATURE = Buffer.from("makedumpfile\0\0\0\0", "latin1");
const HEAD = 4096;
const CHUNK_HEAD = 16;
const WINDOW = 64 * 1024;
const SMALL_CHUNK = 4096;
/** Steps of a loop between two looks at the clock. */
const STEPS = 1024;
const MOST_EXTRA_BYTES = 256 * 2 ** 20;
const MOST_EXTRA_PIECES = 2 ** 20;
/** Real chunks have some KiB. So many of any size are taken, and one more for so many bytes of the file. */
const FREE_CHUNKS = 2 ** 20;
const LEAST_CHUNK_BYTES = 512;

/** Bytes that show whether a file is flattened. */
export const SIGNATURE_BYTES = 12;

export const isFlattened = (head: Buffer): boolean =>
  head.subarray(0, SIGNATURE_BYTES).equals(SIGNATURE.subarray(0, SIGNATURE_BYTES));

/** Chunks in the order of the file, or the pieces of the plain file in its order: where plain bytes are in the dump. */
class Pieces implements Stretches {
  starts = new Float64Array(1024);
  ends = new Float64Array(1024);
  stored = new Float64Array(1024);
  count = 0;

  address(i: number): number {
    return this.starts[i];
  }

  end(i: number): number {
    return this.ends[i];
  }

  add(start: number, end: number, stored: number): void {
    if (this.count === this.starts.length) this.grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.stored[this.count++] = stored;
  }

  /** Where in the dump a byte of a piece is. */
  placeIn(i: number, offset: number): number {
    return this.stored[i] + (offset - this.starts[i]);
  }

  private grow(): void {
    const grown = (from: Float64Array) => {
      const to = new Float64Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.starts = grown(this.starts);
    this.ends = grown(this.ends);
    this.stored = grown(this.stored);
  }
}

export class Flattened implements PlainFile {
  readonly bytes: number;
  readonly fileBytes: number;
  /** Bytes of data that lie in several chunks, to be brought together: offsets of extents from the file's length on. */
  private readonly gathered = new Map<number, { at: number; bytes: number }>();
  private gatheredBytes = 0;
  private last = 0;

  private constructor(
    private readonly file: DumpFile,
    private readonly pieces: Pieces,
    readonly chunks: number,
    readonly isCut: boolean,
  ) {
    this.bytes = pieces.count === 0 ? 0 : pieces.end(pieces.count - 1);
    this.fileBytes = file.bytes;
  }

  static async open(file: DumpFile, allowTruncated: boolean): Promise<Flattened> {
    const head = file.read(0, HEAD, "the end of the flattened header");
    if (!head.subarray(0, 16).equals(SIGNATURE) || head.readBigInt64BE(16) !== 1n || head.readBigInt64BE(24) !== 1n)
      throw file.fault(0, "a flattened dump of an unknown type or version", "make it plain with makedumpfile -R");
    const { chunks, isCut } = await walk(file, allowTruncated);
    return new Flattened(file, await sorted(chunks), chunks.count, isCut);
  }

  has(offset: number, bytes: number): boolean {
    return offset >= 0 && bytes >= 0 && offset <= this.bytes && bytes <= this.bytes - offset;
  }

  isWritten(offset: number, bytes: number): boolean {
    const { pieces } = this;
    let at = offset;
    for (let i = this.find(offset); i < pieces.count && at < offset + bytes; i++) {
      if (pieces.address(i) > at) return false;
      at = pieces.end(i);
    }
    return at >= offset + bytes;
  }

  read(offset: number, bytes: number, what: string): Buffer {
    if (!this.has(offset, bytes)) throw this.cut(offset, what);
    const target = Buffer.allocUnsafe(bytes);
    this.readInto(target, offset);
    return target;
  }

  readInto(target: Uint8Array, offset: number): void {
    const { pieces } = this;
    const end = offset + target.length;
    let at = offset;
    for (let i = this.find(offset); i < pieces.count && pieces.address(i) < end; i++) {
      const from = Math.max(at, pieces.address(i));
      const to = Math.min(end, pieces.end(i));
      target.fill(0, at - offset, from - offset);
      this.file.readInto(target.subarray(from - offset, to - offset), pieces.placeIn(i, from));
      at = to;
    }
    target.fill(0, at - offset);
  }

  place(offset: number, bytes: number): number {
    const i = this.find(offset);
    if (offset + bytes <= this.pieces.end(i)) return this.pieces.placeIn(i, offset);
    const known = this.gathered.get(offset);
    // Two pages may share their data: all zero pages do.
    if (known && known.bytes >= bytes) return this.file.bytes + known.at;
    const at = this.gatheredBytes;
    if (at + bytes > MOST_EXTRA_BYTES || this.gathered.size >= MOST_EXTRA_PIECES) {
      const hint = "make it plain with makedumpfile -R";
      throw this.fault(offset, "pages that lie in several chunks have more than 256 MiB together", hint);
    }
    this.gathered.set(offset, { at, bytes });
    this.gatheredBytes = at + bytes;
    return this.file.bytes + at;
  }

  /** The bytes that place() has found scattered. */
  async extra(): Promise<Uint8Array | undefined> {
    if (this.gatheredBytes === 0) return undefined;
    const extra = new Uint8Array(new SharedArrayBuffer(this.gatheredBytes));
    for (const [offset, { at, bytes }] of this.gathered) {
      this.readInto(extra.subarray(at, at + bytes), offset);
      await breathe();
    }
    return extra;
  }

  /** Extents of bytes of the plain file as extents of the dump's. What no chunk has is zero, or unknown if the dump is cut. */
  async placed(plain: ExtentList): Promise<ExtentList> {
    const { pieces } = this;
    const { offsets } = plain.arrays();
    const placed = new ExtentList();
    for (let i = 0; i < plain.count; i++) {
      const end = offsets[i] + plain.bytes(i);
      let at = offsets[i];
      const gap = (until: number) => {
        if (!this.isCut) placed.addZero(plain.address(i) + (at - offsets[i]), until - at);
        at = until;
      };
      for (let piece = this.find(at); piece < pieces.count && pieces.address(piece) < end; piece++) {
        if (pieces.address(piece) > at) gap(pieces.address(piece));
        const bytes = Math.min(end, pieces.end(piece)) - at;
        placed.addStored(plain.address(i) + (at - offsets[i]), bytes, pieces.placeIn(piece, at));
        at += bytes;
        if (placed.count % STEPS === 0) await breathe();
      }
      gap(end);
      checkPieces(this.file, placed, this.file.bytes);
    }
    return placed;
  }

  endsBefore(offset: number, what: string): PagekinError {
    return this.file.endsBefore(this.inFile(offset), what);
  }

  fault(offset: number, what: string, hint?: string): PagekinError {
    return this.file.fault(this.inFile(offset), what, hint);
  }

  cut(offset: number, what: string): PagekinError {
    if (this.isCut) return this.file.endsBefore(this.file.bytes, what);
    return this.fault(offset, `no chunk has ${what}, at 0x${offset.toString(16)} of the plain file`);
  }

  /** Where in the dump a place of the plain file is, or the chunk before it. */
  private inFile(offset: number): number {
    const { pieces } = this;
    const i = this.find(offset);
    if (i < pieces.count && pieces.address(i) <= offset) return pieces.placeIn(i, offset);
    return i === 0 ? HEAD : pieces.stored[i - 1];
  }

  /** The first piece that ends behind an offset; most often it is the last one found, or the next. */
  private find(offset: number): number {
    const { ends, count } = this.pieces;
    let i = this.last;
    const limit = Math.min(count, i + 2);
    while (i < limit && !(ends[i] > offset && (i === 0 || ends[i - 1] <= offset))) i++;
    this.last = i < limit ? i : firstBehind(ends, offset, count);
    return this.last;
  }
}

/** All chunks that hold something, in the order of the file. */
async function walk(file: DumpFile, allowTruncated: boolean): Promise<{ chunks: Pieces; isCut: boolean }> {
  const chunks = new Pieces();
  const most = FREE_CHUNKS + file.bytes / LEAST_CHUNK_BYTES;
  const window = Buffer.alloc(Math.min(WINDOW, file.bytes));
  let from = 0;
  let to = 0;
  for (let at = HEAD; ; ) {
    if (!file.has(at, CHUNK_HEAD)) {
      if (!allowTruncated) throw file.cut(file.bytes, "its end mark");
      return { chunks, isCut: true };
    }
    if (at < from || at + CHUNK_HEAD > to) {
      // Behind a large chunk nothing but the next head is read; behind a small one there may be many more.
      const bytes = at - from < SMALL_CHUNK ? Math.min(WINDOW, file.bytes - at) : CHUNK_HEAD;
      file.readInto(window.subarray(0, bytes), at);
      from = at;
      to = at + bytes;
    }
    const offset = window.readBigInt64BE(at - from);
    const size = window.readBigInt64BE(at - from + 8);
    if (offset === -1n && size === -1n) return { chunks, isCut: false };
    if (offset < 0n || size < 0n || offset + size > Number.MAX_SAFE_INTEGER)
      throw file.fault(at, `a chunk of ${size} bytes for position ${offset}`);
    const plain = Number(offset);
    const there = Math.min(Number(size), file.bytes - at - CHUNK_HEAD);
    if (there < size && !allowTruncated) throw file.cut(at, "the end of a chunk");
    if (there > 0) chunks.add(plain, plain + there, at + CHUNK_HEAD);
    if (chunks.count > most) throw file.fault(at, "too many chunks of a few bytes");
    if (there < size) return { chunks, isCut: true };
    at += CHUNK_HEAD + there;
    if (chunks.count % STEPS === 0) await breathe();
  }
}

/** The pieces of the plain file, in order and without overlaps: wherever chunks overlap, the last one's. */
async function sorted(chunks: Pieces): Promise<Pieces> {
  const pieces = new Pieces();
  await eachWinner(chunks, "last", (from, to, chunk) => addPiece(pieces, from, to, chunks.placeIn(chunk, from)));
  return pieces;
}

/** A piece that goes on where the last one ends, in the dump too, is one with it. */
function addPiece(pieces: Pieces, from: number, to: number, stored: number): void {
  const last = pieces.count - 1;
  const isNext = last >= 0 && pieces.end(last) === from && pieces.placeIn(last, from) === stored;
  if (isNext) pieces.ends[last] = to;
  else pieces.add(from, to, stored);
}
