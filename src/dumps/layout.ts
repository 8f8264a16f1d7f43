// A plan's extents as pieces in the order of addresses, each address once, and what of it is to be read.

import { BASE_PAGE_BYTES, MOST_PAGE_BYTES, SEGMENT_BYTES } from "../core/hasher.js";
import { CODE, doubles, type ExtentArrays, type ExtentList, firstOf, words } from "./extents.js";
import type { Parts } from "./folding.js";
import type { AddressSpace, DumpPlan, Range } from "./formats/format.js";
import { eachCovered, eachWinner, firstBehind, ofRanges } from "./sweep.js";

/** Pieces begin and end here; pages of no size cross this. A segment is made of such units. */
export const UNIT_BYTES = MOST_PAGE_BYTES;
export const SEGMENT_UNITS = SEGMENT_BYTES / UNIT_BYTES;
/** Room for the units of a small dump; there may be far fewer than its addresses span. */
const MOST_UNITS_AT_FIRST = 4096;

/** Stretches of addresses that do not overlap, ascending; each is a part of an extent. */
export interface Pieces {
  from: Float64Array;
  to: Float64Array;
  extent: Uint32Array;
}

export interface Layout {
  addressSpace: AddressSpace;
  /** How the addresses of all below are folded. */
  parts: Parts;
  pieces: Pieces;
  extents: ExtentArrays;
  extra: Uint8Array | undefined;
  /** Addresses of the units that hold something, ascending. */
  units: Float64Array;
  /** In bytes, for the ledger. */
  describedBytes: number;
  elidedBytes: number;
  absentBytes: number;
  outsideBytes: number;
  repeatedBytes: number;
  /** Of a process that lives: reading what is not there would bring it there. */
  isLive?: boolean;
}

/** Which addresses count. keep: ranges outside of which nothing does, ascending; outside: ranges that are no RAM, ascending. */
export interface Selection {
  outside: readonly Range[];
  keep: readonly Range[] | undefined;
}

export async function layOut(plan: DumpPlan, { outside, keep }: Selection): Promise<Layout> {
  const { addressSpace, parts = [], extra } = plan;
  const extents = plan.extents.arrays();
  const all = await resolve(plan.extents, plan.wins);
  const inRam = outside.length > 0 ? without(all, outside) : all;
  const pieces = keep ? within(inRam, keep) : inRam;
  const described = lengthOf(all);
  const repeated = plan.extents.totalBytes - described + (plan.repeatedBytes ?? 0);
  const ramBytes = lengthOf(pieces);
  return {
    ...{ addressSpace, parts, pieces, extents, extra },
    units: unitsOf(pieces),
    describedBytes: ramBytes,
    elidedBytes: elidedBytes(pieces, extents),
    absentBytes: spanBytes(plan, inRam, outside) - ramBytes,
    outsideBytes: described - lengthOf(inRam) + (plan.blockBytes ?? 0),
    repeatedBytes: repeated,
  };
}

function lengthOf({ from, to }: Pieces): number {
  let sum = 0;
  for (let i = 0; i < from.length; i++) sum += to[i] - from[i];
  return sum;
}

/** Extents in the order of addresses, overlaps resolved. */
async function resolve(extents: ExtentList, wins: DumpPlan["wins"]): Promise<Pieces> {
  const list = new PieceList(extents.count);
  await eachWinner(extents, wins, (from, to, extent) => list.add(from, to, extent));
  return list.finish();
}

/** Pieces in shared memory, as they come; such as follow one another in one extent become one. */
class PieceList {
  private from: Float64Array;
  private to: Float64Array;
  private extent: Uint32Array;
  private count = 0;

  constructor(room: number) {
    this.from = doubles(room);
    this.to = doubles(room);
    this.extent = words(room);
  }

  add(from: number, to: number, extent: number): void {
    if (from >= to) return;
    const last = this.count - 1;
    if (last >= 0 && this.extent[last] === extent && this.to[last] === from) {
      this.to[last] = to;
      return;
    }
    if (this.count === this.from.length) this.grow();
    this.from[this.count] = from;
    this.to[this.count] = to;
    this.extent[this.count++] = extent;
  }

  private grow(): void {
    const room = Math.max(16, 2 * this.count);
    const [from, to, extent] = [doubles(room), doubles(room), words(room)];
    from.set(this.from);
    to.set(this.to);
    extent.set(this.extent);
    this.from = from;
    this.to = to;
    this.extent = extent;
  }

  finish(): Pieces {
    const { from, to, extent, count } = this;
    return { from: firstOf(from, count), to: firstOf(to, count), extent: firstOf(extent, count) };
  }
}

