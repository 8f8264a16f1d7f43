// Small things of a file that lie close to each other: headers of pieces, one after the other. A window takes many in one read.

import type { DumpFile } from "./dump-file.js";

/** A page of the operating system's cache: a smaller read costs as much. */
const WINDOW_BYTES = 4096;

export class Peek {
  /** The window; find() says where in it something stands. */
  readonly bytes = Buffer.alloc(WINDOW_BYTES);
  private start = 0;
  private held = 0;

  constructor(private readonly file: DumpFile) {}

  /** Where in the window the bytes at an offset stand, until the next call; -1 if the file does not have all of them. */
  find(offset: number, bytes: number): number {
    if (offset >= this.start && offset + bytes <= this.start + this.held) return offset - this.start;
    if (!this.file.has(offset, bytes)) return -1;
    this.held = Math.min(WINDOW_BYTES, this.file.bytes - offset);
    this.start = offset;
    this.file.readInto(this.bytes.subarray(0, this.held), offset);
    return 0;
  }
}
