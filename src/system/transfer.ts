// Reads and writes of a whole buffer, which the system may do in parts.

import { readSync, writeSync } from "node:fs";

/** Fills a target from a position of a file; gives how many bytes there were before its end. */
export function readFully(fd: number, target: Uint8Array, position: number): number {
  let done = 0;
  while (done < target.length) {
    const got = readSync(fd, target, done, target.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/** Writes all of the bytes to a position of a file. */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
