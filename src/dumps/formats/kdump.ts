// kdump: compressed machine dumps by makedumpfile and by QEMU's dump-guest-memory, plain or flattened. A page is a
// descriptor: where its data lie, and how they are compressed. Excluded and lost pages are absent.

import { BASE_PAGE_BYTES } from "../../core/hasher.js";
import type { DumpFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import { CORE_NOTE, eachNote } from "./elf-notes.js";
import { Flattened, isFlattened } from "./flattened.js";
import type { DumpFormat, DumpPlan, PlanSettings } from "./format.js";
import { isX86Machine, type KdumpHeader, type PlainFile, readHeader } from "./kdump-header.js";
import { KdumpPages, type PageCounts } from "./kdump-pages.js";

const SIGNATURES = ["KDUMP   ", "DISKDUMP"];

const signatureOf = (head: Buffer): string => head.toString("latin1", 0, 8);

export const kdump: DumpFormat = {
  name: "kdump",

  probe(head: Buffer): boolean {
    return SIGNATURES.includes(signatureOf(head)) || isFlattened(head);
  },

  async plan(file: DumpFile, { allowTruncated }: PlanSettings): Promise<DumpPlan> {
    const flattened = isFlattened(file.read(0, 12, "the end of its signature"))
      ? await Flattened.open(file, allowTruncated)
      : undefined;
    const plain = flattened ?? plainFile(file);
    if (flattened) checkInner(flattened);
    const header = readHeader(plain);
    const extents = new ExtentList();
    const pages = new KdumpPages(plain, header, extents, allowTruncated);
    await pages.plan();
    const extra = await flattened?.extra();
    return {
      addressSpace: "physical",
      extents,
      wins: "first",
      isX86: await isX86(plain, header),
      span: pages.ram,
      ...(extra && { extra }),
      notes: notesOf(header, pages.counts, plain.isCut),
      ...partOf(header, pages.counts, plain.isCut),
      details: detailsOf(header, pages.counts, flattened),
    };
  },
};

function plainFile(file: DumpFile): PlainFile {
  return {
    bytes: file.bytes,
    fileBytes: file.bytes,
    isCut: false,
    has: (offset, bytes) => file.has(offset, bytes),
    isWritten: (offset, bytes) => file.has(offset, bytes),
    read: (offset, bytes, what) => file.read(offset, bytes, what),
    readInto: (target, offset) => file.readInto(target, offset),
    place: (offset) => offset,
    fault: (offset, what, hint) => file.fault(offset, what, hint),
    cut: (offset, what) => file.cut(offset, what),
  };
}

/** A flattened dump may hold other formats than kdump. */
function checkInner(flattened: Flattened): void {
  const signature = signatureOf(flattened.read(0, 8, "the signature of the dump in it"));
  if (SIGNATURES.includes(signature)) return;
  const isElf = signature.startsWith("\x7fELF");
  const what = isElf
    ? "a flattened ELF core: pagekin reads it once it is plain"
    : "a flattened dump of an unknown format";
  throw flattened.fault(0, what, "make it plain with makedumpfile -R");
}

/** Bytes of a note of a processor's state (NT_PRSTATUS): i386 and x86-64. Firmware may not be in 64-bit mode yet. */
const X86_STATE_BYTES = [144, 336];

/**
 * The machine's name tells, if there is one: QEMU fills nothing else of utsname in, and recent ones call every machine
 * Unknown. Without a name: only QEMU's x86 writes notes of the name QEMU; notes of a processor's state have other sizes
 * elsewhere; without notes, little-endian 64-bit machines with pages of 4 KiB are mostly x86.
 */
async function isX86(file: PlainFile, header: KdumpHeader): Promise<boolean> {
  const { machine, notes, wordBits, isLittleEndian, blockBytes } = header;
  if (machine !== "" && machine !== "Unknown") return isX86Machine(machine);
  if (!isLittleEndian || blockBytes !== BASE_PAGE_BYTES) return false;
  let told: boolean | undefined;
  await eachNote(file, { wide: wordBits === 64, little: true }, notes ? [notes] : [], ({ name, type, bytes }) => {
    if (name === "QEMU") told ??= true;
    else if (name === "CORE" && type === CORE_NOTE.prstatus) told ??= X86_STATE_BYTES.includes(bytes);
  });
  return told ?? wordBits === 64;
}

/** Of a split dump: which part of it is here. */
function partOf(header: KdumpHeader, counts: PageCounts, isCut: boolean): Pick<DumpPlan, "part"> {
  const { part, ...whole } = header;
  if (!part) return {};
  const { blockBytes, pages } = whole;
  const [address, end] = [part.from * blockBytes, part.to * blockBytes];
  const notes = notesOf(whole, counts, isCut);
  return { part: { address, bytes: end - address, wholeEnd: pages * blockBytes, notes } };
}

function notesOf(header: KdumpHeader, counts: PageCounts, isCut: boolean): string[] {
  const { part, blockBytes } = header;
  const pages = (count: number) => `${count} ${count === 1 ? "page" : "pages"} of ${blockBytes} bytes`;
  const notes: string[] = [];
  if (header.isIncomplete) notes.push("The dump says of itself that it is incomplete.");
  if (counts.lost > 0) notes.push(`Lost when the dump was written, and absent: ${pages(counts.lost)}.`);
  if (isCut || counts.cut > 0) notes.push(`The file is not whole; missing, and absent: ${pages(counts.cut)}.`);
  if (part) {
    const own = `this one has those from page ${part.from} on, before page ${part.to}`;
    notes.push(`In other parts of a split dump, and absent: ${pages(counts.elsewhere)}; ${own}.`);
  }
  if (counts.excluded > 0)
    notes.push(`Left out on purpose (dump level ${header.dumpLevel}), and absent: ${pages(counts.excluded)}.`);
  return notes;
}

function detailsOf(header: KdumpHeader, counts: PageCounts, flattened: Flattened | undefined): Record<string, unknown> {
  return {
    signature: header.signature,
    header_version: header.version,
    word_bits: header.wordBits,
    byte_order: header.isLittleEndian ? "little" : "big",
    machine: header.machine,
    block_bytes: header.blockBytes,
    dump_level: header.dumpLevel,
    incomplete: header.isIncomplete,
    present_blocks: counts.present,
    excluded_blocks: counts.excluded,
    lost_blocks: counts.lost,
    ...(counts.cut > 0 && { cut_blocks: counts.cut }),
    ...(header.part && { part: { first_block: header.part.from, end_block: header.part.to } }),
    ...(flattened && { flattened_chunks: flattened.chunks }),
  };
}
