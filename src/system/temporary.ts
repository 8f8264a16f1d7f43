import { closeSync, mkdtempSync, openSync, readSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromSystem, PagekinError } from "../errors.js";
import { writeFully } from "./transfer.js";

const READ_BYTES = 1024 * 1024;
const NO_SPACE = ["ENOSPC", "EDQUOT"];
const NO_FOLDER = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS"];
/** No dump is larger; what a few bytes unpack to may be. */
const MOST_BYTES = 2 ** 40;

/** Opens a temporary file (in TMPDIR) that has no name any more: nothing is left of it however the process ends. */
export function openTemporary(): number {
  try {
    const folder = mkdtempSync(path.join(tmpdir(), "pagekin-"));
    const file = path.join(folder, "spool");
    const fd = openSync(file, "wx+", 0o600);
    unlinkSync(file);
    rmdirSync(folder);
    return fd;
  } catch (error) {
    throw ofTemporary(error);
  }
}

/** What is wrong with temporary files. instead: what else helps where there is no space. */
function ofTemporary(error: unknown, instead = ""): unknown {
  const known = fromSystem(error);
  if (!(known instanceof PagekinError)) return known;
  const { code = "" } = error as NodeJS.ErrnoException;
  const hint = NO_SPACE.includes(code)
    ? `set the environment variable TMPDIR to a folder on a larger disk${instead}`
    : NO_FOLDER.includes(code)
      ? "set the environment variable TMPDIR to a folder that can be written to"
      : known.hint;
  return new PagekinError(known.message, { file: `temporary file in ${tmpdir()}`, hint });
}

/** Writes all of the bytes at a position of a temporary file. instead: what else helps where there is no space for them. */
export function writeTemporary(fd: number, bytes: Uint8Array, position: number, instead?: string): void {
  try {
    writeFully(fd, bytes, position);
  } catch (error) {
    throw ofTemporary(error, instead);
  }
}

/** Writes a stream of bytes to a temporary file; gives its descriptor and length. */
export async function spool(chunks: AsyncIterable<Uint8Array>): Promise<{ fd: number; bytes: number }> {
  const fd = openTemporary();
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      writeTemporary(fd, chunk, bytes);
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new PagekinError("unpacks to more than 1 TiB", { hint: "is it a dump at all?" });
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, bytes };
}

/** What is behind a descriptor. It stays open however that ends: a ReadStream would close it where its reader gives up. */
export async function* chunksOf(fd: number, start = 0): AsyncGenerator<Uint8Array> {
  for (let at = start; ; ) {
    const chunk = new Uint8Array(READ_BYTES);
    const bytes = readSync(fd, chunk, 0, chunk.length, at);
    if (bytes === 0) return;
    at += bytes;
    yield chunk.subarray(0, bytes);
  }
}
