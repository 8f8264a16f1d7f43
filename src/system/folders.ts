import { mkdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Makes a folder and those above it that are missing; gives the first that it made, undefined where all were there. (Node's
 * own recursive mkdir goes on for ever where a file system has no place for new folders, as /proc.)
 */
export function makeFolders(folder: string, mode = 0o777): string | undefined {
  const whole = path.resolve(folder);
  try {
    mkdirSync(whole, { mode });
    return whole;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(whole).isDirectory()) return undefined;
    if (code !== "ENOENT" || path.dirname(whole) === whole) throw error;
  }
  const first = makeFolders(path.dirname(whole), mode);
  mkdirSync(whole, { mode });
  return first ?? whole;
}

/** Removes folders from `folder` up to `top`, if that was made, as long as they are empty. */
export function removeEmpty(folder: string, top: string | undefined): void {
  if (top === undefined) return;
  try {
    for (let at = folder; at.startsWith(top); at = path.dirname(at)) rmdirSync(at);
  } catch {
    // Somebody else put something there.
  }
}

/** Removes a folder with all that is in it. */
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });
