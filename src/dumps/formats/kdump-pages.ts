// The bitmaps and page descriptors of a kdump. Bit i of the first bitmap says that page i is RAM, of the second that it is
// dumped; the descriptors of the dumped pages follow each other in the order of the pages.

import { breathe } from "../../system/pace.js";
import type { PlainFile } from "../dump-file.js";
import { CODE, type Code, type ExtentList } from "../extents.js";
import type { Range } from "./format.js";
import { bitmapsOf, type KdumpHeader } from "./kdump-header.js";

const DESCRIPTOR = 24;
const DESCRIPTORS_AT_ONCE = 8192;
/** Of a bitmap at a time: the bits of 131,072 pages. */
const WINDOW = 16 * 1024;
const ZEROS = Buffer.alloc(WINDOW);
/** RAM is not in so many pieces, and each takes memory here. */
const MOST_RANGES = 2 ** 20;

/** What the flags of a descriptor say. */
const CODES = new Map<number, Code>([
  [0, CODE.stored],
  [1, CODE.zlib],
  [2, CODE.lzo],
  [4, CODE.snappy],
  [0x20, CODE.zstd],
]);

/** Numbers of pages. */
export interface PageCounts {
  present: number;
  /** In the first bitmap alone. */
  excluded: number;
  /** Their descriptors have no place. */
  lost: number;
  /** Descriptor or data lie beyond the end of a cut file. */
  cut: number;
  /** In the other parts of a split dump. */
  elsewhere: number;
}

export class KdumpPages {
  readonly counts: PageCounts = { present: 0, excluded: 0, lost: 0, cut: 0, elsewhere: 0 };
  readonly ram: Range[] = [];
  private readonly descriptors: Descriptors;
  private readonly from: number;
  private readonly to: number;
  private ramFrom = -1;
  /** The descriptor with the first data, which must lie behind all descriptors. */
  private lowest = Number.POSITIVE_INFINITY;
  private lowestAt = 0;

  constructor(
    private readonly file: PlainFile,
    private readonly header: KdumpHeader,
    private readonly extents: ExtentList,
    private readonly allowTruncated: boolean,
  ) {
    this.descriptors = new Descriptors(file, header);
    this.from = header.part?.from ?? 0;
    this.to = header.part?.to ?? header.pages;
  }

  /** Adds an extent for each page that is there. */
  async plan(): Promise<void> {
    const { bytes, firstAt, secondAt } = bitmapsOf(this.header);
    const first = Buffer.alloc(WINDOW);
    const second = Buffer.alloc(WINDOW);
    for (let done = 0; done < bytes; done += WINDOW) {
      const length = Math.min(WINDOW, bytes - done);
      this.fill(first, firstAt + done, length, done);
      this.fill(second, secondAt + done, length, done);
      if (!first.equals(ZEROS) || !second.equals(ZEROS)) this.window(first, second, done * 8);
      else this.endRam(done * 8);
      await breathe();
    }
    this.endRam(bytes * 8);
    this.checkLowest();
  }

  /** A window of a bitmap; bits beyond the last page are nobody's. */
  private fill(window: Buffer, offset: number, length: number, done: number): void {
    window.fill(0, length);
    this.file.readInto(window.subarray(0, length), offset);
    const last = this.header.pages - done * 8;
    if (last < length * 8 && last % 8 !== 0) window[last >> 3] &= (1 << (last & 7)) - 1;
  }

  private window(first: Buffer, second: Buffer, firstPage: number): void {
    for (let i = 0; i < WINDOW; i++) {
      const dumped = second[i];
      // A page that is dumped is spoken of, whatever the first bitmap says.
      const ram = first[i] | dumped;
      const page = firstPage + i * 8;
      if (ram === 0) {
        if (this.ramFrom >= 0) this.endRam(page);
        continue;
      }
      if (ram !== 0xff || this.ramFrom < 0) this.addRam(ram, page);
      if (ram !== dumped) this.counts.excluded += bitsOf(ram ^ dumped);
      for (let bits = dumped; bits !== 0; bits &= bits - 1) this.addPage(page + 31 - Math.clz32(bits & -bits));
    }
  }

  private addRam(bits: number, page: number): void {
    for (let bit = 0; bit < 8; bit++) {
      if ((bits & (1 << bit)) === 0) this.endRam(page + bit);
      else if (this.ramFrom < 0) this.ramFrom = page + bit;
    }
  }

