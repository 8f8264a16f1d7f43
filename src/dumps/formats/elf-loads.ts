// The LOAD segments of a core: what memory they say there was, and what of it the file has.

import { formatHex } from "../../text/format.js";
import type { DumpFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import { coveredBytes } from "../sweep.js";
import type { Segment } from "./elf-header.js";
import type { PlanSettings, Range } from "./format.js";

export class Loads {
  readonly extents = new ExtentList();
  /** All memory that the segments speak of. What the file does not have of it was not dumped. */
  readonly span: Range[] = [];
  /** Bytes at virtual addresses that are beyond all numbers: the vsyscall page. */
  blockBytes = 0;
  /** Where the file should end. */
  private end = 0;
  private storedBytes = 0;

  constructor(
    private readonly file: DumpFile,
    private readonly settings: PlanSettings,
    private readonly virtual: boolean,
  ) {}

  add(segment: Segment): void {
    const { memsz, filesz, offset, at, index } = segment;
    const address = this.virtual ? segment.vaddr : segment.paddr;
    if (filesz > memsz)
      throw this.file.fault(at, `segment ${index} has ${filesz} bytes in the file, more than the ${memsz} in memory`);
    const stored = filesz === 0 ? 0 : this.bytesInFile(segment);
    if (!Number.isSafeInteger(address + memsz)) {
      if (stored > 0 && !(this.virtual && isHigh(address)))
        throw this.file.fault(
          at,
          `segment ${index} has an address beyond 2^53 (${formatHex(address)} + ${formatHex(memsz)})`,
        );
      this.blockBytes += stored;
      return;
    }
    this.extendSpan(address, memsz);
    this.extents.addStored(address, stored, offset);
    this.storedBytes += stored;
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
    if (this.storedBytes <= this.file.bytes) return;
    const bytes = coveredBytes(this.extents);
    if (bytes > this.file.bytes)
      throw this.file.fault(headersAt, `its segments hold ${bytes} bytes of memory, more than the file has`);
  }
}

const HIGHEST = 2 ** 64;

/** Whether it is in the upper half of the address space, where no process has memory of its own. */
function isHigh(address: number): boolean {
  return address >= HIGHEST / 2;
}
