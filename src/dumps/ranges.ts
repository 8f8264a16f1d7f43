// Which addresses of a dump are RAM. Linux dumps System RAM only. A hypervisor dumps everything that its guest sees as memory,
// device memory too; what is RAM follows from the memory map of the machine.

import { formatBytes, formatHex as hex } from "../text/format.js";
import { unfolded } from "./folding.js";
import type { Board, DumpPlan, Range } from "./formats/format.js";
import { eachCovered, ofRanges } from "./sweep.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const FOUR_GIB = 4 * GIB;
/** The low RAM of a PC goes on across gaps up to this. */
const MOST_GAP = 64 * MIB;
/** No firmware puts PCI devices of a PC below (SeaBIOS, OVMF, Xen's hvmloader). */
const LEAST_PCI = 2 * GIB;
/** More than that below 4 GiB is more than the usual display and firmware. */
const USUAL_DEVICES = 64 * MIB;
/** Where a VGA card answers, if the PC has one. */
const VGA = { address: 0xa0000, end: 0xc0000 };
/** Where QEMU puts a PC's RAM above 4 GiB if it would reach what AMD's processors reserve below (hw/i386/pc.c, since 7.1). */
const ABOVE_AMD_HOLE = 1024 * GIB;
/** Where RAM begins: hw/arm/virt.c; all of hw/riscv. */
const BASES = { arm: GIB, riscv: 2 * GIB };
/** Below it Arm's virt has flash, which QEMU does not dump. A dump that has memory there is of another board. */
const END_OF_ARM_FLASH = 128 * MIB;

/** What of a dump is not RAM, ascending, and what to tell the user about it. */
export interface Outside {
  ranges: readonly Range[];
  notes: readonly string[];
}

/** What to leave out of a dump. */
export function outsideRam(plan: DumpPlan): Outside {
  const { ranges, notes } = plan.board ? new Devices(plan, plan.board).find() : { ranges: [], notes: [] };
  return { ranges: [...(plan.outside ?? []), ...ranges].sort((a, b) => a.address - b.address), notes };
}

/** Finds device memory by the rules of a board. */
class Devices {
  /** What the dump describes, sorted; RAM that a truncated dump lost is RAM too. */
  private readonly memory: Range[];
  private readonly ranges: Range[] = [];
  private readonly notes: string[] = [];
  /** What counts as memory devices. */
  private readonly apart: Range[] = [];

  constructor(
    private readonly plan: DumpPlan,
    private readonly board: Board,
  ) {
    const spoken = plan.span ?? [...this.extents()];
    // A PC's firmware ends where its high RAM begins.
    this.memory = [...spoken].flatMap(splitAtFourGib).sort((a, b) => a.address - b.address);
  }

  find(): Outside {
    const { kind } = this.board;
    if (this.memory.length > 0) {
      if (kind === "pc") this.ofPc();
      else if (kind === "hvm") this.belowFourGib();
      else this.aroundRamFrom(kind === "other" ? undefined : BASES[kind]);
    }
    this.noteApart();
    return { ranges: this.ranges, notes: this.notes };
  }

  private ofPc(): void {
    const { memory } = this;
    this.inFirstMib();
    const low = this.belowFourGib();
    // A dump that begins higher is of a range that the user chose.
    if (memory[0].address >= FOUR_GIB) return;
    let start = FOUR_GIB;
    if (!this.hasMemoryAt(start) && this.hasMemoryAt(ABOVE_AMD_HOLE)) {
      start = ABOVE_AMD_HOLE;
      this.leaveOut(FOUR_GIB, start, `RAM above 4 GiB begins at ${hex(start)}`);
    }
    // With less low RAM than that, there is none above 4 GiB.
    this.behind(start, this.endOfRun(start, low >= LEAST_PCI), "RAM above 4 GiB");
  }

  /** A block of its own next to RAM is not RAM: QEMU would have written both as one. */
  private inFirstMib(): void {
    const { hasBlocks, hasHoles } = this.board;
    const blocks = hasBlocks ? [...this.extents()].filter(({ address }) => address <= MIB) : [];
    for (const { address, bytes } of blocks) {
      if (address >= VGA.address && address < VGA.end) this.add(address, Math.min(address + bytes, VGA.end));
      const isFirmware = address >= VGA.end && address + bytes === MIB;
      if (isFirmware && blocks.some((next) => next.address === MIB)) this.add(address, MIB);
    }
    // Without a card there is RAM in all of the window.
    if (!hasBlocks && !hasHoles && this.bytesIn(VGA.address, VGA.end) < VGA.end - VGA.address)
      this.add(VGA.address, VGA.end);
  }

  /** Devices and firmware stand between low RAM, whose end this is, and 4 GiB. */
  private belowFourGib(): number {
    const { memory, board } = this;
    let end = memory[0].address;
    for (const { address, bytes } of memory) {
      const mayBeRam = board.hasHoles && address < LEAST_PCI;
      if (address - end >= MOST_GAP && !mayBeRam) break;
      end = Math.max(end, address + bytes);
    }
    if (end < FOUR_GIB) this.leaveOut(end, FOUR_GIB, `low RAM ends at ${hex(end)}`, USUAL_DEVICES);
    return end;
  }

