// The notes of a core, in an ELF file or a kdump: who wrote it, and what a process was.

import { breathe } from "../../system/pace.js";
import type { PlainFile } from "../dump-file.js";
import { type ElfHeader, Words } from "./elf-header.js";

/** Types of notes of owner CORE (include/uapi/linux/elf.h). */
export const CORE_NOTE = { prstatus: 1, prpsinfo: 3, auxv: 6, file: 0x46494c45 } as const;

/** Where notes are. */
export interface NoteRange {
  offset: number;
  bytes: number;
}

export interface Note {
  /** Its owner: CORE, QEMU, VMCOREINFO. */
  name: string;
  type: number;
  /** Where what it says is in the file, and how long. */
  offset: number;
  bytes: number;
}

const HEADER_BYTES = 12;
/** Longer than the name of any owner. */
const MOST_NAME_BYTES = 64;
const WINDOW_BYTES = 256 * 1024;
/** A process of a hundred thousand threads has fewer. */
const MOST_NOTES = 1 << 20;

const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;

/**
 * Visits the notes of some ranges. One that is longer than what is left ends its range; the answer is where the first such
 * one is, if there is one.
 */
export async function eachNote(
  file: PlainFile,
  { wide, little }: Pick<ElfHeader, "wide" | "little">,
  ranges: readonly NoteRange[],
  visit: (note: Note) => void,
): Promise<number | undefined> {
  const window = new Window(file);
  let broken: number | undefined;
  let notes = 0;
  let rangeBytes = 0;
  for (const range of ranges) {
    const end = range.offset + range.bytes;
    rangeBytes += range.bytes;
    if (rangeBytes > file.bytes) throw file.fault(range.offset, "there are more bytes of notes than the file has");
    window.end = end;
    for (let at = range.offset; at + HEADER_BYTES <= end; ) {
      if (++notes > MOST_NOTES) throw file.fault(at, `more notes than a core can have (${MOST_NOTES})`);
      const words = new Words(window.at(at, HEADER_BYTES), wide, little);
      const nameBytes = words.u32(0);
      const offset = at + HEADER_BYTES + padded(nameBytes);
      const bytes = words.u32(4);
      const type = words.u32(8);
      if (offset + bytes > end) {
        broken ??= at;
        break;
      }
      const name = window.at(at + HEADER_BYTES, Math.min(nameBytes, MOST_NAME_BYTES)).toString("latin1");
      visit({ name: name.split("\0", 1)[0], type, offset, bytes });
      at = offset + padded(bytes);
      await breathe();
    }
  }
  return broken;
}

/** A part of the file in memory, so that small things beside one another take one read. */
class Window {
  /** It never reaches beyond this. */
  end = 0;
  private start = 0;
  private bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly file: PlainFile) {}

  at(offset: number, bytes: number): Buffer {
    if (offset < this.start || offset + bytes > this.start + this.bytes.length) {
      this.start = offset;
      this.bytes = this.file.read(offset, Math.min(WINDOW_BYTES, this.end - offset), "the end of its notes");
    }
    return this.bytes.subarray(offset - this.start, offset - this.start + bytes);
  }
}
