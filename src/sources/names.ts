import path from "node:path";
import { PagekinError } from "../errors.js";
import { splitName, splitSeconds } from "../text/values.js";

/** What the user named: a path (or `-`), and the member and time where the argument gives them. */
export interface SourceName {
  path: string;
  member?: string | undefined;
  timeS?: number | undefined;
  /** Labels of the inventory's row. */
  labels?: Record<string, string> | undefined;
}

const EXTENSIONS =
  /\.(raw|dump|mem|img|bin|elf|core|kdump|flat|lime|avml|vmem|migration|save|parquet|csv|gz|zst|xz|lz4|bz2|lzo)$/i;

/** Takes `PATH`, `NAME=PATH`, `NAME@SECONDS=PATH` or `NAME=-` apart. A file that exists under the whole text is a path. */
export function parseSource(text: string, exists: (path: string) => boolean): SourceName {
  const named = splitName(text);
  if (named && !named.name.includes(path.sep) && !exists(text)) {
    if (named.rest === "") throw new PagekinError(`"${text}" names no file`, { hint: "write NAME=PATH" });
    return { path: named.rest, ...memberAndTime(named.name, text) };
  }
  if (text === "-") throw new PagekinError("standard input needs a name", { hint: "write NAME=-" });
  return { path: text };
}

/** `NAME` is time 0, `NAME@S` is time S. */
function memberAndTime(name: string, text: string): { member: string; timeS: number } {
  if (!name.includes("@")) return { member: name, timeS: 0 };
  const split = splitSeconds(name);
  if (split) return { member: split.name, timeS: split.seconds };
  throw new PagekinError(`"${text}" has no time in seconds behind the @`, { hint: "write NAME@SECONDS=PATH" });
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

/** Member and time that a file's name gives: `NAME[@SECONDS]` before the known extensions. */
export function nameOfFile(file: string): { member: string; timeS: number } {
  let base = path.basename(file);
  while (EXTENSIONS.test(base) && base.replace(EXTENSIONS, "") !== "") base = base.replace(EXTENSIONS, "");
  const split = splitSeconds(base);
  return split ? { member: split.name, timeS: split.seconds } : { member: base, timeS: 0 };
}
