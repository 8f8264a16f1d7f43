// Xen's dump-core: an ELF core without segments. The section .xen_pages holds pages one after the other, and .xen_pfn (of a
// guest with hardware virtualization) or .xen_p2m (of a paravirtual one) their numbers in the same order.

import { BASE_PAGE_BYTES } from "../../core/hasher.js";
import { breathe } from "../../system/pace.js";
import type { DumpFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import {
  type ElfHeader,
  hasSectionsOnly,
  isX86,
  MAGIC,
  nameOfMachine,
  readHeader,
  readSections,
  type Section,
  Words,
} from "./elf-header.js";
import { eachNote } from "./elf-notes.js";
import type { DumpFormat, DumpPlan, PlanSettings } from "./format.js";

export const xen: DumpFormat = {
  name: "xen",
  probe: (head) => head.length >= 4 && head.readUInt32BE(0) === MAGIC && hasSectionsOnly(head),
  plan,
};

const WRITER = "Xen (dump-core)";
const PFN_BYTES = 8;
/** The number in the guest, then the number in the machine. */
const P2M_BYTES = 16;
const NUMBERS_AT_ONCE = 64 * 1024;
/** Numbers that mean that a page is not there: all bits are set, of 32 or 64. */
const NO_PAGE_32 = 0xffffffff;
const NO_PAGE_64 = 2 ** 64;

async function plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
  const header = readHeader(file);
  const sections = readSections(file, header);
  const pages = sections.get(".xen_pages");
  if (!pages)
    throw file.fault(header.shoff, "this ELF core has neither segments nor a section .xen_pages, so no memory");
  const paravirtual = !sections.has(".xen_pfn");
  const numbers = sections.get(paravirtual ? ".xen_p2m" : ".xen_pfn");
  if (!numbers) throw file.fault(header.shoff, "its pages have no addresses: there is no section .xen_pfn or .xen_p2m");
  const pageBytes = await pageBytesOf(file, header, sections.get(".note.Xen"));
  const table: Table = { numbers, entryBytes: paravirtual ? P2M_BYTES : PFN_BYTES, pages, pageBytes };
  const count = checkedCount(file, table);
  const held = heldPages(file, table, count, settings);
  const { runs, unnumbered } = await place(file, header, table, count, held);
  return {
    addressSpace: "physical",
    extents: runs.extents,
    wins: "first",
    // What a paravirtual guest has is all its own. A guest may have given any of it back.
    ...(isX86(header) && !paravirtual
      ? { board: { kind: "hvm", writer: WRITER, hasHoles: true, hasBlocks: false } }
      : {}),
    ...(held < count && runs.highest > 0
      ? { span: [{ address: runs.lowest, bytes: runs.highest - runs.lowest }] }
      : {}),
    notes:
      held < count ? [`The file is cut short: ${count - held} of ${count} pages are missing in whole or in part.`] : [],
    details: {
      kind: "machine",
      writer: WRITER,
      machine: nameOfMachine(header),
      guest: paravirtual ? "paravirtual" : "hardware-virtualized",
      page_bytes: pageBytes,
      pages: count,
      pages_without_number: unnumbered,
    },
  };
}

interface Table {
  numbers: Section;
  entryBytes: number;
  pages: Section;
  pageBytes: number;
}

/** The note that says how long a page is; its number, its length, and where in it that is. */
const HEADER_NOTE = { type: 0x2000001, bytes: 32, pageBytesAt: 24 };
const MOST_PAGE_BYTES = 64 * 1024;

