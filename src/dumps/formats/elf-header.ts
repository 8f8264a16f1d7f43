// The headers of an ELF file of either class and byte order: of the file, its segments and its sections.

import { breathe } from "../../system/pace.js";
import type { PlainFile } from "../dump-file.js";
import { AS_RAW } from "./known-hints.js";

export const MAGIC = 0x7f454c46;
/** e_type of a core. */
export const CORE = 4;
/** p_type of the segments that are looked at. */
export const SEGMENT = { load: 1, note: 4 } as const;
/** e_machine. */
export const MACHINE = {
  i386: 3,
  mips: 8,
  ppc: 20,
  ppc64: 21,
  s390: 22,
  arm: 40,
  x86_64: 62,
  aarch64: 183,
  riscv: 243,
  loongarch: 258,
} as const;

/** Where the fields of the file's header are. */
export const FIELDS_64 = {
  phoff: 32,
  shoff: 40,
  flags: 48,
  phentsize: 54,
  bytes: 64,
  segmentBytes: 56,
  sectionBytes: 64,
};
const FIELDS_32 = { phoff: 28, shoff: 32, flags: 36, phentsize: 42, bytes: 52, segmentBytes: 32, sectionBytes: 40 };

/** e_phnum where the number of segments is sh_info of section 0. */
export const COUNT_IN_SECTION = 0xffff;
/** No machine and no process has as many mappings; a file that says so would only fill the memory with them. */
const MOST_SEGMENTS = 1 << 22;
const HEADERS_AT_ONCE = 1024;

/** Numbers in a buffer, in the file's class and byte order. */
export class Words {
  private readonly view: DataView;

  constructor(
    bytes: Uint8Array,
    private readonly wide: boolean,
    private readonly little: boolean,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    return this.view.getUint16(at, this.little);
  }

  u32(at: number): number {
    return this.view.getUint32(at, this.little);
  }

  /** Exact below 2^53; a greater number is rounded, but never to below 2^53. */
  u64(at: number): number {
    const low = this.u32(this.little ? at : at + 4);
    return this.u32(this.little ? at + 4 : at) * 2 ** 32 + low;
  }

  /** An offset or size: 8 bytes, 4 in the 32-bit class. */
  word(at: number): number {
    return this.wide ? this.u64(at) : this.u32(at);
  }

  /** An address, which is exact. */
  address(at: number): bigint {
    return this.wide ? this.view.getBigUint64(at, this.little) : BigInt(this.u32(at));
  }
}

export interface ElfHeader {
  wide: boolean;
  little: boolean;
  machine: number;
  flags: number;
  phoff: number;
  segments: number;
  segmentBytes: number;
  shoff: number;
  sections: number;
  sectionBytes: number;
  /** Index of the section that holds the names of sections. */
  names: number;
  fields: typeof FIELDS_64;
}

/** Whether a file's head is that of an ELF core with sections and no segments, as Xen's dump-core writes it. */
export function hasSectionsOnly(head: Buffer): boolean {
  if (head.length < FIELDS_64.bytes) return false;
  const wide = head[4] === 2;
  const words = new Words(head, wide, head[5] === 1);
  const { phentsize } = wide ? FIELDS_64 : FIELDS_32;
  return words.u16(16) === CORE && words.u16(phentsize + 2) === 0 && words.u16(phentsize + 6) > 0;
}

/** The header of a core; any other ELF file is an error. */
export function readHeader(file: PlainFile): ElfHeader {
  const ident = file.read(0, 16, "the end of the ELF header");
  if (ident.readUInt32BE(0) !== MAGIC) throw file.fault(0, "not an ELF file");
  if (ident[4] !== 1 && ident[4] !== 2)
    throw file.fault(4, `unknown ELF class ${ident[4]} (1 is 32 bit, 2 is 64 bit)`, `name a memory dump ${AS_RAW}`);
  if (ident[5] !== 1 && ident[5] !== 2)
    throw file.fault(
      5,
      `unknown ELF byte order ${ident[5]} (1 is little-endian, 2 is big-endian)`,
      `name a memory dump ${AS_RAW}`,
    );
  const wide = ident[4] === 2;
  const little = ident[5] === 1;
  const fields = wide ? FIELDS_64 : FIELDS_32;
  const words = new Words(file.read(0, fields.bytes, "the end of the ELF header"), wide, little);
  const type = words.u16(16);
  if (type !== CORE)
    throw file.fault(16, `this is ${nameOfType(type)}, not a core dump`, `name a memory dump ${AS_RAW}`);
  // e_ehsize and e_version are not looked at: QEMU and VirtualBox write wrong ones.
  const header: ElfHeader = {
    wide,
    little,
    machine: words.u16(18),
    flags: words.u32(fields.flags),
    phoff: words.word(fields.phoff),
    segmentBytes: words.u16(fields.phentsize),
    segments: words.u16(fields.phentsize + 2),
    shoff: words.word(fields.shoff),
    sectionBytes: words.u16(fields.phentsize + 4),
    sections: words.u16(fields.phentsize + 6),
    names: words.u16(fields.phentsize + 8),
    fields,
  };
  if (header.segments === COUNT_IN_SECTION) header.segments = countInSection(file, header);
  return header;
}

export const isX86 = ({ machine }: ElfHeader) => machine === MACHINE.x86_64 || machine === MACHINE.i386;

