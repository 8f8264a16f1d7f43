// The parts of a split dump (makedumpfile --split) as one: each part's plan, with the parts read as one file.

import { PagekinError } from "../errors.js";
import { ExtentList } from "./extents.js";
import type { DumpPlan, Range, SplitPart } from "./formats/format.js";
import { eachCovered, ofRanges } from "./sweep.js";

/** The plan of a part, how long its file is, and how errors call it. */
export interface PlannedPart {
  plan: DumpPlan;
  bytes: number;
  shownAs: string;
}

/** One plan of several. Offsets are those of the files in a row. */
export function joinParts(parts: readonly PlannedPart[]): DumpPlan {
  const ranges = checkedParts(parts);
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

/** Which addresses each part has. Parts of several dumps, or the same twice, would give one that never was. */
function checkedParts(parts: readonly PlannedPart[]): SplitPart[] {
  const checked: SplitPart[] = [];
  for (const { plan, shownAs } of parts) {
    const { part } = plan;
    const fault = (what: string, hint: string) => new PagekinError(what, { file: shownAs, hint });
    if (!part)
      throw fault("is not a part of a split dump", "name the dumps one by one; makedumpfile --split writes such parts");
    if (part.dump !== (checked[0] ?? part).dump)
      throw fault(`is a part of another dump than ${parts[0].shownAs}`, "name the parts of one dump");
    const twice = checked.findIndex((other) => overlaps(part, other));
    if (twice >= 0) throw fault(`has pages that ${parts[twice].shownAs} has too`, "name each part once");
    checked.push(part);
  }
  return checked;
}

const overlaps = (a: Range, b: Range) => a.address < b.address + b.bytes && b.address < a.address + a.bytes;

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
