// The LOAD segments of a core: what memory they say there was, and what of it the file has.

import { formatHex } from "../../text/format.js";
import type { PlainFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import { folded, type Parts } from "../folding.js";
import { coveredBytes } from "../sweep.js";
import type { Segment } from "./elf-header.js";
import type { PlanSettings, Range } from "./format.js";

/** p_paddr of what has no physical address: all bits are set, of the class. */
const NOWHERE = [0xffff_ffffn, 0xffff_ffff_ffff_ffffn];

/** Whether a segment has memory at an address of an address space. */
export function hasAddress({ memsz, paddr }: Segment, addressSpace: "physical" | "virtual"): boolean {
  return memsz > 0 && (addressSpace === "virtual" || !NOWHERE.includes(paddr));
}

export const addressOf = ({ vaddr, paddr }: Segment, addressSpace: "physical" | "virtual"): bigint =>
  addressSpace === "virtual" ? vaddr : paddr;

export class Loads {
  readonly extents = new ExtentList();
  /** All memory that the segments speak of. What the file does not have of it was not dumped. */
  readonly span: Range[] = [];
  /** Bytes without a physical address, as /proc/kcore has the kernel's own mappings. */
  unplacedBytes = 0;
  /** Where the file should end. */
  private end = 0;
  private storedBytes = 0;

  constructor(
    private readonly file: PlainFile,
    private readonly settings: PlanSettings,
    /** By which addresses the memory counts, and how these are folded. */
    private readonly addressSpace: "physical" | "virtual",
    private readonly parts: Parts,
  ) {}

  /** Adds a segment; the answer is its folded address, if it has one. */
  add(segment: Segment): number | undefined {
    const { memsz, filesz, offset, at, index } = segment;
    if (filesz > memsz)
      throw this.file.fault(at, `segment ${index} has ${filesz} bytes in the file, more than the ${memsz} in memory`);
    const stored = filesz === 0 ? 0 : this.bytesInFile(segment);
    const address = hasAddress(segment, this.addressSpace)
      ? folded(this.parts, addressOf(segment, this.addressSpace))
      : undefined;
    if (address === undefined) {
      this.unplacedBytes += stored;
      return undefined;
    }
    this.extendSpan(address, memsz);
    this.extents.addStored(address, stored, offset);
    this.storedBytes += stored;
    return address;
  }

  private bytesInFile({ offset, filesz, at, index }: Segment): number {
    const end = offset + filesz;
    if (!Number.isSafeInteger(end))
      throw this.file.fault(at, `segment ${index} lies beyond any file (${formatHex(offset)} + ${formatHex(filesz)})`);
    this.end = Math.max(this.end, end);
    if (end <= this.file.bytes) return filesz;
    if (!this.settings.allowTruncated)
      throw this.file.cut(this.file.bytes, `the end of segment ${index}, which should be at ${formatHex(end)}`);
    return Math.max(this.file.bytes - offset, 0);
  }

  private extendSpan(address: number, bytes: number): void {
    const last = this.span.at(-1);
    if (last && last.address + last.bytes === address) last.bytes += bytes;
    else if (bytes > 0) this.span.push({ address, bytes });
  }

  /** Bytes that the file should have behind its end. */
  get missingBytes(): number {
    return Math.max(this.end - this.file.bytes, 0);
  }

  /**
   * Bytes of the file may stand for one address many times, as each mapping of it is a segment, but never for different
   * addresses. Headers that lie about that could make a small file an endless one.
   */
  check(headersAt: number): void {
    if (this.storedBytes <= this.file.fileBytes) return;
    const bytes = coveredBytes(this.extents);
    if (bytes > this.file.fileBytes)
      throw this.file.fault(headersAt, `its segments hold ${bytes} bytes of memory, more than the file has`);
  }
}
