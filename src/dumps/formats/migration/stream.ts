// A migration stream read from front to back: big-endian, in large pieces, with every end of the file noticed.

import type { PagekinError } from "../../../errors.js";
import type { DumpFile } from "../../dump-file.js";

const WINDOW_BYTES = 1024 * 1024;

/** The file ends before something that the stream needs. Whoever plans decides whether that is an error. */
export class CutShort extends Error {
  constructor(
    readonly offset: number,
    readonly what: string,
  ) {
    super(what);
  }
}

/** Numbers of 64 bits whose upper half is above this are beyond 2^53. */
const MOST_UPPER_HALF = 0x1fffff;

export class MigrationStream {
  private readonly window = Buffer.allocUnsafe(WINDOW_BYTES);
  /** The window has the bytes of the file from `from` on, up to its own index `end`; `at` is the next one to read. */
  private from = 0;
  private at = 0;
  private end = 0;

  constructor(readonly file: DumpFile) {}

  /** Where in the file the next byte is. */
  get offset(): number {
    return this.from + this.at;
  }

  get atEnd(): boolean {
    return this.offset >= this.file.bytes;
  }

  u8(what: string): number {
    this.need(1, what);
    return this.window[this.at++];
  }

  u16(what: string): number {
    this.need(2, what);
    this.at += 2;
    return this.window.readUInt16BE(this.at - 2);
  }

  u32(what: string): number {
    this.need(4, what);
    this.at += 4;
    return this.window.readUInt32BE(this.at - 4);
  }

  /** A number of 64 bits, which must be below 2^53. */
  u64(what: string): number {
    const upper = this.u32(what);
    if (upper > MOST_UPPER_HALF) throw this.file.fault(this.offset - 4, `${what} is beyond 2^53`);
    return upper * 2 ** 32 + this.u32(what);
  }

  /** The next byte without taking it; undefined at the file's end. */
  peek(): number | undefined {
    if (this.atEnd) return undefined;
    this.need(1, "a byte");
    return this.window[this.at];
  }

  /** The next 64 bits without taking them, if the file has so many. */
  peekU64(): bigint | undefined {
    if (!this.file.has(this.offset, 8)) return undefined;
    this.need(8, "a number");
    return this.window.readBigUInt64BE(this.at);
  }

  text(bytes: number, what: string): string {
    this.need(bytes, what);
    this.at += bytes;
    return this.window.toString("latin1", this.at - bytes, this.at);
  }

  /** A name with its length in one byte before it. */
  name(what: string): string {
    return this.text(this.u8(what), what);
  }

  /** Steps over bytes that the file must have. */
  skip(bytes: number, what: string): void {
    if (!this.file.has(this.offset, bytes)) throw new CutShort(this.offset, what);
    this.at += bytes;
  }

  /** Goes on further behind in the file. */
  seek(offset: number, what: string): void {
    this.skip(offset - this.offset, what);
  }

  /** Goes on at any offset. */
  goTo(offset: number): void {
    const at = offset - this.from;
    if (at >= 0 && at <= this.end) {
      this.at = at;
      return;
    }
    this.from = offset;
    this.at = 0;
    this.end = 0;
  }

  /** Something is wrong with what was just read. */
  fault(offset: number, what: string, hint?: string): PagekinError {
    return this.file.fault(offset, what, hint);
  }

  /** Brings the next bytes into the window; never more than it holds. */
  private need(bytes: number, what: string): void {
    if (this.at + bytes <= this.end) return;
    const offset = this.offset;
    if (!this.file.has(offset, bytes)) throw new CutShort(offset, what);
    this.from = offset;
    this.at = 0;
    this.end = Math.min(WINDOW_BYTES, this.file.bytes - offset);
    this.file.readInto(this.window.subarray(0, this.end), offset);
  }
}
