// Files that are read. A file that changes while it is read would give numbers that are true at no time, so each is looked at
// when it is first opened; whenever it is opened again, and when all was read, it must be the same file, unchanged.

import { type BigIntStats, closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { fromSystem, PagekinError } from "../errors.js";
import { breathe } from "./pace.js";
import { readFully } from "./transfer.js";

/** A regular file as it was when it was first opened. It can be sent to threads. */
export interface InputFile {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** Opens a file again: an error unless it is the same and has not changed. Who opens it closes it. */
export function openAgain(file: InputFile): number {
  let fd: number;
  try {
    fd = openRegular(file.path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw changed(file, "was removed");
    throw fromSystem(error, file.path);
  }
  try {
    refuseChange(file, fstatSync(fd, { bigint: true }));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** An error if a file is not what it was when it was first opened. */
export function refuseChanged(file: InputFile): void {
  const now = statSync(file.path, { bigint: true, throwIfNoEntry: false });
  if (!now) throw changed(file, "was removed");
  refuseChange(file, now);
}

/** All bytes of a small file that was opened before. */
export function readAgain(file: InputFile): Buffer {
  return readAll({ file, fd: openAgain(file) });
}

/** Closes the descriptor. */
function readAll({ file, fd }: { file: InputFile; fd: number }): Buffer {
  try {
    const bytes = Buffer.allocUnsafe(Number(file.size));
    if (readFully(fd, bytes, 0) < bytes.length) throw changed(file, "was truncated");
    refuseChange(file, fstatSync(fd, { bigint: true }));
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function refuseChange(file: InputFile, now: BigIntStats): void {
  if (now.dev !== file.dev || now.ino !== file.ino) throw changed(file, "was replaced");
  if (now.size !== file.size) throw changed(file, now.size < file.size ? "was truncated" : "grew");
  if (now.mtimeNs !== file.mtimeNs) throw changed(file, "was modified");
}

function changed({ path }: InputFile, how: string): PagekinError {
  const hint = "wait until no program writes to it, then try again";
  return new PagekinError(`the file ${how} while it was read`, { file: path, hint });
}

// What was a regular file may have become a FIFO, which must not make anybody wait.
const openRegular = (path: string) => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);

/** All files that a run reads. */
export class Inputs {
  private readonly files = new Map<string, InputFile>();

  /** Looks at a regular file. */
  look(path: string): InputFile {
    try {
      const { file, fd } = this.open(path);
      closeSync(fd);
      return file;
    } catch (error) {
      throw fromSystem(error, path);
    }
  }

  /** Opens a regular file, for the first time or again. Who calls it closes the descriptor. */
  open(path: string): { file: InputFile; fd: number } {
    const known = this.files.get(path);
    if (known) return { file: known, fd: openAgain(known) };
    const fd = openRegular(path);
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (stat.isDirectory()) throw new PagekinError("is a folder", { file: path, hint: "name a file" });
      if (!stat.isFile()) throw new PagekinError("is not a regular file", { file: path, hint: "name a file" });
      const { dev, ino, size, mtimeNs } = stat;
      const file: InputFile = { path, dev, ino, size, mtimeNs };
      this.files.set(path, file);
      return { file, fd };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** All bytes of a small regular file. */
  read(path: string): Buffer {
    try {
      return readAll(this.open(path));
    } catch (error) {
      throw fromSystem(error, path);
    }
  }

  /** An error if one of the files has changed; to be called when all was read. */
  async refuseChanged(): Promise<void> {
    for (const file of this.files.values()) {
      refuseChanged(file);
      const turn = breathe();
      if (turn) await turn;
    }
  }
}
