// What each source was taken for: in summaries, in their JSON and in manifest.json.

import path from "node:path";
import { printable } from "../errors.js";
import { displayName } from "../sources/names.js";
import type { Source } from "../sources/source.js";
import { formatCount } from "../text/format.js";
import type { Packing } from "../unpack/compression.js";
import { lineWidth, table } from "./terminal.js";

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

const MOST_NAMED = 16;
const MOST_NOTES = 10;

/** How a source is compressed: gzip, or gzip in zstd. */
export const packingText = (packing: readonly Packing[]): string => [...packing].reverse().join(" in ");

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
    compression: packing.length > 0 ? packing.join("+") : "none",
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** The sources by what they were taken for, then what a person should know of them; nothing where nothing was read. */
export function sourcesPart({ sources, notes }: SummaryOptions): string[] {
  const byKind = new Map<string, string[]>();
  for (const { source } of sources) {
    const kind = kindOf(source);
    byKind.set(kind, [...(byKind.get(kind) ?? []), nameOf(source)]);
  }
  const kindWidth = [...byKind.keys()].reduce((most, kind) => Math.max(most, kind.length), 0);
  const rows = [...byKind].map(([kind, names]) => [kind, listOf(names, lineWidth() - kindWidth - 4)]);
  const taken = rows.length > 0 ? [table([["format", "sources"], ...rows], 2)] : [];
  const said = notesLines(notes);
  return taken.length + said.length > 0 ? [[...taken, ...said].join("\n")] : [];
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

/** What every command's JSON begins with. */
export const commonFields = ({ folder, files, notes, sources }: SummaryOptions) => ({
  folder,
  files,
  notes,
  sources: sources.map(sourceFields),
});
