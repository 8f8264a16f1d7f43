// Writing an ELF core, front to back: header, notes, memory; then the segments' headers, whose number is not known before a
// running process has been read. What is not there has segments without bytes in the file.

import { closeSync, ftruncateSync, openSync } from "node:fs";
import { CORE, COUNT_IN_SECTION, FIELDS_64, SEGMENT } from "../dumps/formats/elf-header.js";
import { fromSystem } from "../errors.js";
import { breathe } from "../system/pace.js";
import { writeFully } from "../system/transfer.js";
import type { Area, ElfNote, LiveMemory } from "./live-memory.js";

const { bytes: HEADER_BYTES, segmentBytes: SEGMENT_BYTES, sectionBytes: SECTION_BYTES } = FIELDS_64;
const BUFFER_BYTES = 4 * 2 ** 20;
const SEGMENTS_AT_ONCE = 4096;

/** Where a file is written, and how errors call it. */
export interface Place {
  path: string;
  shownAs: string;
}

export interface Written {
  /** Bytes of memory in the file. */
  storedBytes: number;
  /** Bytes that were resident and could not be read. */
  unreadBytes: number;
}

/** Copies what is resident to a file that its owner alone may read. */
export async function writeCore(live: LiveMemory, place: Place, onBytes: (bytes: number) => void): Promise<Written> {
  const writer = new CoreWriter(live, place, onBytes);
  try {
    return await writer.write();
  } catch (error) {
    throw fromSystem(error, place.shownAs);
  } finally {
    writer.close();
  }
}

class CoreWriter {
  private readonly fd: number;
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private filled = 0;
  /** Where in the file the buffer begins. */
  private bufferAt: number;
  private readonly headers: Buffer[] = [];
  private segments = 0;
  private readonly notes: Buffer;
  private readonly isPhysical: boolean;

  constructor(
    private readonly live: LiveMemory,
    place: Place,
    private readonly onBytes: (bytes: number) => void,
  ) {
    this.notes = Buffer.concat(live.notes.map(noteBytes));
    this.isPhysical = live.addressSpace === "physical";
    const { pageBytes } = live.memory;
    this.bufferAt = Math.ceil((HEADER_BYTES + this.notes.length) / pageBytes) * pageBytes;
    if (this.notes.length > 0) this.addHeader(SEGMENT.note, 4, HEADER_BYTES, 0, this.notes.length, 0, 4);
    this.fd = openSync(place.path, "wx", 0o600);
  }

  close(): void {
    closeSync(this.fd);
  }

  async write(): Promise<Written> {
    const { areas, extents } = this.live;
    const { offsets } = extents.arrays();
    const written = { storedBytes: 0, unreadBytes: 0 };
    let next = 0;
    for (const area of areas) {
      const end = area.address + area.bytes;
      let at = area.address;
      for (; next < extents.count && extents.address(next) < end; next++) {
        const from = extents.address(next);
        this.addAbsent(area, at, from - at);
        at = from + extents.bytes(next);
        const stored = await this.copy(area, from, offsets[next], extents.bytes(next));
        written.storedBytes += stored;
        written.unreadBytes += extents.bytes(next) - stored;
      }
      this.addAbsent(area, at, end - at);
    }
    this.flush();
    this.finish();
    return written;
  }

  /** Copies a run of pages; those that cannot be read are absent. The answer is the bytes that could. */
  private async copy(area: Area, address: number, source: number, bytes: number): Promise<number> {
    const { memory } = this.live;
    let stored = 0;
    let runFrom = 0;
    let runAt = this.bufferAt + this.filled;
    const endRun = (at: number) => {
      if (at > runFrom) this.addStored(area, address + runFrom, at - runFrom, runAt);
    };
    for (let at = 0; at < bytes; ) {
      if (this.filled === BUFFER_BYTES) this.flush();
      const room = Math.min(BUFFER_BYTES - this.filled, bytes - at);
      const got = memory.read(this.buffer.subarray(this.filled, this.filled + room), source + at);
      this.filled += got;
      stored += got;
      this.onBytes(got);
      at += got;
      if (got < room) {
        endRun(at);
        this.addAbsent(area, address + at, memory.pageBytes);
        at += memory.pageBytes;
        runFrom = at;
        runAt = this.bufferAt + this.filled;
      }
      const turn = breathe();
      if (turn) await turn;
    }
    endRun(bytes);
    return stored;
  }