  private endRam(page: number): void {
    if (this.ramFrom < 0) return;
    const { blockBytes, bitmapsAt } = this.header;
    if (this.ram.length === MOST_RANGES)
      throw this.file.fault(bitmapsAt + Math.floor(page / 8), "the bitmap has RAM in more than a million pieces");
    this.ram.push({ address: this.ramFrom * blockBytes, bytes: (page - this.ramFrom) * blockBytes });
    this.ramFrom = -1;
  }

  private addPage(page: number): void {
    if (page < this.from || page >= this.to) {
      this.counts.elsewhere++;
      return;
    }
    const next = this.descriptors;
    if (!next.read()) {
      this.cutPage(next.at, "the descriptor", page);
      return;
    }
    // An incomplete dump has no place for the pages that it lost. In a cut one the descriptor itself may be missing.
    if (next.offset === 0) {
      if (this.file.isCut && !this.file.isWritten(next.at, DESCRIPTOR)) this.counts.cut++;
      else this.counts.lost++;
      return;
    }
    const code = this.check(page);
    if (!this.file.isWritten(next.offset, next.size)) {
      this.cutPage(next.offset, "the data", page);
      return;
    }
    if (next.offset < this.lowest) {
      this.lowest = next.offset;
      this.lowestAt = next.at;
    }
    const { blockBytes } = this.header;
    this.extents.add(page * blockBytes, blockBytes, code, this.file.place(next.offset, next.size), next.size);
    this.counts.present++;
  }

  /** The code of the descriptor that was read, whose fields can be. */
  private check(page: number): Code {
    const { at, size, flags } = this.descriptors;
    const code = CODES.get(flags);
    if (code === undefined)
      throw this.file.fault(at + 12, `page ${page} has unknown flags 0x${flags.toString(16)} in its descriptor`);
    const { blockBytes } = this.header;
    if (size === 0 || size > blockBytes || (code === CODE.stored && size !== blockBytes))
      throw this.file.fault(at + 8, `page ${page} of ${blockBytes} bytes has ${size} bytes of data`);
    return code;
  }

  private cutPage(offset: number, what: string, page: number): void {
    if (!this.allowTruncated) throw this.file.cut(offset, `${what} of page ${page}`);
    this.counts.cut++;
  }

  private checkLowest(): void {
    const end = this.descriptors.at + (this.descriptors.count > 0 ? DESCRIPTOR : 0);
    if (this.lowest < end)
      throw this.file.fault(this.lowestAt, `a page's data at 0x${this.lowest.toString(16)}, inside the headers`);
  }
}

/** Reads descriptor after descriptor into its fields, so that nothing is allocated for each. */
class Descriptors {
  /** Where the last one stands, and how many there were. */
  at: number;
  count = 0;
  offset = 0;
  size = 0;
  flags = 0;
  private readonly little: boolean;
  private readonly window: DataView;
  private readonly bytes: Buffer;
  private left = 0;
  private position = 0;

  constructor(
    private readonly file: PlainFile,
    header: KdumpHeader,
  ) {
    this.at = header.descriptorsAt;
    this.little = header.isLittleEndian;
    this.bytes = Buffer.alloc(DESCRIPTOR * DESCRIPTORS_AT_ONCE);
    this.window = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Whether there was another in the file. */
  read(): boolean {
    if (this.count > 0) this.at += DESCRIPTOR;
    this.count++;
    if (this.left === 0 && !this.refill()) return false;
    const { window, little, position } = this;
    const high = window.getUint32(little ? position + 4 : position, little);
    const low = window.getUint32(little ? position : position + 4, little);
    if (high >= 2 ** 21) throw this.file.fault(this.at, "a descriptor's offset is beyond 2^53");
    this.offset = high * 2 ** 32 + low;
    this.size = window.getUint32(position + 8, little);
    this.flags = window.getUint32(position + 12, little);
    this.position += DESCRIPTOR;
    this.left--;
    return true;
  }

  private refill(): boolean {
    const there = Math.floor((this.file.bytes - this.at) / DESCRIPTOR);
    // Of a flattened dump the plain file may have no end; but each descriptor takes its bytes in the dump.
    const room = Math.floor(this.file.fileBytes / DESCRIPTOR) - this.count + 1;
    this.left = Math.max(0, Math.min(DESCRIPTORS_AT_ONCE, there, room));
    if (this.left === 0) return false;
    this.file.readInto(this.bytes.subarray(0, this.left * DESCRIPTOR), this.at);
    this.position = 0;
    return true;
  }
}

function bitsOf(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}
