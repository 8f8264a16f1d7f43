import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";

/** Whether something of this name is there, be it a link to nothing. */
export const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

/** The text of a regular file of at most so many bytes; undefined of anything else, such as a FIFO, where reading would wait. */
export function readPlainFile(file: string, mostBytes: number): string | undefined {
  if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  // Another file may have come in its place.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= mostBytes ? readFileSync(fd, "utf8") : undefined;
  } finally {
    closeSync(fd);
  }
}
