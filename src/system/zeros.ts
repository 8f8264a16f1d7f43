import { readSync } from "node:fs";
import { breathe } from "./pace.js";

const READ_BYTES = 1024 * 1024;

/** Where zeros that begin at an offset of a file end: at a byte that is not zero, or at `end`. */
export async function endOfZeros(fd: number, offset: number, end: number): Promise<number> {
  const chunk = new Uint8Array(Math.min(READ_BYTES, end - offset));
  for (let at = offset; at < end; ) {
    const bytes = readSync(fd, chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytes === 0) return at;
    const data = indexOfData(chunk.subarray(0, bytes));
    if (data >= 0) return at + data;
    at += bytes;
    const turn = breathe();
    if (turn) await turn;
  }
  return end;
}

/** Where the first byte stands that is not zero; -1: there is none. */
export function indexOfData(bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return i;
  return -1;
}
