import path from "node:path";
import { DUMP_EXTENSIONS } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
import { PACKING_EXTENSIONS } from "../unpack/compression.js";
import { TRACE_FORMATS } from "./trace-formats.js";

/** What the user named: a path (or `-`), and the member and time where the argument gives them. */
export interface SourceName {
  path: string;
  member?: string | undefined;
  timeS?: number | undefined;
  /** Labels of the inventory's row. */
  labels?: Record<string, string> | undefined;
}

const endsIn = (extensions: readonly string[]) => `\\.(${extensions.join("|")})`;
const EXTENSIONS = new RegExp(`${endsIn([...DUMP_EXTENSIONS, ...TRACE_FORMATS, ...PACKING_EXTENSIONS])}$`, "i");
const CSV_NAME = new RegExp(`\\.csv(${endsIn(PACKING_EXTENSIONS)})*$`, "i");

/** Seconds as a number, from the text behind an `@`; undefined when it is none. */
export function parseSeconds(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

/** Takes `PATH`, `NAME=PATH`, `NAME@SECONDS=PATH` or `NAME=-` apart. A file that exists under the whole text is a path. */
export function parseSource(text: string, exists: (path: string) => boolean): SourceName {
  const equals = text.indexOf("=");
  if (equals > 0 && !text.slice(0, equals).includes(path.sep) && !exists(text)) {
    const file = text.slice(equals + 1);
    if (file === "") throw new PagekinError(`"${text}" names no file`, { hint: "write NAME=PATH" });
    return { path: file, ...splitName(text.slice(0, equals), text) };
  }
  if (text === "-") throw new PagekinError("standard input needs a name", { hint: "write NAME=-" });
  return { path: text };
}

/** `NAME` is time 0, `NAME@S` is time S. */
function splitName(name: string, text: string): { member: string; timeS: number } {
  const at = name.lastIndexOf("@");
  if (at < 0) return { member: name, timeS: 0 };
  const timeS = parseSeconds(name.slice(at + 1));
  if (timeS === undefined || at === 0) {
    throw new PagekinError(`"${text}" has no time in seconds behind the @`, { hint: "write NAME@SECONDS=PATH" });
  }
  return { member: name.slice(0, at), timeS };
}

/** Member and time of a dump: what the user named, or what its file's name gives. */
export function nameOfDump({ path: file, member, timeS }: SourceName): { member: string; timeS: number } {
  const ofFile = nameOfFile(file);
  return { member: member ?? ofFile.member, timeS: timeS ?? ofFile.timeS };
}

/** Whether `NAME` or `NAME@SECONDS` means a dump: the first all of a member's, the second that of one time. */
export function isNamed(text: string, { member, timeS }: { member: string; timeS: number }): boolean {
  const at = text.lastIndexOf("@");
  return text === member || (at > 0 && text.slice(0, at) === member && parseSeconds(text.slice(at + 1)) === timeS);
}

/** Whether a file is called a CSV, packed or not. */
export const isCsvName = (file: string): boolean => CSV_NAME.test(file);

/** Member and time that a file's name gives: `NAME[@SECONDS]` before the known extensions. */
export function nameOfFile(file: string): { member: string; timeS: number } {
  let base = path.basename(file);
  while (EXTENSIONS.test(base) && base.replace(EXTENSIONS, "") !== "") base = base.replace(EXTENSIONS, "");
  const at = base.lastIndexOf("@");
  const timeS = at > 0 ? parseSeconds(base.slice(at + 1)) : undefined;
  return timeS === undefined ? { member: base, timeS: 0 } : { member: base.slice(0, at), timeS };
}

/** How messages call a source. */
export function displayName(name: SourceName): string {
  return name.path === "-" ? "standard input" : name.path;
}
