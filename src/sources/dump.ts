// A dump's layout: its format's plan, brought in order, without what is not to be read.

import { closeSync, openSync } from "node:fs";
import { DumpFile } from "../dumps/dump-file.js";
import type { DumpPlan, Range } from "../dumps/formats/format.js";
import { END_BYTES, HEAD_BYTES, refuseForeignEnd } from "../dumps/formats/known.js";
import { NO_HOLES_NOTE } from "../dumps/formats/raw.js";
import { dumpFormatNamed } from "../dumps/formats/registry.js";
import { layOut, type Selection } from "../dumps/layout.js";
import { outsideRam } from "../dumps/ranges.js";
import { residentRanges } from "../dumps/resident.js";
import { PagekinError } from "../errors.js";
import { chunksOf, spool } from "../system/temporary.js";
import { decompress, type Layers } from "../unpack/compression.js";
import { isNamed, nameOfDump } from "./names.js";
import { addFileNote, nameOfRead, type Opened, toSeekable } from "./open.js";

/** How dumps are read. */
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

export const USUAL_DUMPS: DumpSettings = {
  ranges: "ram",
  holes: "zero",
  format: undefined,
  allowTruncated: false,
  resident: new Map(),
};

/** Plans a dump. A raw one that comes as a stream is left as it is: it is hashed as it comes. */
export async function openDump(opened: Opened, settings: DumpSettings): Promise<Opened> {
  const isStream = opened.pipe !== undefined || opened.compression !== "none";
  if (opened.format === "raw" && isStream && settings.resident.size === 0) {
    if (settings.holes === "absent") addFileNote(opened, NO_HOLES_NOTE);
    return opened;
  }
  return planDump(opened, settings);
}

/** Plans a dump, in a temporary file unless it is a plain one. */
export async function planDump(opened: Opened, settings: DumpSettings = USUAL_DUMPS): Promise<Opened> {
  const seekable = await toSeekable(opened);
  const saved = seekable.format === "virsh-save" ? await unpackSaved(seekable) : undefined;
  const plain = saved?.stream ?? seekable;
  const fd = plain.fd ?? openSync(plain.name.path, "r");
  try {
    const file = new DumpFile(nameOfRead(plain), fd, plain.fileBytes);
    if (plain.recognizedBy === "nothing") refuseForeignEnd(file.end(END_BYTES), file.shownAs);
    const plan = saved
      ? await (await import("../dumps/formats/qemu-migration.js")).planMigration(file, 0, settings)
      : await (await dumpFormatNamed(plain.format)).plan(file, settings);
    return {
      ...plain,
      layout: await layOut(plan, selectionOf(plan, plain, settings)),
      notes: plan.notes,
      fileNotes: [...(seekable.fileNotes ?? []), ...(saved?.stream.fileNotes ?? []), ...(plan.fileNotes ?? [])],
      details: { ...plan.details, ...saved?.details },
      packing: packingOf(opened),
    };
  } catch (error) {
    // A temporary file has no other owner yet.
    if (plain.fd !== undefined) closeSync(plain.fd);
    throw error;
  } finally {
    if (plain.fd === undefined) closeSync(fd);
  }
}

const packingOf = ({ compression, inner }: Opened): Layers => (inner ? { compression, inner } : { compression });

/** The stream of a `virsh save` file in a temporary file, if it is packed. */
async function unpackSaved(opened: Opened): Promise<{ stream: Opened; details: Record<string, unknown> } | undefined> {
  const { name, format, recognizedBy, fd: spooled, fileBytes, onDisk } = opened;
  const file = nameOfRead(opened);
  const fd = spooled ?? openSync(name.path, "r");
  let isReadOn = false;
  try {
    const head = new DumpFile(file, fd, fileBytes).read(0, Math.min(HEAD_BYTES, fileBytes), "the header");
    const { payloadOf } = await import("../dumps/formats/virsh-save.js");
    const { offset, compression, details } = payloadOf(head, fileBytes, file);
    if (compression === "none") {
      isReadOn = fd === spooled;
      return undefined;
    }
    const fileNotes: string[] = [];
    const stream = decompress(chunksOf(fd, offset), compression, file, (note) => fileNotes.push(note));
    const { fd: unpacked, bytes } = await spool(stream).catch((error: unknown) => {
      if (!(error instanceof PagekinError)) throw error;
      // The decoder counts from where the packed stream begins.
      const place = offset + (error.place.offset ?? 0);
      throw new PagekinError(error.message, { file, offset: place, hint: error.hint });
    });
    const plain: Opened = {
      name,
      format,
      recognizedBy,
      compression: "none",
      fileBytes: bytes,
      onDisk,
      fd: unpacked,
      isUnpacked: true,
      fileNotes,
    };
    return { stream: plain, details };
  } finally {
    // A stream that is not packed is read where it is, in a temporary file too.
    if (!isReadOn) closeSync(fd);
  }
}

function selectionOf(plan: DumpPlan, { name }: Opened, { ranges, resident }: DumpSettings): Selection {
  const outside = ranges === "ram" ? outsideRam(plan) : [];
  const dump = nameOfDump(name);
  const map = [...resident].find(([text]) => text === "" || isNamed(text, dump))?.[1];
  return { outside, keep: map === undefined ? undefined : residentRanges(map, endOfMemory(plan, outside)) };
}

/** Where the last memory that counts ends; firmware, which may be left out, stands right below 4 GiB. */
function endOfMemory({ extents }: DumpPlan, outside: readonly Range[]): number {
  let memoryEnd = 0;
  for (let i = 0; i < extents.count; i++) {
    const end = extents.end(i);
    const isOutside = outside.some(({ address, bytes }) => address < end && end <= address + bytes);
    if (end > memoryEnd && !isOutside) memoryEnd = end;
  }
  return memoryEnd;
}
