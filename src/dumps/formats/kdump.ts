// kdump: compressed machine dumps by makedumpfile and by QEMU's dump-guest-memory, plain or flattened. A page is a
// descriptor: where its data lie, and how they are compressed. Excluded and lost pages are absent.

import type { DumpFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import { Flattened, isFlattened, SIGNATURE_BYTES } from "./flattened.js";
import type { DumpFormat, DumpPlan, PlanSettings } from "./format.js";
import { type KdumpHeader, readHeader } from "./kdump-header.js";
import { KdumpPages, type PageCounts } from "./kdump-pages.js";
import { writerOf } from "./kdump-writer.js";

const SIGNATURES = ["KDUMP   ", "DISKDUMP"];

const signatureOf = (head: Buffer): string => head.toString("latin1", 0, 8);

export const kdump: DumpFormat = {
  name: "kdump",

  probe(head: Buffer): boolean {
    return SIGNATURES.includes(signatureOf(head)) || isFlattened(head);
  },

  async plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
    const { allowTruncated } = settings;
    const flattened = isFlattened(file.read(0, SIGNATURE_BYTES, "the end of its signature"))
      ? await Flattened.open(file, allowTruncated)
      : undefined;
    if (flattened && formatInside(flattened) === "elf")
      return (await import("./elf.js")).planFlattenedCore(flattened, settings);
    const plain = flattened ?? file;
    const header = readHeader(plain);
    const extents = new ExtentList();
    const pages = new KdumpPages(plain, header, extents, allowTruncated);
    await pages.plan();
    const extra = await flattened?.extra();
    const { writer, board } = await writerOf(plain, header);
    return {
      addressSpace: "physical",
      extents,
      wins: "first",
      ...(board && { board }),
      span: pages.ram,
      ...(extra && { extra }),
      notes: notesOf(header, pages.counts, plain.isCut),
      ...partOf(header, pages.counts, plain.isCut),
      details: { ...(writer && { writer }), ...detailsOf(header, pages.counts, flattened) },
    };
  },
};

/** A flattened dump may hold other formats than kdump. */
function formatInside(flattened: Flattened): "kdump" | "elf" {
  const signature = signatureOf(flattened.read(0, 8, "the signature of the dump in it"));
  if (SIGNATURES.includes(signature)) return "kdump";
  if (signature.startsWith("\x7fELF")) return "elf";
  throw flattened.fault(0, "a flattened dump of an unknown format", "make it plain with makedumpfile -R");
}

/** Of a split dump: which part of it is here. */
function partOf(header: KdumpHeader, counts: PageCounts, isCut: boolean): Pick<DumpPlan, "part"> {
  const { part, ...whole } = header;
  if (!part) return {};
  const { blockBytes, pages } = whole;
  const [address, end] = [part.from * blockBytes, part.to * blockBytes];
  const notes = notesOf(whole, counts, isCut);
  return { part: { dump: header.identity, address, bytes: end - address, wholeEnd: pages * blockBytes, notes } };
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