/** The parts of pieces that are in ranges (ascending). */
function within(pieces: Pieces, ranges: readonly Range[]): Pieces {
  const list = new PieceList(pieces.from.length);
  let range = 0;
  for (let i = 0; i < pieces.from.length; i++) {
    while (range < ranges.length && endOf(ranges[range]) <= pieces.from[i]) range++;
    for (let r = range; r < ranges.length && ranges[r].address < pieces.to[i]; r++) {
      const from = Math.max(pieces.from[i], ranges[r].address);
      list.add(from, Math.min(pieces.to[i], endOf(ranges[r])), pieces.extent[i]);
    }
  }
  return list.finish();
}

/** The parts of pieces that are in none of the ranges (ascending). */
function without(pieces: Pieces, ranges: readonly Range[]): Pieces {
  if (pieces.to.length === 0 || ranges.length === 0 || ranges[0].address >= pieces.to[pieces.to.length - 1])
    return pieces;
  return within(pieces, complementOf(ranges));
}

/** What is between ranges. */
function complementOf(ranges: readonly Range[]): Range[] {
  const between: Range[] = [];
  let at = 0;
  eachCovered(ofRanges(ranges), (from, to) => {
    if (from > at) between.push({ address: at, bytes: from - at });
    at = to;
  });
  return [...between, { address: at, bytes: Number.MAX_SAFE_INTEGER - at }];
}

const endOf = ({ address, bytes }: Range) => address + bytes;

/** Bytes of memory that the dump speaks of, devices left out. */
function spanBytes({ span }: DumpPlan, { from, to }: Pieces, outside: readonly Range[]): number {
  if (from.length === 0 && !span) return 0;
  const ranges = span ?? [{ address: from[0], bytes: to[to.length - 1] - from[0] }];
  const list = new PieceList(ranges.length);
  eachCovered(ofRanges(ranges), (from, to) => list.add(from, to, 0));
  return lengthOf(without(list.finish(), outside));
}

function unitsOf({ from, to }: Pieces): Float64Array {
  const span = from.length > 0 ? Math.ceil(to[to.length - 1] / UNIT_BYTES) - Math.floor(from[0] / UNIT_BYTES) : 0;
  let units = doubles(Math.min(span, MOST_UNITS_AT_FIRST));
  let count = 0;
  let next = 0;
  for (let i = 0; i < from.length; i++) {
    // Many small pieces lie in one unit.
    if (to[i] <= next * UNIT_BYTES) continue;
    const first = Math.max(next, Math.floor(from[i] / UNIT_BYTES));
    const end = Math.ceil(to[i] / UNIT_BYTES);
    for (let unit = first; unit < end; unit++) {
      if (count === units.length) {
        const more = doubles(2 * count);
        more.set(units);
        units = more;
      }
      units[count++] = unit * UNIT_BYTES;
    }
    next = Math.max(next, end);
  }
  return firstOf(units, count);
}

/** A stretch of a segment that is there: its (folded) address, and where it stands in the segment. */
export interface Run {
  address: number;
  at: number;
  bytes: number;
}

/** The stretches of a segment, ascending. */
export function runsOf({ pieces: { from, to }, units }: Layout, segment: number): Run[] {
  const runs: Run[] = [];
  const own = units.subarray(segment * SEGMENT_UNITS, (segment + 1) * SEGMENT_UNITS);
  let i = own.length > 0 ? firstBehind(to, own[0]) : 0;
  for (const [slot, unit] of own.entries()) {
    while (i < to.length && to[i] <= unit) i++;
    for (let j = i; j < from.length && from[j] < unit + UNIT_BYTES; j++) {
      const address = Math.max(from[j], unit);
      const bytes = Math.min(to[j], unit + UNIT_BYTES) - address;
      const at = slot * UNIT_BYTES + address - unit;
      const last = runs[runs.length - 1];
      if (last && last.address + last.bytes === address && last.at + last.bytes === at) last.bytes += bytes;
      else runs.push({ address, at, bytes });
    }
  }
  return runs;
}

/** Of pages of 4 KiB that are nothing but zeros without bytes. */
function elidedBytes({ from, to, extent }: Pieces, { codes }: ExtentArrays): number {
  let pages = 0;
  for (let i = 0; i < from.length; ) {
    if (codes[extent[i]] !== CODE.zero) {
      i++;
      continue;
    }
    const start = from[i];
    let end = to[i++];
    while (i < from.length && from[i] === end && codes[extent[i]] === CODE.zero) end = to[i++];
    pages += Math.max(0, Math.floor(end / BASE_PAGE_BYTES) - Math.ceil(start / BASE_PAGE_BYTES));
  }
  return pages * BASE_PAGE_BYTES;
}
