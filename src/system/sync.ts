// What is to outlast a power failure is handed to the disk before anything builds on it.

import { closeSync, fsync, fsyncSync, openSync } from "node:fs";
import path from "node:path";

/** Files that are handed over together: a file system writes them as one. */
const FILES_AT_ONCE = 16;

/** Not every file system can do this (fsync(2): EINVAL), and a folder that may be written need not be readable. */
const CANNOT = ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EACCES"];

/** Waits until the contents of files in a folder are on the disk. The names are another matter: `syncFolder`. */
export async function syncFiles(folder: string, files: readonly string[]): Promise<void> {
  for (let at = 0; at < files.length; at += FILES_AT_ONCE) {
    await Promise.all(files.slice(at, at + FILES_AT_ONCE).map((file) => sync(path.join(folder, file))));
  }
}

/** Waits until the names in a folder are on the disk. */
export const syncFolder = (folder: string): Promise<void> => sync(folder);

async function sync(file: string): Promise<void> {
  const fd = open(file);
  if (fd === undefined) return;
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => fsync(fd, resolve));
  closeSync(fd);
  if (error && !cannot(error)) throw error;
}

/** As `syncFolder`, where nothing can be waited for. */
export function syncFolderNow(folder: string): void {
  const fd = open(folder);
  if (fd === undefined) return;
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!cannot(error)) throw error;
  } finally {
    closeSync(fd);
  }
}

function open(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch (error) {
    if (cannot(error)) return undefined;
    throw error;
  }
}

const cannot = (error: unknown) => CANNOT.includes((error as NodeJS.ErrnoException).code ?? "");
