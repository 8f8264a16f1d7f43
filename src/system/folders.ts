import { type Dirent, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import path from "node:path";

/**
 * Makes a folder and those above it that are missing; gives the first that it made, undefined where all were there. (Node's
 * own recursive mkdir goes on for ever where a file system has no place for new folders, as /proc.)
 */
export function makeFolders(folder: string, mode = 0o777): string | undefined {
  const whole = path.resolve(folder);
  // An error that is expected is dear.
  if (isFolder(whole)) return undefined;
  try {
    mkdirSync(whole, { mode });
    return whole;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && isFolder(whole)) return undefined;
    if (code !== "ENOENT" || path.dirname(whole) === whole) throw error;
  }
  const first = makeFolders(path.dirname(whole), mode);
  mkdirSync(whole, { mode });
  return first ?? whole;
}

const isFolder = (file: string) => statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Removes folders from `folder` up to `top`, if that was made, as long as they are empty. */
export function removeEmpty(folder: string, top: string | undefined): void {
  if (top === undefined) return;
  try {
    for (let at = folder; at.startsWith(top); at = path.dirname(at)) rmdirSync(at);
  } catch {
    // Somebody else put something there.
  }
}

/** Removes a folder with all that is in it, if it is there. (Node's own rmSync loads a part of Node that takes longer.) */
export function removeFolder(folder: string): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) removeFolder(file);
    else unlinkSync(file);
  }
  rmdirSync(folder);
}