  private addStored(area: Area, address: number, bytes: number, offset: number): void {
    this.addHeader(SEGMENT.load, area.flags, offset, address, bytes, bytes, this.live.memory.pageBytes);
  }

  private addAbsent(area: Area, address: number, bytes: number): void {
    if (bytes > 0) this.addHeader(SEGMENT.load, area.flags, 0, address, 0, bytes, this.live.memory.pageBytes);
  }

  private addHeader(
    type: number,
    flags: number,
    offset: number,
    address: number,
    stored: number,
    bytes: number,
    align: number,
  ): void {
    const row = this.segments++ % SEGMENTS_AT_ONCE;
    if (row === 0) this.headers.push(Buffer.alloc(SEGMENTS_AT_ONCE * SEGMENT_BYTES));
    const words = new Words(this.headers[this.headers.length - 1], row * SEGMENT_BYTES);
    words.int4(type).int4(flags).int8(offset).int8(address);
    // QEMU writes the physical address twice; a process has none.
    words
      .int8(this.isPhysical ? address : 0)
      .int8(stored)
      .int8(bytes)
      .int8(align);
  }

  private flush(): void {
    writeFully(this.fd, this.buffer.subarray(0, this.filled), this.bufferAt);
    this.bufferAt += this.filled;
    this.filled = 0;
  }

  private finish(): void {
    const segmentsAt = this.bufferAt;
    const sectionAt = segmentsAt + this.segments * SEGMENT_BYTES;
    const inSection = this.segments >= COUNT_IN_SECTION;
    this.headers.forEach((rows, i) => {
      const count = Math.min(SEGMENTS_AT_ONCE, this.segments - i * SEGMENTS_AT_ONCE);
      writeFully(this.fd, rows.subarray(0, count * SEGMENT_BYTES), segmentsAt + i * SEGMENTS_AT_ONCE * SEGMENT_BYTES);
    });
    if (inSection) {
      const section = Buffer.alloc(SECTION_BYTES);
      section.writeUInt32LE(this.segments, 44);
      writeFully(this.fd, section, sectionAt);
    }
    const head = Buffer.alloc(HEADER_BYTES);
    head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    new Words(head, 16).int2(CORE).int2(this.live.machine).int4(1).int8(0).int8(segmentsAt);
    new Words(head, 40).int8(inSection ? sectionAt : 0).int4(0);
    new Words(head, 52).int2(HEADER_BYTES).int2(SEGMENT_BYTES).int2(Math.min(this.segments, COUNT_IN_SECTION));
    if (inSection) new Words(head, 58).int2(SECTION_BYTES).int2(1);
    writeFully(this.fd, head, 0);
    writeFully(this.fd, this.notes, HEADER_BYTES);
    // A file without memory ends at its headers all the same.
    if (!inSection) ftruncateSync(this.fd, sectionAt);
  }
}

/** Numbers one after the other, little-endian. */
class Words {
  constructor(
    private readonly target: Buffer,
    private at: number,
  ) {}

  int2(value: number): this {
    this.at = this.target.writeUInt16LE(value, this.at);
    return this;
  }

  int4(value: number): this {
    this.at = this.target.writeUInt32LE(value, this.at);
    return this;
  }

  int8(value: number): this {
    return this.int4(value % 2 ** 32).int4(Math.floor(value / 2 ** 32));
  }
}

/** A note of owner CORE. */
function noteBytes({ type, bytes }: ElfNote): Buffer {
  const head = Buffer.alloc(20);
  new Words(head, 0).int4(5).int4(bytes.length).int4(type);
  head.write("CORE", 12, "latin1");
  return Buffer.concat([head, bytes, Buffer.alloc(-bytes.length & 3)]);
}
