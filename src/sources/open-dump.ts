// A dump that is open: its format's plan, brought in order, without what is not to be read. Who opens it closes it.

import { closeSync } from "node:fs";
import { DumpFile, type FilePlace } from "../dumps/dump-file.js";
import { unfolded } from "../dumps/folding.js";
import type { Container, DumpFormat, DumpPlan, Range } from "../dumps/formats/format.js";
import { END_BYTES, refuseForeignEnd } from "../dumps/formats/known.js";
import { NO_HOLES_NOTE } from "../dumps/formats/raw.js";
import { dumpFormatNamed } from "../dumps/formats/registry.js";
import { type Layout, layOut, type Selection } from "../dumps/layout.js";
import type { Memory } from "../dumps/memory.js";
import { type Outside, outsideRam } from "../dumps/ranges.js";
import { residentRanges } from "../dumps/resident.js";
import { joinParts, type PlannedPart } from "../dumps/split.js";
import { fromSystem, PagekinError } from "../errors.js";
import type { InputFile, Inputs } from "../system/inputs.js";
import { chunksOf, spool } from "../system/temporary.js";
import { decompress, type Packing } from "../unpack/compression.js";
import { displayName, isNamed, nameOfDump, type SourceName } from "./names.js";
import { blameChange, bytesOf, isSeekable, nameOfBytes, placeOf, type Source, unpackedName } from "./source.js";

/** How dumps are to be read. */
export interface DumpSettings {
  /** Whether what is no RAM is left out. */
  ranges: "ram" | "all";
  /** What holes of sparse raw dumps are. */
  holes: "zero" | "absent";
  /** In place of what their heads tell. */
  format: string | undefined;
  allowTruncated: boolean;
  /** Maps of resident pages, by `NAME` or `NAME@SECONDS`; "" is for a dump that none is named for. */
  resident: ReadonlyMap<string, string>;
}

/** The same with maps that were looked at. */
export type OpenSettings = Omit<DumpSettings, "resident"> & { resident: ReadonlyMap<string, InputFile> };

/** Looks at the maps of resident pages. */
export function openSettings(
  { ranges, holes, format, allowTruncated, resident }: DumpSettings,
  inputs: Inputs,
): OpenSettings {
  const maps = new Map([...resident].map(([name, path]) => [name, inputs.look(path)]));
  return { ranges, holes, format, allowTruncated, resident: maps };
}

export const USUAL_DUMPS: DumpSettings = {
  ranges: "ram",
  holes: "zero",
  format: undefined,
  allowTruncated: false,
  resident: new Map(),
};

/** Bytes to hash: memory that is read by address, or a raw dump as it comes, from front to back. */
export type Hashable = { memory: Memory } | { stream: Source };

/** The layout of what is read by address. */
export const layoutOf = (input: Hashable): Layout | undefined => ("memory" in input ? input.memory.layout : undefined);

export interface OpenDump {
  /** As ledger.csv has it. What a flattened dump holds is known when it is open. */
  format: string;
  input: Hashable;
  /** What a person should know: pages lost, a dump cut short. */
  notes: readonly string[];
  /** The same of its file: what follows its end, a length that suggests a cut, holes. */
  fileNotes: readonly string[];
  /** What else `inspect` tells. */
  details: Readonly<Record<string, unknown>>;
  /** Gives back the temporary file that it was unpacked to. */
  close(): void;
}

/** Opens a dump: in a temporary file unless it is a plain one. again: its bytes will be read more than once. */
export async function openDump(source: Source, settings: OpenSettings, again = false): Promise<OpenDump> {
  if (source.format === "raw" && !isSeekable(source) && !again && mapOf(source.name, settings) === undefined) {
    const fileNotes = [...asItIsNotes(source), ...(settings.holes === "absent" ? [NO_HOLES_NOTE] : [])];
    return { format: source.format, input: { stream: source }, notes: [], fileNotes, details: {}, close: () => {} };
  }
  const spooled = new Spooled();
  try {
    return await plan(source, settings, spooled);
  } catch (error) {
    spooled.close();
    blameChange(source);
    throw fromSystem(error, displayName(source.name));
  }
}

async function plan(source: Source, settings: OpenSettings, spooled: Spooled): Promise<OpenDump> {
  const parts: (PlannedPart & { place: FilePlace; details: Record<string, unknown> })[] = [];
  for (const part of source.parts ?? [source]) {
    const { place, format, details } = await findDump(part, spooled);
    const file = new DumpFile(place);
    try {
      if (part.certainty === "none") refuseForeignEnd(file.end(END_BYTES), file.shownAs);
      parts.push({ ...place, plan: await format.plan(file, settings), place, details });
    } finally {
      file.close();
    }
  }
  const [{ plan, details }] = parts;
  const whole = parts.length > 1 ? joinParts(parts) : plan;
  const outside = settings.ranges === "ram" ? outsideRam(whole) : NOTHING;
  const layout = await layOut(whole, selectionOf(whole, outside.ranges, source.name, settings));
  return {
    format: whole.format ?? source.format,
    input: { memory: { layout, files: parts.map(({ place }) => place) } },
    notes: [...whole.notes, ...outside.notes],
    fileNotes: [...asItIsNotes(source), ...parts.flatMap((part) => part.plan.fileNotes ?? []), ...spooled.notes],
    details: { ...whole.details, ...details },
    close: () => spooled.close(),
  };
}