async function pageBytesOf(file: DumpFile, header: ElfHeader, notes: Section | undefined): Promise<number> {
  // The note may be missing, and then pages are of the usual size.
  if (!notes || !file.has(notes.offset, notes.bytes)) return BASE_PAGE_BYTES;
  let at: number | undefined;
  await eachNote(file, header, [notes], ({ name, type, offset, bytes }) => {
    if (name === "Xen" && type === HEADER_NOTE.type && bytes >= HEADER_NOTE.bytes) at ??= offset;
  });
  if (at === undefined) return BASE_PAGE_BYTES;
  const { wide, little } = header;
  const words = new Words(file.read(at, HEADER_NOTE.bytes, "the end of a note"), wide, little);
  const bytes = words.u64(HEADER_NOTE.pageBytesAt);
  if (bytes >= BASE_PAGE_BYTES && bytes <= MOST_PAGE_BYTES && Number.isInteger(Math.log2(bytes))) return bytes;
  throw file.fault(at + HEADER_NOTE.pageBytesAt, `no machine has pages of ${bytes} bytes`);
}

/** The number of pages, on which both sections must agree. */
function checkedCount(file: DumpFile, { numbers, entryBytes, pages, pageBytes }: Table): number {
  const count = pages.bytes / pageBytes;
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(pages.offset + pages.bytes))
    throw file.fault(pages.at, `section .xen_pages has ${pages.bytes} bytes, which are no whole pages of ${pageBytes}`);
  if (numbers.bytes !== count * entryBytes)
    throw file.fault(numbers.at, `there are ${numbers.bytes / entryBytes} page numbers for ${count} pages`);
  if (!file.has(numbers.offset, numbers.bytes))
    throw file.fault(file.bytes, "the file ends before the numbers of its pages, so they have no addresses");
  return count;
}

/** How many pages the file has whole. */
function heldPages(file: DumpFile, { pages, pageBytes }: Table, count: number, settings: PlanSettings): number {
  if (file.has(pages.offset, pages.bytes)) return count;
  if (!settings.allowTruncated) throw file.cut(file.bytes, "the end of section .xen_pages");
  return Math.max(Math.floor((file.bytes - pages.offset) / pageBytes), 0);
}

/** Takes pages with consecutive numbers together. */
class Runs {
  readonly extents = new ExtentList();
  /** The addresses from the lowest to beyond the highest, of pages that were lost too. */
  lowest = Number.POSITIVE_INFINITY;
  highest = 0;
  private first = 0;
  private count = 0;
  private offset = 0;

  constructor(private readonly pageBytes: number) {}

  add(number: number, offset: number): void {
    this.reach(number);
    if (number === this.first + this.count && this.count > 0) {
      this.count++;
      return;
    }
    this.end();
    this.first = number;
    this.count = 1;
    this.offset = offset;
  }

  /** A page that the file does not have any more. */
  reach(number: number): void {
    this.lowest = Math.min(this.lowest, number * this.pageBytes);
    this.highest = Math.max(this.highest, (number + 1) * this.pageBytes);
  }

  /** The next page does not follow the last one in the file. */
  end(): void {
    this.extents.addStored(this.first * this.pageBytes, this.count * this.pageBytes, this.offset);
    this.count = 0;
  }
}

async function place(file: DumpFile, { wide, little }: ElfHeader, table: Table, count: number, held: number) {
  const { numbers, entryBytes, pages, pageBytes } = table;
  const runs = new Runs(pageBytes);
  const mostNumber = Math.floor(Number.MAX_SAFE_INTEGER / pageBytes) - 1;
  let unnumbered = 0;
  for (let start = 0; start < count; start += NUMBERS_AT_ONCE) {
    const some = Math.min(NUMBERS_AT_ONCE, count - start);
    const at = numbers.offset + start * entryBytes;
    const words = new Words(file.read(at, some * entryBytes, "its page numbers"), wide, little);
    for (let i = 0; i < some; i++) {
      const number = words.u64(i * entryBytes);
      if (number === NO_PAGE_32 || number === NO_PAGE_64) {
        unnumbered++;
        runs.end();
      } else if (number > mostNumber)
        throw file.fault(at + i * entryBytes, `no machine has a page 0x${number.toString(16)}`);
      else if (start + i < held) runs.add(number, pages.offset + (start + i) * pageBytes);
      else runs.reach(number);
    }
    await breathe();
  }
  runs.end();
  return { runs, unnumbered };
}
