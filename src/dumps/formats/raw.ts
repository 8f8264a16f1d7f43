// Raw dumps (QMP pmemsave, resident-page dumps, .vmem): byte n of the file is physical address n.

import type { DumpFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import type { DumpFormat, DumpPlan } from "./format.js";
import { findHoles, HOLE_UNIT, type Holes } from "./holes.js";

const MIB = 1024 * 1024;

/** Of a raw dump of which --holes absent leaves out nothing. */
export const NO_HOLES_NOTE =
  "The file has no holes (or is packed, or came through a pipe): --holes absent leaves out nothing, and zeros are zero pages.";

export const raw: DumpFormat = {
  name: "raw",
  // Nothing tells a raw dump from any other bytes: it is what is left.
  probe: () => true,
  async plan(file, { holes }) {
    const plan = holes === "absent" ? await planAroundHoles(file) : planWhole(file);
    return { ...plan, fileNotes: [...lengthNotes(file.bytes), ...(plan.fileNotes ?? [])] };
  },
};

/** A dump that was cut seldom has a length that memory has. */
export function lengthNotes(bytes: number): string[] {
  const unit = bytes % HOLE_UNIT !== 0 ? "4 KiB" : bytes % MIB !== 0 ? "1 MiB" : undefined;
  return unit ? [`The length of the file, ${bytes} bytes, is not a multiple of ${unit}: it may have been cut.`] : [];
}

function planWhole(file: DumpFile): DumpPlan {
  const extents = new ExtentList();
  extents.addStored(0, file.bytes, 0);
  const holeBytes = file.holeBytes();
  if (holeBytes < HOLE_UNIT) return planOf(extents);
  const note =
    `The file is sparse: about ${holeBytes} of its ${file.bytes} bytes are holes, which count as zeros. In a diff snapshot ` +
    "holes are pages that did not change: merge it with its base, or leave them out with --holes absent.";
  return { ...planOf(extents), fileNotes: [note] };
}

async function planAroundHoles(file: DumpFile): Promise<DumpPlan> {
  const extents = new ExtentList();
  const holes = await findHoles(file, file.holeBytes());
  let at = 0;
  for (const [i, start] of holes.starts.entries()) {
    extents.addStored(at, start - at, at);
    at = start + holes.lengths[i];
  }
  extents.addStored(at, file.bytes - at, at);
  const span = [{ address: 0, bytes: file.bytes }];
  const fileNotes = holes.holeBytes === 0 ? [NO_HOLES_NOTE] : [];
  return { ...planOf(extents, holesNotes(holes)), span, fileNotes };
}

function holesNotes({ holeBytes, zeroBytes }: Holes): string[] {
  if (holeBytes === 0) return [];
  const stored = zeroBytes - holeBytes;
  const guess =
    stored > 0
      ? ` ${stored} more bytes are stored zeros. Which zeros are holes is not known: the longest stretches are taken for them.`
      : " They are all of its zeros.";
  return [`${holeBytes} bytes are holes of a sparse file, by what the file system has allocated, and absent.${guess}`];
}

function planOf(extents: ExtentList, notes: string[] = []): DumpPlan {
  return { addressSpace: "physical", extents, wins: "first", notes };
}