  private aroundRamFrom(base: number | undefined): void {
    const { memory, board } = this;
    const isKnown = base !== undefined && memory.some(({ address }) => address === base);
    if (!isKnown || (board.kind === "arm" && memory[0].address < END_OF_ARM_FLASH)) {
      this.noteUnknown();
      return;
    }
    this.leaveOut(0, base, `the RAM of this machine begins at ${hex(base)}`);
    this.behind(base, this.endOfRun(base, true), "RAM");
  }

  /**
   * The end of RAM that starts at an address. It is contiguous; memory devices (DIMM, virtio-mem) start at the next GiB and
   * follow one another, each aligned to a GiB at most. Where there are holes, the first pages of each may be missing.
   * isRam: whether it is RAM that starts there, not a memory device.
   */
  private endOfRun(start: number, isRam: boolean): number {
    const { memory, board } = this;
    let end = start;
    const look = (range: Range, isApart: boolean) => {
      if (range.address % GIB === 0 && isApart) this.apart.push(range);
    };
    for (const range of memory) {
      const { address, bytes } = range;
      if (address > (board.hasHoles ? end + GIB : Math.ceil(end / GIB) * GIB)) break;
      if (!board.hasBlocks) look(range, address > end || (address === start && !isRam));
      end = Math.max(end, address + bytes);
    }
    if (board.hasBlocks)
      for (const block of this.extents())
        look(block, block.address < end && (block.address > start || (block.address === start && !isRam)));
    return end;
  }

  private behind(start: number, end: number, what: string): void {
    const ends = `${what} ends at ${hex(end)}; memory devices follow it`;
    const where = end > start ? ends : `there is no ${what}, where memory devices would begin`;
    const why = `${where}, and PCI devices are mapped further up`;
    this.leaveOut(end, Number.MAX_SAFE_INTEGER, why);
  }

  /** Leaves out addresses, with a note if the dump has more bytes there than usual. */
  private leaveOut(from: number, to: number, why: string, usual = 0): void {
    this.add(from, to);
    const held: Range[] = [];
    for (const range of this.extents()) {
      const start = Math.max(from, range.address);
      const stop = Math.min(to, range.address + range.bytes);
      if (start < stop) held.push({ address: start, bytes: stop - start });
    }
    // A segment for each virtual mapping may have the same address.
    const [bytes, first, end] = coverOf(held);
    if (bytes > usual)
      this.notes.push(
        `Left out as device memory: ${formatBytes(bytes)} from ${this.hex(first)} to ${this.hex(end - 1)} (${why}); --ranges all counts it.`,
      );
  }

  private noteApart(): void {
    const { apart } = this;
    if (apart.length === 0) return;
    const [bytes, first] = coverOf(apart);
    const what = `Counted as RAM: ${formatBytes(bytes)} from ${hex(first)} on, separate from the rest`;
    this.notes.push(
      `${what}; memory devices (DIMM, virtio-mem) are there, but it may be a PCI device with a large BAR.`,
    );
  }

  /** On a board without rules. */
  private noteUnknown(): void {
    const { memory, board } = this;
    let end = memory[0].address;
    for (const { address, bytes } of memory) {
      if (address - end >= MOST_GAP) {
        const what = `Counted as RAM: all memory, though that from ${this.hex(address)} on is separate and may be a device's`;
        this.notes.push(
          `${what}; ${board.writer} dumps device memory too, and this machine's memory map is not known.`,
        );
        return;
      }
      end = Math.max(end, address + bytes);
    }
  }

  private add(from: number, to: number): void {
    if (from < to) this.ranges.push({ address: from, bytes: to - from });
  }

  private hasMemoryAt(at: number): boolean {
    return this.memory.some(({ address, bytes }) => address <= at && at < address + bytes);
  }

  private bytesIn(from: number, to: number): number {
    const within = ({ address, bytes }: Range) => Math.max(0, Math.min(to, address + bytes) - Math.max(from, address));
    return this.memory.reduce((sum, range) => sum + within(range), 0);
  }

  private *extents(): Generator<Range> {
    const { extents } = this.plan;
    for (let i = 0; i < extents.count; i++) yield { address: extents.address(i), bytes: extents.bytes(i) };
  }

  private hex(address: number): string {
    return hex(unfolded(this.plan.parts ?? [], address));
  }
}

/** How many bytes ranges cover together, and where they begin and end. */
function coverOf(ranges: readonly Range[]): [bytes: number, first: number, end: number] {
  let [bytes, first, last] = [0, Number.POSITIVE_INFINITY, 0];
  eachCovered(ofRanges(ranges), (from, to) => {
    bytes += to - from;
    first = Math.min(first, from);
    last = to;
  });
  return [bytes, first, last];
}

function splitAtFourGib(range: Range): Range[] {
  const { address, bytes } = range;
  const below = FOUR_GIB - address;
  return below <= 0 || below >= bytes
    ? [range]
    : [
        { address, bytes: below },
        { address: FOUR_GIB, bytes: bytes - below },
      ];
}
