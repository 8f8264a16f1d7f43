// The headers of a kdump. All numbers in them are in the dumped machine's byte order and word size, which nothing names:
// both are found by trying. Layouts: makedumpfile's IMPLEMENTATION and diskdump_mod.h.

import { BASE_PAGE_BYTES } from "../../core/hasher.js";
import type { PlainFile } from "../dump-file.js";
import type { NoteRange } from "./elf-notes.js";

export interface KdumpHeader {
  signature: "KDUMP" | "DISKDUMP";
  version: number;
  wordBits: 32 | 64;
  isLittleEndian: boolean;
  /** utsname: what the kernel calls itself, and the machine; whether any of it but the machine is there. */
  systemName: string;
  machine: string;
  isNamed: boolean;
  isIncomplete: boolean;
  /** What makedumpfile writes alike into all parts of a split dump, the time among it: all of the header but the status. */
  identity: string;
  /** Of a page as the dump has it, which need not be the guest's. */
  blockBytes: number;
  dumpLevel: number;
  /** The pages whose descriptors are in this file, of a split dump. */
  part?: { from: number; to: number };
  /** Where the bitmaps begin, and their bytes. */
  bitmapsAt: number;
  bitmapsBytes: number;
  descriptorsAt: number;
  /** Pages that the bitmaps speak of. */
  pages: number;
  notes?: NoteRange;
}

/** Bytes of the main header that are looked at. */
const HEAD = 464;
/** Bytes of the sub header, of the layout that takes most. */
const SUB_HEAD = 104;
const MOST_BITMAP_BYTES = 8 * 2 ** 30;
const MOST_NOTE_BYTES = 16 * 2 ** 20;
const INCOMPLETE = 8;
/** Where the texts of utsname are. */
const UTSNAME = { system: 12, node: 77, release: 142, version: 207, machine: 272 };

/** Numbers in the dump's byte order and word size. */
class Fields {
  constructor(
    readonly bytes: Buffer,
    readonly at: number,
    readonly little: boolean,
    readonly wide: boolean,
    private readonly file: PlainFile,
  ) {}

  u32(offset: number): number {
    return this.little ? this.bytes.readUInt32LE(offset) : this.bytes.readUInt32BE(offset);
  }

  u64(offset: number): number {
    const high = this.u32(this.little ? offset + 4 : offset);
    if (high >= 2 ** 21) throw this.file.fault(this.at + offset, "a number of the header is beyond 2^53");
    return high * 2 ** 32 + this.u32(this.little ? offset : offset + 4);
  }

  word(offset: number): number {
    return this.wide ? this.u64(offset) : this.u32(offset);
  }
}

/** Reads both headers and makes sure that what they say can be. */
export function readHeader(file: PlainFile): KdumpHeader {
  const head = file.read(0, HEAD, "the end of the kdump header");
  const main = sense(head, file);
  if (!main) throw file.fault(0, "invalid kdump header (no byte order or word size fits)");
  const [blockSizeAt, statusAt] = main.wide ? [428, 424] : [416, 412];
  const version = main.u32(8);
  if (version < 1 || version > 6)
    throw file.fault(8, `kdump header version ${version}: versions 1 to 6 are known`, "convert it with makedumpfile");
  const blockBytes = main.u32(blockSizeAt);
  const bitmapsAt = blockBytes * (1 + main.u32(blockSizeAt + 4));
  const bitmapsBytes = blockBytes * main.u32(blockSizeAt + 8);
  const header: KdumpHeader = {
    signature: head[0] === 0x4b ? "KDUMP" : "DISKDUMP",
    version,
    wordBits: main.wide ? 64 : 32,
    isLittleEndian: main.little,
    systemName: nameAt(head, UTSNAME.system),
    machine: nameAt(head, UTSNAME.machine),
    isNamed: [UTSNAME.system, UTSNAME.node, UTSNAME.release, UTSNAME.version].some((at) => nameAt(head, at) !== ""),
    identity: head.toString("latin1", 0, statusAt) + head.toString("latin1", statusAt + 4),
    isIncomplete: (main.u32(statusAt) & INCOMPLETE) !== 0,
    blockBytes,
    dumpLevel: 0,
    bitmapsAt,
    bitmapsBytes,
    descriptorsAt: bitmapsAt + bitmapsBytes,
    pages: main.u32(blockSizeAt + 12),
  };
  // The older diskdump has other things there.
  if (header.signature === "KDUMP") addSubHeader(file, header, main);
  checkBitmaps(file, header, blockSizeAt);
  return header;
}

/**
 * The byte order and word size in which the header makes sense. 32-bit first: in a 64-bit dump block_size's place of 32 bits
 * and the one behind it are one number, the microseconds of a time, and never both have a value that makes sense. In a 32-bit
 * dump block_size's place of 64 bits has max_mapnr, often a power of two.
 */
