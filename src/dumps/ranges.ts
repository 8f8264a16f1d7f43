// Which addresses of a dump are RAM. A dump of Linux's own holds nothing else. One that a hypervisor writes has what its guest
// sees as memory, of devices too; where the RAM of a machine is, is known of some boards.

import { formatBytes } from "../text/format.js";
import type { Board, DumpPlan, Range } from "./formats/format.js";

const GIB = 2 ** 30;
const FOUR_GIB = 4 * GIB;
/** The low RAM of a PC goes on across gaps up to this. */
const MOST_GAP = 64 * 2 ** 20;
/** No firmware puts PCI devices of a PC below (SeaBIOS, OVMF, Xen's hvmloader). */
const LEAST_PCI = 2 * GIB;
/** More than that below 4 GiB is more than the usual display and firmware. */
const USUAL_DEVICES = 64 * 2 ** 20;
/** Where QEMU puts a PC's RAM above 4 GiB if it would reach what AMD's processors reserve below (hw/i386/pc.c, since 7.1). */
const ABOVE_AMD_HOLE = 1024 * GIB;
/** Where RAM begins: hw/arm/virt.c; all of hw/riscv. */
const BASES = { arm: GIB, riscv: 2 * GIB };
/** Below it virt of Arm has flash, which QEMU does not dump. A dump that has memory there is of another board. */
const END_OF_ARM_FLASH = 0x8000000;

/** What of a dump is no RAM, and what a person should know of it. */
export interface Outside {
  /** Ascending. */
  ranges: Range[];
  notes: string[];
}

/** What to leave out of a dump. */
export function outsideRam(plan: DumpPlan): Outside {
  const ranges = [...(plan.outside ?? [])];
  const { board } = plan;
  const devices = board ? devicesOf(board, plan) : { ranges: [], notes: [] };
  ranges.push(...devices.ranges);
  return { ranges: ranges.sort((a, b) => a.address - b.address), notes: devices.notes };
}

function devicesOf(board: Board, plan: DumpPlan): Outside {
  const memory = memoryOf(plan);
  if (memory.length === 0) return { ranges: [], notes: [] };
  if (board.kind === "pc" || board.kind === "hvm") return devicesOfPc(board, plan, memory);
  const base = board.kind === "other" ? undefined : BASES[board.kind];
  const isKnown = base !== undefined && memory.some(({ address }) => address === base);
  if (!isKnown || (board.kind === "arm" && memory[0].address < END_OF_ARM_FLASH))
    return { ranges: [], notes: noteOfUnknown(board, memory) };
  return leavingOut(plan, [
    { address: 0, bytes: base, why: `the RAM of this machine begins at ${hex(base)}` },
    behind(endOfRun(memory, base, board), board),
  ]);
}

function devicesOfPc(board: Board, plan: DumpPlan, memory: readonly Range[]): Outside {
  const low = endOfLowRam(memory, board);
  const ranges: Reason[] = [];
  if (low < FOUR_GIB) {
    const why = `low RAM ends at ${hex(low)}`;
    ranges.push({ address: low, bytes: FOUR_GIB - low, why, unlessBelow: USUAL_DEVICES });
  }
  // A part of memory that begins higher was asked for as it is. Of Xen's guests no device has memory above.
  if (memory[0].address >= FOUR_GIB || board.kind === "hvm") return leavingOut(plan, ranges);
  let start = FOUR_GIB;
  if (!hasMemoryAt(memory, FOUR_GIB) && hasMemoryAt(memory, ABOVE_AMD_HOLE)) {
    start = ABOVE_AMD_HOLE;
    const why = `RAM above 4 GiB begins at ${hex(start)}`;
    ranges.push({ address: FOUR_GIB, bytes: start - FOUR_GIB, why });
  }
  return leavingOut(plan, [...ranges, behind(endOfRun(memory, start, board), board)]);
}

/** What a dump speaks of, sorted. RAM that a cut dump lost is RAM too. */
function memoryOf({ extents, span }: DumpPlan): Range[] {
  const ranges =
    span ?? Array.from({ length: extents.count }, (_, i) => ({ address: extents.address(i), bytes: extents.bytes(i) }));
  return [...ranges].sort((a, b) => a.address - b.address);
}

/** Devices and firmware stand above it. */
function endOfLowRam(memory: readonly Range[], { hasHoles }: Board): number {
  let end = memory[0].address;
  for (const { address, bytes } of memory) {
    const mayBeRam = hasHoles && address < LEAST_PCI;
    if (address - end >= MOST_GAP && !mayBeRam) break;
    end = Math.max(end, address + bytes);
  }
  return end;
}

const hasMemoryAt = (memory: readonly Range[], at: number) =>
  memory.some(({ address, bytes }) => address <= at && at < address + bytes);

/**
 * The end of RAM that begins at an address. It is one piece; memory devices (DIMM, virtio-mem) begin at the next GiB and
 * follow one another, each aligned to a GiB at most. What has holes may lack the begin of each.
 */
function endOfRun(memory: readonly Range[], start: number, { hasHoles }: Board): number {
  let end = start;
  for (const { address, bytes } of memory) {
    const next = hasHoles ? end + GIB : Math.ceil(end / GIB) * GIB;
    if (address > next) break;
    end = Math.max(end, address + bytes);
  }
  return end;
}

/** A range that is left out, and why; nothing is said of less than so many bytes. */
interface Reason extends Range {
  why: string;
  unlessBelow?: number;
}

const behind = (end: number, { kind }: Board): Reason => {
  const where = kind === "pc" ? "RAM above 4 GiB" : "RAM";
  const why = `${where} ends at ${hex(end)}, memory devices stand next to it, PCI devices further above`;
  return { address: end, bytes: Number.MAX_SAFE_INTEGER - end, why };
};

/** Leaves ranges out, with a note for each that the dump has bytes of. */
function leavingOut({ extents }: DumpPlan, reasons: readonly Reason[]): Outside {
  const notes: string[] = [];
  for (const { address: from, bytes: length, why, unlessBelow = 0 } of reasons) {
    let [bytes, first, end] = [0, from + length, from];
    for (let i = 0; i < extents.count; i++) {
      const start = Math.max(from, extents.address(i));
      const stop = Math.min(from + length, extents.end(i));
      if (start >= stop) continue;
      bytes += stop - start;
      first = Math.min(first, start);
      end = Math.max(end, stop);
    }
    if (bytes > unlessBelow)
      notes.push(
        `Left out as memory of devices: ${formatBytes(bytes)} from ${hex(first)} to ${hex(end - 1)}, as ${why}; --ranges all counts it.`,
      );
  }
  const ranges = reasons.map(({ address, bytes }) => ({ address, bytes })).filter(({ bytes }) => bytes > 0);
  return { ranges, notes };
}

/** Of a board that is not known. */
function noteOfUnknown({ writer }: Board, memory: readonly Range[]): string[] {
  let end = memory[0].address;
  for (const { address, bytes } of memory) {
    if (address - end >= MOST_GAP) {
      const what = `Memory at ${hex(address)} stands apart from that at ${hex(memory[0].address)}`;
      return [`${what}: ${writer} dumps memory of devices too, and which of it is RAM is not known; all counts.`];
    }
    end = Math.max(end, address + bytes);
  }
  return [];
}

const hex = (address: number) => `0x${address.toString(16)}`;
