// What each source was taken for: in summaries, in their JSON and in manifest.json.

import path from "node:path";
import { printable } from "../errors.js";
import { displayName } from "../sources/names.js";
import type { Source } from "../sources/source.js";
import { formatCount, rounded } from "../text/format.js";
import type { Packing } from "../unpack/compression.js";
import { lineWidth } from "./terminal.js";
import { MOST_CELL, table } from "./text-table.js";

/** A source that was read; member and time where it holds one snapshot. */
export interface ReadSource {
  source: Source;
  member?: string;
  timeS?: number;
  /** What a person should know, such as what is missing of a cut dump. */
  notes: readonly string[];
}

/** What every command's summary says besides its numbers. */
export interface SummaryOptions {
  folder: string;
  files: readonly string[];
  seconds: number;
  json: boolean;
  sources: readonly ReadSource[];
  /** What a person should know, with the names of files. */
  notes: readonly string[];
}

/** More sources than these are listed by their formats. */
const MOST_LINES = 16;
const MOST_NAMED = 16;
const MOST_NOTES = 10;
/** Characters of a list of files in a note. */
const MOST_NAMES_WIDTH = 60;

/** How a source is compressed: gzip, or gzip in zstd. */
export const packingText = (packing: readonly Packing[]): string => [...packing].reverse().join(" in ");

/** The same in JSON, as it is packed: `gzip+xz` is an xz file in a gzip. */
export const compressionOf = (packing: readonly Packing[]): string => packing.join("+") || "none";

/** Why a source was taken for its format. */
export const DETECTED_BY = { signature: "signature", asked: "--format", none: "no known signature" } as const;

/** The fields that JSON has of a source. */
export function sourceFields({ source, member, timeS, notes }: ReadSource): Record<string, unknown> {
  const { name, format, packing, certainty } = source;
  return {
    source: displayName(name),
    member: member ?? null,
    time_s: timeS ?? null,
    format,
    detected_by: DETECTED_BY[certainty],
    compression: compressionOf(packing),
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** What a person should know of the sources, then what each was taken for; nothing where nothing was read. */
export function sourcesPart(options: SummaryOptions): string[] {
  const { sources } = options;
  const notes = notesLines(notesOf(options)).join("\n");
  const read = sources.length > 0 ? [sources.length > MOST_LINES ? byFormat(sources) : oneByOne(sources)] : [];
  return [...(notes === "" ? [] : [notes]), ...read];
}

/** The notes, and which sources are raw dumps only because they are nothing else. */
function notesOf({ sources, notes }: SummaryOptions): readonly string[] {
  const raw = sources.filter(({ source }) => source.certainty === "none").map(({ source }) => source);
  if (raw.length === 0) return notes;
  const files = raw.length === 1 ? displayName(raw[0].name) : listOf(raw.map(nameOf), MOST_NAMES_WIDTH);
  const text = `no known signature, read as ${raw.length === 1 ? "a raw dump" : "raw dumps"} (--format raw if that is right)`;
  return [`${files}: ${text}`, ...notes];
}

function oneByOne(sources: readonly ReadSource[]): string {
  const rows = sources.map(({ source }) => [pathOf(source), kindOf(source)]);
  return table([["source", "format"], ...rows], { left: 2 });
}

/** Shorter from the current folder, where that is above it: an inventory gives whole paths. */
function pathOf({ name }: Source): string {
  const shownAs = displayName(name);
  const relative = path.relative(process.cwd(), shownAs);
  return name.parts || !path.isAbsolute(shownAs) || relative.startsWith("..") ? shownAs : relative;
}

function byFormat(sources: readonly ReadSource[]): string {
  const byKind = new Map<string, string[]>();
  for (const { source } of sources) {
    const kind = kindOf(source);
    byKind.set(kind, [...(byKind.get(kind) ?? []), nameOf(source)]);
  }
  const kindWidth = [...byKind.keys()].reduce((most, kind) => Math.max(most, kind.length), "format".length);
  const rows = [...byKind].map(([kind, names]) => [
    kind,
    listOf(names, Math.min(MOST_CELL, lineWidth() - kindWidth - 4)),
  ]);
  return table([["format", "sources"], ...rows], { left: 2 });
}

function kindOf({ format, packing, certainty }: Source): string {
  const kind = packing.length > 0 ? `${format} in ${packingText(packing)}` : format;
  return certainty === "none" ? `${kind} (${DETECTED_BY.none})` : kind;
}

const nameOf = ({ name }: Source) => (name.parts ?? [displayName(name)]).map((file) => path.basename(file)).join("+");

/** As many names as fit, at least one, and how many there are more. */
function listOf(names: readonly string[], width: number): string {
  const isTooLong = (shown: number) => withRest(names, shown).length > width;
  let shown = Math.min(names.length, MOST_NAMED);
  while (shown > 1 && isTooLong(shown)) shown--;
  return withRest(names, shown);
}

function withRest(names: readonly string[], shown: number): string {
  const list = names.slice(0, shown).join(", ");
  return names.length > shown ? `${list} and ${formatCount(names.length - shown)} more` : list;
}

function notesLines(notes: readonly string[]): string[] {
  const shown = notes.slice(0, MOST_NOTES).map((note) => printable(`Note: ${note}`));
  const more = notes.length - shown.length;
  return more > 0 ? [...shown, `and ${formatCount(more)} more notes in manifest.json`] : shown;
}

/** Where the results are. */
export function placePart({ folder, files }: SummaryOptions): string {
  const tables = files.filter((file) => !file.endsWith(".json")).join(" ");
  return `In ${folder}:\n  ${tables}`;
}

/** What the JSON of every command that writes results begins with. */
export const commonFields = (options: SummaryOptions) => ({
  out: options.folder,
  files: options.files,
  duration_s: rounded(options.seconds, 3),
  notes: options.notes,
  sources: options.sources.map((one) => ({ ...sourceFields(one), notes: one.notes })),
});