function sense(head: Buffer, file: PlainFile): Fields | undefined {
  for (const wide of [false, true]) {
    for (const little of [true, false]) {
      const fields = new Fields(head, 0, little, wide, file);
      const at = wide ? 428 : 416;
      const block = fields.u32(at);
      const isPowerOfTwo = (block & (block - 1)) === 0 && block >= BASE_PAGE_BYTES && block <= 65536;
      const subBlocks = fields.u32(at + 4);
      const bitmapBlocks = fields.u32(at + 8);
      const fits = subBlocks >= 1 && subBlocks <= 0xffff && bitmapBlocks >= 1 && bitmapBlocks <= 2 ** 24;
      if (isPowerOfTwo && fits && fields.u32(8) <= 0xff) return fields;
    }
  }
  return undefined;
}

function addSubHeader(file: PlainFile, header: KdumpHeader, main: Fields): void {
  const { blockBytes, version } = header;
  const sub = new Fields(
    file.read(blockBytes, SUB_HEAD, "the end of the kdump sub header"),
    blockBytes,
    main.little,
    main.wide,
    file,
  );
  const at = subHeaderLayout(header);
  header.dumpLevel = sub.u32(at.dumpLevel);
  if (version >= 6) header.pages = sub.u64(at.maxMapnr64);
  if (version >= 2 && sub.u32(at.dumpLevel + 4) !== 0) {
    const from = version >= 6 ? sub.u64(at.startPfn64) : sub.word(at.startPfn);
    const to = version >= 6 ? sub.u64(at.startPfn64 + 8) : sub.word(at.startPfn + at.word);
    if (from > to) throw file.fault(blockBytes + at.startPfn, `a part of a split dump from page ${from} to ${to}`);
    header.part = { from, to };
  }
  if (version < 4) return;
  const notes = { offset: sub.u64(at.note), bytes: sub.word(at.note + 8) };
  if (notes.bytes > 0 && notes.bytes <= MOST_NOTE_BYTES && file.has(notes.offset, notes.bytes)) header.notes = notes;
}

/**
 * Offsets in the sub header. In 32-bit dumps its 64-bit numbers are at multiples of 4 as i386 has them (QEMU: of any
 * machine, which it calls Unknown), or at multiples of 8 as other machines have them.
 */
function subHeaderLayout({ wordBits, machine }: KdumpHeader) {
  if (wordBits === 64) return { word: 8, dumpLevel: 8, startPfn: 16, note: 48, startPfn64: 80, maxMapnr64: 96 };
  const isPacked = /^(x86_64|i.86)$/i.test(machine) || machine === "" || machine === "Unknown";
  return isPacked
    ? { word: 4, dumpLevel: 4, startPfn: 12, note: 32, startPfn64: 56, maxMapnr64: 72 }
    : { word: 4, dumpLevel: 4, startPfn: 12, note: 40, startPfn64: 72, maxMapnr64: 88 };
}

function checkBitmaps(file: PlainFile, header: KdumpHeader, blockSizeAt: number): void {
  const { bitmapsAt, bitmapsBytes, pages } = header;
  const { secondAt, bytes } = bitmapsOf(header);
  // The last block need not be whole: a part of a split dump without a page ends there.
  const used = secondAt + bytes - bitmapsAt;
  if (pages > bitmapsBytes * 8)
    throw file.fault(blockSizeAt + 8, `bitmaps of ${bitmapsBytes} bytes are too short for ${pages} pages`);
  if (bitmapsBytes > MOST_BITMAP_BYTES)
    throw file.fault(blockSizeAt + 8, `bitmaps of ${bitmapsBytes} bytes: more than 8 GiB cannot be read`);
  // Without whole bitmaps nobody knows whose the pages are, also with --allow-truncated.
  const hint = "take the dump again";
  if (!file.has(bitmapsAt, used)) throw file.fault(bitmapsAt, "the file ends before the end of its bitmaps", hint);
  if (file.isCut && !file.isWritten(bitmapsAt, used))
    throw file.fault(bitmapsAt, "the file ends before all of its bitmaps are written", hint);
}

/** Where the bitmaps are; one may serve as both, in old dumps. */
interface Bitmaps {
  bytes: number;
  firstAt: number;
  secondAt: number;
}

/** A bitmap of each kind if there is room for both, otherwise one for both. */
export function bitmapsOf({ bitmapsAt, bitmapsBytes, blockBytes, pages }: KdumpHeader): Bitmaps {
  const needed = Math.ceil(pages / 8);
  const isOne = bitmapsBytes < 2 * Math.ceil(needed / blockBytes) * blockBytes;
  return { bytes: needed, firstAt: bitmapsAt, secondAt: isOne ? bitmapsAt : bitmapsAt + bitmapsBytes / 2 };
}

function nameAt(head: Buffer, at: number): string {
  const text = head.toString("latin1", at, at + 65);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
