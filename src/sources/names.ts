import path from "node:path";
import { DUMP_EXTENSIONS } from "../dumps/formats/registry.js";
import { PagekinError, quoted } from "../errors.js";
import { splitName, splitSeconds } from "../text/values.js";
import { PACKING_EXTENSIONS } from "../unpack/compression.js";
import { TRACE_FORMATS } from "./trace-formats.js";

/** Values of labels by name, each a property of its own, whatever its name. */
export type LabelValues = Readonly<Record<string, string>>;

/** What the user named: a path (or `-`), and the member and time where the argument gives them. */
export interface SourceName {
  path: string;
  /** Paths of the parts of a split dump, the first of which is `path`. */
  parts?: readonly string[] | undefined;
  member?: string | undefined;
  timeS?: number | undefined;
  /** Labels of the inventory's row. */
  labels?: LabelValues | undefined;
}

const endsIn = (extensions: readonly string[]) => `\\.(${extensions.join("|")})`;
const EXTENSIONS = new RegExp(`${endsIn([...DUMP_EXTENSIONS, ...TRACE_FORMATS, ...PACKING_EXTENSIONS])}$`, "i");
const CSV_NAME = new RegExp(`\\.csv(${endsIn(PACKING_EXTENSIONS)})*$`, "i");

/**
 * Takes `PATH`, `NAME=PATH`, `NAME@SECONDS=PATH` or `NAME=-` apart; a PATH may be the parts of a split dump, `PATH+PATH...`.
 * A file that exists under the whole text is a path.
 */
export function parseSource(text: string, exists: (path: string) => boolean): SourceName {
  const named = splitName(text);
  if (named && !named.name.includes(path.sep) && !exists(text)) {
    if (named.rest === "") throw new PagekinError(`"${quoted(text)}" names no file`, { hint: "write NAME=PATH" });
    return { ...pathsOf(named.rest, exists), ...memberAndTime(named.name, text) };
  }
  if (text === "-") throw new PagekinError("standard input needs a name", { hint: "write NAME=-" });
  return pathsOf(text, exists);
}

/** A path, or those of several parts if the first of them exists and no file has the whole text as its name. */
export function pathsOf(text: string, exists: (path: string) => boolean): Pick<SourceName, "path" | "parts"> {
  const parts = text.split("+");
  return parts.length > 1 && !exists(text) && exists(parts[0]) ? { path: parts[0], parts } : { path: text };
}

/** The same name with its paths in a folder. */
export function inFolder(name: SourceName, folder: string): SourceName {
  if (name.path === "-") return name;
  const resolve = (file: string) => path.resolve(folder, file);
  return { ...name, path: resolve(name.path), parts: name.parts?.map(resolve) };
}

/** `NAME` is time 0, `NAME@S` is time S. */
function memberAndTime(name: string, text: string): { member: string; timeS: number } {
  if (!name.includes("@")) return { member: name, timeS: 0 };
  const split = splitSeconds(name);
  if (split) return { member: split.name, timeS: split.seconds };
  throw new PagekinError(`"${quoted(text)}" has no time in seconds behind the @`, { hint: "write NAME@SECONDS=PATH" });
}

/** Member and time of a dump: what the user named, or what its file's name gives. */
export function nameOfDump({ path: file, member, timeS }: SourceName): { member: string; timeS: number } {
  const ofFile = nameOfFile(file);
  return { member: member ?? ofFile.member, timeS: timeS ?? ofFile.timeS };
}

/** Whether `NAME` or `NAME@SECONDS` means a dump: the first all of a member's, the second that of one time. */
export function isNamed(text: string, { member, timeS }: { member: string; timeS: number }): boolean {
  const split = splitSeconds(text);
  return text === member || (split?.name === member && split.seconds === timeS);
}

/** Whether a file is called a CSV, packed or not. */
export const isCsvName = (file: string): boolean => CSV_NAME.test(file);

/** Member and time that a file's name gives: `NAME[@SECONDS]` before the known extensions. */
export function nameOfFile(file: string): { member: string; timeS: number } {
  let base = path.basename(file);
  while (EXTENSIONS.test(base) && base.replace(EXTENSIONS, "") !== "") base = base.replace(EXTENSIONS, "");
  const split = splitSeconds(base);
  return split ? { member: split.name, timeS: split.seconds } : { member: base, timeS: 0 };
}

const STANDARD_INPUT = "standard input";

/** How messages and tables call a source. A file may have the name of standard input, too. */
export function displayName(name: SourceName): string {
  if (name.path === "-") return STANDARD_INPUT;
  const file = name.parts?.join("+") ?? name.path;
  return file === STANDARD_INPUT ? `./${file}` : file;
}
