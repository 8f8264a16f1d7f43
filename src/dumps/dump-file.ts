// A dump as a file whose bytes can be read at any place. Nothing that a header says of it is believed before it is checked.

import { readSync } from "node:fs";
import { PagekinError } from "../errors.js";

/** The bytes of a dump, whichever way they lie in the file: as they are, or in chunks that are out of order (flattened). */
export interface PlainFile {
  /** Its length. */
  readonly bytes: number;
  /** Bytes of the file itself. No count of anything in it can be above that. */
  readonly fileBytes: number;
  /** Whether the file ends before it says so; places that were never written are then unknown, otherwise zero. */
  readonly isCut: boolean;
  has(offset: number, bytes: number): boolean;
  /** Whether every byte there was written. */
  isWritten(offset: number, bytes: number): boolean;
  read(offset: number, bytes: number, what: string): Buffer;
  readInto(target: Uint8Array, offset: number): void;
  /** Where an extent finds the bytes, which are written. */
  place(offset: number, bytes: number): number;
  fault(offset: number, what: string, hint?: string): PagekinError;
  endsBefore(offset: number, what: string): PagekinError;
  cut(offset: number, what: string): PagekinError;
}

export class DumpFile implements PlainFile {
  readonly isCut = false;

  /** shownAs: how errors call it; bytes: its length. */
  constructor(
    readonly shownAs: string,
    private readonly fd: number,
    readonly bytes: number,
  ) {}

  get fileBytes(): number {
    return this.bytes;
  }

  isWritten(offset: number, bytes: number): boolean {
    return this.has(offset, bytes);
  }

  place(offset: number): number {
    return offset;
  }

  /** Whether so many bytes are there at an offset. */
  has(offset: number, bytes: number): boolean {
    return offset >= 0 && bytes >= 0 && offset <= this.bytes && bytes <= this.bytes - offset;
  }

  /** Reads bytes without which there is no plan; an error if they are not all there. what: what they are, for the error. */
  read(offset: number, bytes: number, what: string): Buffer {
    if (!this.has(offset, bytes)) throw this.endsBefore(offset, what);
    const target = Buffer.allocUnsafe(bytes);
    this.readInto(target, offset);
    return target;
  }

  /** Fills a target; the bytes must be there. */
  readInto(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.length; ) {
      const got = readSync(this.fd, target, done, target.length - done, offset + done);
      if (got === 0)
        throw this.fault(offset + done, "the file became shorter while it was read", "wait until it is complete");
      done += got;
    }
  }

  /** Something is wrong with what stands at an offset. */
  fault(offset: number, what: string, hint = "take the dump again"): PagekinError {
    return new PagekinError(what, { file: this.shownAs, offset, hint });
  }

  /** The file ends before what nothing can be read without, also with --allow-truncated. */
  endsBefore(offset: number, what: string): PagekinError {
    return this.fault(offset, `the file ends before ${what}`);
  }

  /** The file ends before what should be at an offset; what is there can be read. */
  cut(offset: number, what: string): PagekinError {
    const hint = "take the dump again, or read what is there with --allow-truncated";
    return this.fault(offset, `the file ends before ${what}`, hint);
  }
}
