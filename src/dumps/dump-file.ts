// A dump as a file whose bytes can be read at any place. Nothing that a header says of it is believed before it is checked.

import { closeSync, openSync, readSync } from "node:fs";
import { PagekinError } from "../errors.js";

/** Where a dump's bytes are, in a form that threads can hand on to each other. */
export interface FilePlace {
  /** A path; or a descriptor, which its owner keeps open. */
  at: string | number;
  /** Offset of the first byte: a dump inside a container begins behind the container's header. */
  start: number;
  /** From there on. */
  bytes: number;
  /** How errors call the file. */
  shownAs: string;
}

export class DumpFile {
  readonly shownAs: string;
  /** Length from `start` on, which all offsets are counted from. */
  readonly bytes: number;
  readonly start: number;
  private readonly at: string | number;
  private opened: number | undefined;

  /** Opens the file when something is read of it. */
  constructor({ at, start, bytes, shownAs }: FilePlace) {
    this.at = at;
    this.start = start;
    this.bytes = bytes;
    this.shownAs = shownAs;
  }

  get fd(): number {
    this.opened ??= typeof this.at === "string" ? openSync(this.at, "r") : this.at;
    return this.opened;
  }

  /** Closes what was opened here. */
  close(): void {
    if (this.opened !== undefined && typeof this.at === "string") closeSync(this.opened);
    this.opened = undefined;
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
      const got = readSync(this.fd, target, done, target.length - done, this.start + offset + done);
      if (got === 0)
        throw this.fault(offset + done, "the file became shorter while it was read", "wait until it is complete");
      done += got;
    }
  }

  /** Something is wrong with what stands at an offset. Messages count from the beginning of the whole file. */
  fault(offset: number, what: string, hint = "take the dump again"): PagekinError {
    return new PagekinError(what, { file: this.shownAs, offset: this.start + offset, hint });
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
