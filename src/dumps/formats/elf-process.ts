// What the core of a process tells of it: its number and name, the files that it had mapped, where the kernel's own pages are.

import type { PlainFile } from "../dump-file.js";
import { folded, type Parts, unfolded } from "../folding.js";
import { type ElfHeader, MACHINE, type Segment, Words } from "./elf-header.js";
import { CORE_NOTE, type Note } from "./elf-notes.js";
import type { Range } from "./format.js";

const AT_SYSINFO_EHDR = 33;

/** More than any kernel writes; longer notes are not read. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Where the number and the name are, by the length of the note: 64-bit, 32-bit, 32-bit with short user numbers. */
const PRPSINFO_FIELDS: Record<number, { pid: number; name: number }> = {
  136: { pid: 24, name: 40 },
  128: { pid: 16, name: 32 },
  124: { pid: 12, name: 28 },
};
const NAME_BYTES = 16;

export interface Mapping {
  start: bigint;
  end: bigint;
  file: string;
}

/** Whether a note is one that only cores of processes have. */
export function isOfProcess({ name, type }: Note): boolean {
  return name === "CORE" && (type === CORE_NOTE.prpsinfo || type === CORE_NOTE.auxv || type === CORE_NOTE.file);
}

/** What the notes say. The first of a kind counts. */
export class ProcessNotes {
  pid: number | undefined;
  name: string | undefined;
  mappings: Mapping[] | undefined;
  /** Whether the list of mappings is not as long as it says. */
  mappingsLie = false;
  vdso: bigint | undefined;

  constructor(
    private readonly file: PlainFile,
    private readonly header: ElfHeader,
  ) {}

  take(note: Note): void {
    if (note.bytes > MOST_BYTES) return;
    if (note.type === CORE_NOTE.prpsinfo && this.pid === undefined) this.takeNames(note);
    if (note.type === CORE_NOTE.auxv && this.vdso === undefined) this.takeVdso(note);
    if (note.type === CORE_NOTE.file && this.mappings === undefined) this.takeMappings(note);
  }

  private bytesOf({ offset, bytes }: Note): { bytes: Buffer; words: Words; word: number } {
    const { wide, little } = this.header;
    const read = this.file.read(offset, bytes, "the end of a note");
    return { bytes: read, words: new Words(read, wide, little), word: wide ? 8 : 4 };
  }

  private takeNames(note: Note): void {
    const fields = PRPSINFO_FIELDS[note.bytes];
    if (!fields) return;
    const { bytes, words } = this.bytesOf(note);
    this.pid = words.u32(fields.pid);
    this.name = textAt(bytes, fields.name, fields.name + NAME_BYTES);
  }

  private takeVdso(note: Note): void {
    const { words, word } = this.bytesOf(note);
    for (let at = 0; at + 2 * word <= note.bytes; at += 2 * word) {
      if (words.word(at) !== AT_SYSINFO_EHDR) continue;
      this.vdso = words.address(at + word);
      return;
    }
  }

  private takeMappings(note: Note): void {
    const { bytes, words, word } = this.bytesOf(note);
    this.mappings = [];
    const room = Math.floor((note.bytes - 2 * word) / (3 * word));
    const said = note.bytes < 2 * word ? 0 : words.word(0);
    const count = Math.min(said, Math.max(room, 0));
    let name = (2 + 3 * count) * word;
    this.mappingsLie = said > count;
    for (let i = 0; i < count; i++) {
      const at = (2 + 3 * i) * word;
      const nameEnd = bytes.indexOf(0, name);
      if (nameEnd < 0) {
        this.mappingsLie = true;
        return;
      }
      const [start, end] = [words.address(at), words.address(at + word)];
      if (start < end) this.mappings.push({ start, end, file: textAt(bytes, name, nameEnd) });
      name = nameEnd + 1;
    }
  }
}

/** The text up to the first zero byte, or to an end. */
function textAt(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("utf8", start, end).split("\0", 1)[0];
}

/** The vdso has a few pages, and so have the vvar pages that stand directly before it. */
const MOST_VDSO_BYTES = 1024 * 1024;
const MOST_VVAR_BYTES = 64 * 1024;
/** There are two at most today. */
const MOST_VVAR_SEGMENTS = 8;
const READ_ONLY = 4;

interface Neighbour {
  start: number;
  end: number;
  readOnly: boolean;
}

/** Where the vsyscall page of x86-64 is, and what was reserved for it (Linux: arch/x86/include/uapi/asm/vsyscall.h). */
const VSYSCALL = { address: 0xffff_ffff_ff60_0000n, bytes: 8 * 2 ** 20 };

/** Finds the vsyscall, vdso and vvar pages among the segments of a process: the kernel's, the same for all processes. */
export class KernelPages {
  private readonly vdso: number | undefined;
  private vdsoSegment: Neighbour | undefined;
  private readonly before = new Map<number, Neighbour>();

  /** parts: how addresses are folded. */
  constructor(
    private readonly notes: ProcessNotes,
    private readonly machine: number,
    private readonly parts: Parts,
  ) {
    this.vdso = notes.vdso === undefined ? undefined : folded(parts, notes.vdso);
  }

  /** Looks at a segment with a folded address. */
  look(address: number, { memsz, flags }: Segment): void {
    const { vdso } = this;
    if (vdso === undefined || address > vdso) return;
    const segment = { start: address, end: address + memsz, readOnly: flags === READ_ONLY };
    if (segment.end > vdso && memsz <= MOST_VDSO_BYTES) this.vdsoSegment ??= segment;
    else if (vdso - segment.end < MOST_VDSO_BYTES && memsz <= MOST_VVAR_BYTES) this.before.set(segment.end, segment);
  }

  /** By folded addresses. */
  get ranges(): Range[] {
    return [...this.vdsoRanges(), ...this.vsyscallRanges()];
  }

  private vsyscallRanges(): Range[] {
    const address = this.machine === MACHINE.x86_64 ? folded(this.parts, VSYSCALL.address) : undefined;
    return address === undefined ? [] : [{ address, bytes: VSYSCALL.bytes }];
  }

  /** No note names the vvar pages: they are what stands before the vdso, may only be read, and is of no file. */
  private vdsoRanges(): Range[] {
    if (!this.vdsoSegment) return [];
    const { end } = this.vdsoSegment;
    let { start } = this.vdsoSegment;
    for (let i = 0; i < MOST_VVAR_SEGMENTS; i++) {
      const vvar = this.before.get(start);
      if (!vvar?.readOnly || this.isOfFile(vvar)) break;
      start = vvar.start;
    }
    return [{ address: start, bytes: end - start }];
  }

  private isOfFile({ start, end }: Neighbour): boolean {
    const [from, to] = [unfolded(this.parts, start), unfolded(this.parts, end)];
    return this.notes.mappings?.some((mapping) => mapping.start < to && from < mapping.end) ?? false;
  }
}