export function nameOfMachine({ machine, wide }: ElfHeader): string {
  const name = Object.entries(MACHINE).find(([, number]) => number === machine)?.[0];
  return `${name?.replace("_", "-") ?? `ELF machine ${machine}`} (${wide ? 64 : 32} bit)`;
}

function nameOfType(type: number): string {
  const names: Record<number, string> = {
    1: "an ELF relocatable file",
    2: "an ELF executable",
    3: "an ELF executable or shared object",
  };
  return names[type] ?? `an ELF file of type ${type}`;
}

function countInSection(file: PlainFile, { shoff, wide, little, fields }: ElfHeader): number {
  if (shoff === 0)
    throw file.fault(fields.phentsize + 2, "the number of segments should be in section 0, but there is none");
  const words = new Words(
    file.read(shoff, fields.sectionBytes, "section 0, which has the number of segments"),
    wide,
    little,
  );
  return words.u32(wide ? 44 : 28);
}

export interface Segment {
  /** From 0, in the order of their headers. */
  index: number;
  /** Where its header is in the file. */
  at: number;
  type: number;
  flags: number;
  offset: number;
  vaddr: bigint;
  paddr: bigint;
  filesz: number;
  memsz: number;
}

/** Visits every segment. It is always the same object, with other values. */
export async function eachSegment(
  file: PlainFile,
  header: ElfHeader,
  visit: (segment: Segment) => void,
): Promise<void> {
  const { wide, little, phoff, segments, fields } = header;
  if (segments > MOST_SEGMENTS)
    throw file.fault(fields.phentsize + 2, `${segments} segments are more than a core can have (${MOST_SEGMENTS})`);
  if (segments > 0 && header.segmentBytes !== fields.segmentBytes)
    throw file.fault(fields.phentsize, `a program header has ${fields.segmentBytes} bytes, not ${header.segmentBytes}`);
  if (!file.has(phoff, segments * fields.segmentBytes))
    throw file.endsBefore(Math.min(phoff, file.bytes), `the end of its ${segments} program headers`);
  const segment: Segment = { index: 0, at: 0, type: 0, flags: 0, offset: 0, vaddr: 0n, paddr: 0n, filesz: 0, memsz: 0 };
  for (let first = 0; first < segments; first += HEADERS_AT_ONCE) {
    const count = Math.min(HEADERS_AT_ONCE, segments - first);
    const start = phoff + first * fields.segmentBytes;
    const words = new Words(file.read(start, count * fields.segmentBytes, "its program headers"), wide, little);
    for (let i = 0; i < count; i++) {
      const at = i * fields.segmentBytes;
      segment.index = first + i;
      segment.at = start + at;
      fill(segment, words, at, wide);
      visit(segment);
    }
    await breathe();
  }
}

function fill(segment: Segment, words: Words, at: number, wide: boolean): void {
  const word = wide ? 8 : 4;
  // The flags stand behind the type in the 64-bit class, near the end in the 32-bit class.
  const rest = at + (wide ? 8 : 4);
  segment.type = words.u32(at);
  segment.flags = words.u32(at + (wide ? 4 : 24));
  segment.offset = words.word(rest);
  segment.vaddr = words.address(rest + word);
  segment.paddr = words.address(rest + 2 * word);
  segment.filesz = words.word(rest + 3 * word);
  segment.memsz = words.word(rest + 4 * word);
}

export interface Section {
  /** Where its header is in the file. */
  at: number;
  offset: number;
  bytes: number;
}

/** Sections by name. A name that occurs twice means the first. */
export function readSections(file: PlainFile, header: ElfHeader): Map<string, Section> {
  const { wide, little, shoff, sections, names, fields } = header;
  if (sections > 0 && header.sectionBytes !== fields.sectionBytes)
    throw file.fault(
      fields.phentsize + 4,
      `a section header has ${fields.sectionBytes} bytes, not ${header.sectionBytes}`,
    );
  const table = file.read(shoff, sections * fields.sectionBytes, `the end of its ${sections} section headers`);
  const words = new Words(table, wide, little);
  const sectionAt = (i: number): Section => {
    const at = i * fields.sectionBytes;
    return {
      at: shoff + at,
      offset: words.word(at + (wide ? 24 : 16)),
      bytes: words.word(at + (wide ? 32 : 20)),
    };
  };
  if (names >= sections)
    throw file.fault(fields.phentsize + 8, `section ${names} should have the names of the ${sections} sections`);
  const strings = sectionAt(names);
  if (!file.has(strings.offset, strings.bytes)) throw file.endsBefore(strings.at, "the names of its sections");
  const found = new Map<string, Section>();
  for (let i = 0; i < sections; i++) {
    const name = nameAt(file, strings, words.u32(i * fields.sectionBytes));
    if (!found.has(name)) found.set(name, sectionAt(i));
  }
  return found;
}

/** Longer than every name that is looked for. */
const NAME_BYTES = 32;

function nameAt(file: PlainFile, strings: Section, start: number): string {
  const bytes = Math.min(NAME_BYTES, strings.bytes - start);
  if (bytes <= 0) return "";
  return file
    .read(strings.offset + start, bytes, "a section's name")
    .toString("latin1")
    .split("\0", 1)[0];
}
