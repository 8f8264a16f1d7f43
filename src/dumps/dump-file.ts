// A dump as a file whose bytes can be read at any place. Nothing that a header says of it is believed before it is checked.

import { fstatSync, readSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { endOfZeros } from "../system/zeros.js";

/** The unit in which file systems count allocated bytes, whatever their blocks are. */
const STAT_BLOCK = 512;

export class DumpFile {
  /** shownAs: how errors call it; bytes: its length. */
  constructor(
    readonly shownAs: string,
    private readonly fd: number,
    readonly bytes: number,
  ) {}

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

  /** The last bytes, so many or all. */
  end(bytes: number): Buffer {
    const there = Math.min(bytes, this.bytes);
    return this.read(this.bytes - there, there, "its end");
  }

  /** Where zeros that begin at an offset end. */
  endOfZeros(offset: number): Promise<number> {
    return endOfZeros(this.fd, offset, this.bytes);
  }

  /** Bytes that the file system has not allocated, about: it counts what it needs for itself, and may compress. */
  holeBytes(): number {
    return Math.max(0, this.bytes - fstatSync(this.fd).blocks * STAT_BLOCK);
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
