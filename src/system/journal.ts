// How many files come to a folder as one: all of them lie in a folder inside it, and so does a record of what is to happen.
// From the moment the record is there it happens, in this run or in the next one: what is to be replaced moves to that folder,
// then the new files move out of it. So there are never old and new files side by side, and every step can be done again.

import { type Dirent, readdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PagekinError, quoted } from "../errors.js";
import { isThere, readPlainFile } from "./plain-file.js";
import { syncFiles, syncFolder, syncFolderNow } from "./sync.js";

/** Names of files; those that tell which others belong together come last among the new and first among the old. */
export interface Changes {
  files: readonly string[];
  replaced: readonly string[];
}

/** In the journal folder, beside the new files, whose names never begin with a dot. */
const RECORD = ".record.json";
/** What a replaced file is called there, by its place in the record: its own name could become too long. */
const oldName = (number: number) => `.old.${number}`;
const MOST_RECORD_BYTES = 2 ** 28;

/** Decides that the changes happen. The new files must lie in the journal folder, on the disk, and that in `target`. */
export async function record(journal: string, target: string, changes: Changes): Promise<void> {
  writeFileSync(path.join(journal, RECORD), JSON.stringify(changes), { flag: "wx", mode: 0o600 });
  await syncFiles(journal, [RECORD]);
  await syncFolder(journal);
  await syncFolder(target);
}

/** Whether there is a record in a journal folder. */
export const hasRecord = (journal: string): boolean => isThere(path.join(journal, RECORD));

/** What was decided in a journal folder; undefined where nothing was: without a record, or with one that is not complete. */
export function readRecord(journal: string): Changes | undefined {
  const text = readPlainFile(path.join(journal, RECORD), MOST_RECORD_BYTES) ?? "";
  try {
    const { files, replaced } = JSON.parse(text);
    return areNames(files) && areNames(replaced) ? { files, replaced } : undefined;
  } catch {
    return undefined;
  }
}

const areNames = (list: unknown): list is string[] => Array.isArray(list) && list.every(isResultName);

/** Whether a file in a result folder may be called so. */
export function isResultName(name: unknown): name is string {
  return typeof name === "string" && /^[^./\0][^/\0]*$/.test(name);
}

/** Makes the changes of a journal folder, as far as they are not made. */
export async function apply(journal: string, target: string, { files, replaced }: Changes): Promise<void> {
  const { waiting, there } = stateOf(journal, target);
  const isNew = new Set(files.filter((file) => !waiting.has(file)));
  for (const [i, file] of replaced.entries()) {
    const entry = there.get(file);
    if (!entry || waiting.has(oldName(i)) || isNew.has(file)) continue;
    if (!entry.isFile()) throw inTheWay(target, file);
    renameSync(path.join(target, file), path.join(journal, oldName(i)));
    there.delete(file);
  }
  for (const file of files) {
    if (!waiting.has(file)) continue;
    if (there.has(file)) throw inTheWay(target, file);
    renameSync(path.join(journal, file), path.join(target, file));
  }
  await syncFolder(target);
}

/** Takes the changes of a journal folder back, as far as they are made. */
export function undo(journal: string, target: string, { files, replaced }: Changes): void {
  const { waiting, there } = stateOf(journal, target);
  for (const file of files.toReversed()) {
    if (waiting.has(file) || !there.has(file)) continue;
    renameSync(path.join(target, file), path.join(journal, file));
    there.delete(file);
  }
  for (let i = replaced.length - 1; i >= 0; i--) {
    if (!waiting.has(oldName(i))) continue;
    if (there.has(replaced[i])) throw inTheWay(target, replaced[i]);
    renameSync(path.join(journal, oldName(i)), path.join(target, replaced[i]));
  }
  syncFolderNow(target);
}

/** What lies in the journal folder, new files that are to move and old ones that have moved, and what the folder holds. */
function stateOf(journal: string, target: string) {
  const there = readdirSync(target, { withFileTypes: true }).map((entry): [string, Dirent] => [entry.name, entry]);
  return { waiting: new Set(readdirSync(journal)), there: new Map(there) };
}

const inTheWay = (folder: string, file: string) =>
  new PagekinError(`${quoted(file)} is there already`, { file: folder, hint: "move it away, or choose another --out" });
