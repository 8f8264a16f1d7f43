// How many files come to a folder as one: all of them lie in a folder inside it, and so does a record of what is to happen.
// From the moment the record is there it happens, in this run or in the next one: what is to be replaced moves to that folder,
// then the new files move out of it. So there are never old and new files side by side, and every step can be done again.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PagekinError } from "../errors.js";
import { isPlainFile, isThere, readPlainFile } from "./plain-file.js";
import { syncFiles, syncFolder, syncFolderNow } from "./sync.js";

/** Names of files; those that tell which others belong together come last among the new and first among the old. */
export interface Changes {
  files: readonly string[];
  replaced: readonly string[];
}

/** In the journal folder, beside the new files, whose names never begin with a dot. */
const RECORD = ".record.json";
const OLD = ".old";
const MOST_RECORD_BYTES = 2 ** 28;

/** Decides that the changes happen. The new files must lie in the journal folder, which must lie in `target`. */
export async function record(journal: string, target: string, changes: Changes): Promise<void> {
  const unfinished = `${RECORD}.part`;
  mkdirSync(path.join(journal, OLD), { mode: 0o700 });
  writeFileSync(path.join(journal, unfinished), JSON.stringify(changes), { flag: "wx", mode: 0o600 });
  await syncFiles(journal, [unfinished]);
  renameSync(path.join(journal, unfinished), path.join(journal, RECORD));
  await syncFolder(journal);
  await syncFolder(target);
}

/** Whether something was decided in a journal folder. */
export const hasRecord = (journal: string): boolean => isThere(path.join(journal, RECORD));

/** What was decided in a journal folder; undefined where nothing was. */
export function readRecord(journal: string): Changes | undefined {
  const file = path.join(journal, RECORD);
  if (!hasRecord(journal)) return undefined;
  try {
    const { files, replaced } = JSON.parse(readPlainFile(file, MOST_RECORD_BYTES) ?? "");
    if (areNames(files) && areNames(replaced)) return { files, replaced };
  } catch {
    // Said below.
  }
  throw new PagekinError("this is not a record of pagekin's", {
    file,
    hint: `remove ${journal}, or choose another --out`,
  });
}

const areNames = (list: unknown): list is string[] => Array.isArray(list) && list.every(isResultName);

/** Whether a file in a result folder may be called so. */
export function isResultName(name: unknown): name is string {
  return typeof name === "string" && /^[^./\0][^/\0]*$/.test(name);
}

/** Makes the changes of a journal folder, as far as they are not made. */
export async function apply(journal: string, target: string, { files, replaced }: Changes): Promise<void> {
  const isNew = new Set(files);
  for (const file of replaced) {
    const [place, old] = [path.join(target, file), path.join(journal, OLD, file)];
    const isDone = isThere(old) || (isNew.has(file) && !isThere(path.join(journal, file)));
    if (isDone || !isThere(place)) continue;
    if (!isPlainFile(place)) throw inTheWay(target, file);
    renameSync(place, old);
  }
  await syncFolder(target);
  for (const file of files) {
    const [from, place] = [path.join(journal, file), path.join(target, file)];
    if (!isThere(from)) continue;
    if (isThere(place)) throw inTheWay(target, file);
    renameSync(from, place);
  }
  await syncFolder(target);
}

/** Takes the changes of a journal folder back, as far as they are made. */
export function undo(journal: string, target: string, { files, replaced }: Changes): void {
  for (const file of files.toReversed()) {
    const [from, place] = [path.join(journal, file), path.join(target, file)];
    if (!isThere(from) && isThere(place)) renameSync(place, from);
  }
  for (const file of replaced.toReversed()) {
    const [place, old] = [path.join(target, file), path.join(journal, OLD, file)];
    if (!isThere(old)) continue;
    if (isThere(place)) throw inTheWay(target, file);
    renameSync(old, place);
  }
  syncFolderNow(target);
}

const inTheWay = (folder: string, file: string) =>
  new PagekinError(`${file} is there already`, { file: folder, hint: "move it away, or choose another --out" });
