// The bytes of a dump by address, whatever their layout and coding.

import { CODE_NAMES, type Decoders } from "./codecs.js";
import type { DumpFile } from "./dump-file.js";
import { CODE, type Code, MOST_CODED_BYTES } from "./extents.js";
import { unfolded } from "./folding.js";
import type { Layout } from "./layout.js";
import { firstBehind } from "./sweep.js";

/** Small extents that follow one another are read together, up to so many bytes. */
const WINDOW_BYTES = 512 * 1024;
/** Where they do not follow one another, less is read ahead. */
const SMALL_WINDOW = 16 * 1024;

/** Bytes of the file that were read. */
interface Window {
  buffer: Uint8Array;
  from: number;
  to: number;
}

/** Of a buffer that is made when something comes into it: most dumps need none. */
const NO_BYTES: Uint8Array = new Uint8Array(0);
const newWindow = (): Window => ({ buffer: NO_BYTES, from: 0, to: 0 });
const holds = ({ from, to }: Window, offset: number, bytes: number) => offset >= from && offset + bytes <= to;
const goesOn = ({ from, to }: Window, offset: number) => offset >= from && offset - to < SMALL_WINDOW;

const KIB = 1024;
const GROUP_KIBS = 16;

export class DumpReader {
  /** Bytes that the last read found. */
  bytesRead = 0;
  /** One goes through the file; the other is for what lies elsewhere, as a zero page to which all zero pages point. */
  private ahead = newWindow();
  private aside = newWindow();
  /** The extent that was decoded last of those that were not wanted whole. */
  private decoded = -1;
  private decodedBytes = NO_BYTES;
  /** The piece that the last read began with. */
  private piece = 0;

  constructor(
    private readonly file: DumpFile,
    private readonly layout: Layout,
    private readonly decoders: Decoders,
  ) {}

  /**
   * Reads the target's length from an address on. present: for each 16 KiB which of its KiB are there, a bit each.
   * all: nothing is missing; none: nothing is there.
   */
  read(address: number, target: Uint8Array, present: Uint16Array): "all" | "some" | "none" {
    const { from, to } = this.layout.pieces;
    const end = address + target.length;
    this.piece = this.firstPiece(address);
    present.fill(0);
    let covered = 0;
    let at = address;
    for (let i = this.piece; i < from.length && from[i] < end; ) {
      // Pieces that follow one another make one stretch.
      const start = Math.max(from[i], address);
      at = start;
      for (; i < from.length && Math.max(from[i], address) === at && at < end; i++) {
        const until = Math.min(to[i], end);
        this.readPart(i, at, target, at - address, until - at);
        at = until;
      }
      covered += at - start;
      mark(present, Math.ceil((start - address) / KIB), Math.floor((at - address) / KIB));
    }
    this.bytesRead = covered;
    return covered === target.length ? "all" : covered === 0 ? "none" : "some";
  }

  /** The first piece that ends behind an address; mostly near the one before. */
  private firstPiece(address: number): number {
    const { from, to } = this.layout.pieces;
    const { piece } = this;
    if (piece < from.length && from[piece] <= address) {
      for (let i = piece; i < Math.min(piece + 8, from.length); i++) if (to[i] > address) return i;
    }
    return firstBehind(to, address);
  }

  /** Bytes of a piece from an address on, to a place of the target. (A view of each would take longer than small pages do.) */
  private readPart(piece: number, address: number, target: Uint8Array, place: number, bytes: number): void {
    const { extents, pieces } = this.layout;
    const extent = pieces.extent[piece];
    const code = extents.codes[extent] as Code;
    const skipped = address - extents.addresses[extent];
    if (code === CODE.zero) {
      target.fill(0, place, place + bytes);
    } else if (code === CODE.stored) {
      this.readBytes(extents.offsets[extent] + skipped, target, place, bytes);
    } else if (bytes === extents.lengths[extent]) {
      this.decode(extent, code, target, place, bytes);
    } else {
      target.set(this.decodedWhole(extent, code).subarray(skipped, skipped + bytes), place);
    }
  }

  /** An extent that is wanted part after part. */
  private decodedWhole(extent: number, code: Code): Uint8Array {
    if (this.decoded !== extent) {
      this.decoded = -1;
      if (this.decodedBytes === NO_BYTES) this.decodedBytes = new Uint8Array(MOST_CODED_BYTES);
      this.decode(extent, code, this.decodedBytes, 0, this.layout.extents.lengths[extent]);
      this.decoded = extent;
    }
    return this.decodedBytes;
  }

  private readBytes(offset: number, target: Uint8Array, place: number, bytes: number): void {
    const isExtra = offset >= this.file.bytes && this.layout.extra !== undefined;
    if (!isExtra && (bytes >= SMALL_WINDOW * 4 || this.layout.isLive)) {
      this.file.readInto(target.subarray(place, place + bytes), offset);
    } else {
      target.set(this.bytesAt(offset, bytes), place);
    }
  }

  /** Bytes of the file, in a buffer that the next call overwrites. */
  private bytesAt(offset: number, bytes: number): Uint8Array {
    const { extra } = this.layout;
    if (offset >= this.file.bytes && extra)
      return extra.subarray(offset - this.file.bytes, offset - this.file.bytes + bytes);
    const window = this.windowFor(offset, bytes);
    return window.buffer.subarray(offset - window.from, offset - window.from + bytes);
  }

  private windowFor(offset: number, bytes: number): Window {
    if (holds(this.ahead, offset, bytes)) return this.ahead;
    if (holds(this.aside, offset, bytes)) return this.aside;
    if (!goesOn(this.ahead, offset)) {
      if (!goesOn(this.aside, offset)) return this.fill(this.aside, offset, Math.max(bytes, SMALL_WINDOW));
      [this.ahead, this.aside] = [this.aside, this.ahead];
    }
    return this.fill(this.ahead, offset, WINDOW_BYTES);
  }

  private fill(window: Window, offset: number, bytes: number): Window {
    if (window.buffer === NO_BYTES) window.buffer = new Uint8Array(WINDOW_BYTES);
    const there = Math.min(bytes, this.file.bytes - offset);
    window.from = offset;
    window.to = offset;
    this.file.readInto(window.buffer.subarray(0, there), offset);
    window.to = offset + there;
    return window;
  }

  /** Decodes a whole extent to a place of a target. */
  private decode(extent: number, code: Code, target: Uint8Array, place: number, bytes: number): void {
    const { extents, parts } = this.layout;
    const offset = extents.offsets[extent];
    const decode = this.decoders[code];
    if (!decode) throw new Error(`no decoder for code ${code}`);
    if (decode(this.bytesAt(offset, extents.sizes[extent]), target, place, bytes)) return;
    const what = `the page at 0x${unfolded(parts, extents.addresses[extent]).toString(16)} is damaged (${CODE_NAMES[code]})`;
    throw this.file.fault(offset, what, "take or copy the dump again");
  }
}

/** Sets the bits of KiB from..to-1. */
function mark(present: Uint16Array, from: number, to: number): void {
  for (let kib = from; kib < to; ) {
    const group = Math.floor(kib / GROUP_KIBS);
    const end = Math.min(to, (group + 1) * GROUP_KIBS);
    present[group] |= ((1 << (end - group * GROUP_KIBS)) - 1) & ~((1 << (kib - group * GROUP_KIBS)) - 1);
    kib = end;
  }
}
