// The parts of a split dump (makedumpfile --split) as one: each part's plan, with the parts read as one file.

import { ExtentList } from "./extents.js";
import type { DumpPlan, SplitPart } from "./formats/format.js";
import { eachCovered, ofRanges } from "./sweep.js";

/** The plan of a part, and how long its file is. */
export interface PlannedPart {
  plan: DumpPlan;
  bytes: number;
}

/** One plan of several; undefined where one of them is no part of a split dump. Offsets are those of the files in a row. */
export function joinParts(parts: readonly PlannedPart[]): DumpPlan | undefined {
  const ranges = parts.flatMap(({ plan }) => plan.part ?? []);
  if (ranges.length < parts.length) return undefined;
  const extents = new ExtentList();
  const extras: Uint8Array[] = [];
  const wholeBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  let fileAt = 0;
  let extraAt = wholeBytes;
  for (const { plan, bytes } of parts) {
    const { addresses, lengths, offsets, sizes, codes } = plan.extents.arrays();
    for (let i = 0; i < addresses.length; i++) {
      // Offsets behind the file are in what was brought together of it.
      const base = offsets[i] < bytes ? fileAt : extraAt - bytes;
      extents.add(addresses[i], lengths[i], codes[i] as Parameters<ExtentList["add"]>[2], base + offsets[i], sizes[i]);
    }
    fileAt += bytes;
    extraAt += plan.extra?.length ?? 0;
    if (plan.extra) extras.push(plan.extra);
  }
  const plans = parts.map(({ plan }) => plan);
  const [first] = plans;
  return {
    ...first,
    extents,
    ...(extras.length > 0 && { extra: new Uint8Array(Buffer.concat(extras)) }),
    span: plans.flatMap(({ span }) => span ?? []),
    notes: [...notesOf(ranges), ...missing(ranges)],
    details: { ...first.details, parts: plans.map(({ details }) => details) },
  };
}

/** What is so in all parts is said once. */
function notesOf(parts: readonly SplitPart[]): string[] {
  const isInAll = (note: string) => parts.every(({ notes }) => notes.includes(note));
  const own = parts.flatMap(({ notes }, i) =>
    notes.filter((note) => !isInAll(note)).map((note) => `Part ${i + 1}: ${note}`),
  );
  return [...parts[0].notes.filter(isInAll), ...own];
}

/** What none of the parts has. */
function missing(parts: readonly SplitPart[]): string[] {
  const gaps: string[] = [];
  let at = 0;
  const see = (from: number, to: number) => {
    if (from > at) gaps.push(`0x${at.toString(16)} to 0x${from.toString(16)}`);
    at = to;
  };
  eachCovered(ofRanges(parts), see);
  const { wholeEnd } = parts[0];
  see(Math.max(at, wholeEnd), wholeEnd);
  return gaps.length > 0 ? [`Parts of the split dump are missing; absent are the addresses ${gaps.join(", ")}.`] : [];
}
