// A dump as a file whose bytes can be read at any place. Nothing that a header says of it is believed before it is checked.

import { closeSync, fstatSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { type InputFile, openAgain } from "../system/inputs.js";
import { readFully } from "../system/transfer.js";
import { endOfZeros } from "../system/zeros.js";

/** The unit in which file systems count allocated bytes, whatever their blocks are. */
const STAT_BLOCK = 512;

/** Where bytes are, in a form that threads can hand on to each other. */
export interface FilePlace {
  /** A file; or a descriptor, which its owner keeps open. */
  at: InputFile | number;
  /** Offset of the first byte: a dump inside a container begins behind the container's header. */
  start: number;
  /** From there on. */
  bytes: number;
  /** How errors call the file. */
  shownAs: string;
}

/** A place, with its descriptor once something was read of it. */
interface OpenPart extends FilePlace {
  /** Offset of its first byte in all parts. */
  from: number;
  fd: number | undefined;
}

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

/** One file, or several that are read as one: the parts of a split dump. */
export class DumpFile implements PlainFile {
  readonly isCut = false;
  /** Length of all parts. */
  readonly bytes: number;
  private readonly parts: OpenPart[] = [];

  /** Opens a file when something is read of it. */
  constructor(...places: readonly FilePlace[]) {
    let from = 0;
    for (const place of places) {
      this.parts.push({ ...place, from, fd: undefined });
      from += place.bytes;
    }
    this.bytes = from;
  }

  /** How errors call the file, or the first of several. */
  get shownAs(): string {
    return this.parts[0].shownAs;
  }

  /** Where the first byte is in its whole file. */
  get start(): number {
    return this.parts[0].start;
  }

  /** The descriptor of the file, or of the first of several. */
  get fd(): number {
    return descriptorOf(this.parts[0]);
  }

  /** Closes what was opened here. */
  close(): void {
    for (const part of this.parts) {
      if (part.fd !== undefined && typeof part.at !== "number") closeSync(part.fd);
      part.fd = undefined;
    }
  }

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
      const part = this.partAt(offset + done);
      const within = offset + done - part.from;
      const wanted = Math.min(target.length - done, part.bytes - within);
      const got = readFully(descriptorOf(part), target.subarray(done, done + wanted), part.start + within);
      done += got;
      if (got < wanted || wanted <= 0)
        throw this.fault(
          offset + done,
          "the file was truncated while it was read",
          "wait until no program writes to it, then try again",
        );
    }
  }

  /** The last bytes, so many or all. */
  end(bytes: number): Buffer {
    const there = Math.min(bytes, this.bytes);
    return this.read(this.bytes - there, there, "its end");
  }

  /** Where zeros that begin at an offset end. */
  endOfZeros(offset: number): Promise<number> {
    return endOfZeros(this.fd, this.start + offset, this.start + this.bytes).then((end) => end - this.start);
  }

  /** Bytes that the file system has not allocated, about: it counts what it needs for itself, and may compress. */
  holeBytes(): number {
    return Math.max(0, this.bytes - fstatSync(this.fd).blocks * STAT_BLOCK);
  }

  /** The part that an offset is in; the last one for what is behind all of them. */
  private partAt(offset: number): OpenPart {
    const { parts } = this;
    for (let i = parts.length - 1; i > 0; i--) if (offset >= parts[i].from) return parts[i];
    return parts[0];
  }

  /** Something is wrong with what stands at an offset. Messages count from the beginning of the whole file. */
  fault(offset: number, what: string, hint = "take the dump again"): PagekinError {
    const { shownAs, start, from } = this.partAt(offset);
    return new PagekinError(what, { file: shownAs, offset: start + offset - from, hint });
  }

  /** The file ends before what nothing can be read without, also with --allow-truncated. */
  endsBefore(offset: number, what: string): PagekinError {
    return this.fault(offset, `the file ends before ${what}`);
  }

  /** The file ends before what should be at an offset; what is there can be read. */
  cut(offset: number, what: string): PagekinError {
    const hint = "take the dump again, or accept truncated dumps with --allow-truncated";
    return this.fault(offset, `the file ends before ${what}`, hint);
  }
}

function descriptorOf(part: OpenPart): number {
  part.fd ??= typeof part.at === "number" ? part.at : openAgain(part.at);
  return part.fd;
}