/** Of a dump that --format raw takes for one. */
const asItIsNotes = ({ looksPacked }: Source): string[] =>
  looksPacked === undefined
    ? []
    : [`It begins like a ${looksPacked} file, and is read as it is, without decompression.`];

/** Where a source's dump is, decompressed and without containers. */
async function findDump(source: Source, spooled: Spooled): Promise<Unwrapped> {
  const outer = isSeekable(source)
    ? placeOf(source)
    : await spooled.fill(bytesOf(source, spooled.onNote), nameOfBytes(source));
  return unwrap(outer, await dumpFormatNamed(source.format), spooled, unpackedName(displayName(source.name)));
}

interface Unwrapped {
  place: FilePlace;
  format: DumpFormat;
  /** What `inspect` tells of the containers. */
  details: Record<string, unknown>;
}

/** The dump inside containers, which may be compressed in there; unpackedAs: how errors call what it is unpacked to. */
async function unwrap(
  outer: FilePlace,
  outerFormat: DumpFormat | Container,
  spooled: Spooled,
  unpackedAs: string,
): Promise<Unwrapped> {
  let place = outer;
  let format = outerFormat;
  let details = {};
  while ("unwrap" in format) {
    const file = new DumpFile(place);
    try {
      const inside = await format.unwrap(file);
      const { offset, packing } = inside;
      details = { ...inside.details, ...details };
      format = await dumpFormatNamed(inside.format);
      if (packing) {
        const inner = await spooled.fill(unpackFrom(file, offset, packing, spooled.onNote), unpackedAs);
        spooled.drop(place);
        place = inner;
      } else {
        place = { ...place, start: place.start + offset, bytes: place.bytes - offset };
      }
    } finally {
      file.close();
    }
  }
  return { place, format, details };
}

/** What is compressed from an offset on. */
async function* unpackFrom(
  file: DumpFile,
  offset: number,
  packing: Packing,
  onNote: (note: string) => void,
): AsyncGenerator<Uint8Array> {
  const { shownAs, start } = file;
  try {
    yield* decompress(chunksOf(file.fd, start + offset), packing, shownAs, onNote);
  } catch (error) {
    if (!(error instanceof PagekinError)) throw error;
    // The decoder counts from where the compressed stream begins.
    throw file.fault(offset + (error.place.offset ?? 0), error.message, error.hint);
  }
}

/** The temporary files of a dump that cannot be read where it is. */
class Spooled {
  private readonly fds: number[] = [];
  /** What is to be known of what was unpacked to them. */
  readonly notes: string[] = [];
  readonly onNote = (note: string): void => {
    this.notes.push(note);
  };

  async fill(chunks: AsyncIterable<Uint8Array>, shownAs: string): Promise<FilePlace> {
    const { fd, bytes } = await spool(chunks);
    this.fds.push(fd);
    return { at: fd, start: 0, bytes, shownAs };
  }

  /** Gives one back before the others: what is in it was unpacked once more. */
  drop({ at }: FilePlace): void {
    const i = this.fds.indexOf(Number(at));
    if (i >= 0) closeSync(this.fds.splice(i, 1)[0]);
  }

  close(): void {
    for (const fd of this.fds.splice(0)) closeSync(fd);
  }
}

const NOTHING: Outside = { ranges: [], notes: [] };

/** The map of resident pages that is for a dump. */
function mapOf(name: SourceName, { resident }: OpenSettings): InputFile | undefined {
  const dump = nameOfDump(name);
  return [...resident].find(([text]) => text === "" || isNamed(text, dump))?.[1];
}

function selectionOf(plan: DumpPlan, outside: readonly Range[], name: SourceName, settings: OpenSettings): Selection {
  const map = mapOf(name, settings);
  return { outside, keep: map === undefined ? undefined : residentRanges(map, endOfMemory(plan, outside)) };
}

/** Where the last memory that counts ends; firmware, which may be left out, stands right below 4 GiB. */
function endOfMemory({ extents, parts = [] }: DumpPlan, outside: readonly Range[]): number {
  let memoryEnd = 0;
  for (let i = 0; i < extents.count; i++) {
    const end = extents.end(i);
    const isOutside = outside.some(({ address, bytes }) => address < end && end <= address + bytes);
    if (end > memoryEnd && !isOutside) memoryEnd = end;
  }
  // A map would begin at address 0. No map is so long that this must be exact.
  return Number(unfolded(parts, memoryEnd));
}
