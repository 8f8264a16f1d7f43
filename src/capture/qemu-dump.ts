// Dumps that QEMU writes itself, with its own rights, into files that are made for it.

import { chmodSync, chownSync, closeSync, openSync, statSync } from "node:fs";
import path from "node:path";
import type { Range } from "../dumps/formats/format.js";
import { fromSystem, PagekinError } from "../errors.js";
import type { Staging } from "../system/staging.js";
import type { Place } from "./elf-write.js";
import { pluggedRamOf } from "./guest-ram.js";
import type { Monitor } from "./monitor.js";
import { joinFiles, placeNotes, stretchesOf } from "./raw-file.js";
import type { Taken } from "./subject.js";

/** QEMU writes a dump while it does nothing else. */
const DUMP_MS = 3_600_000;
const LOOK_MS = 100;
const FREE_SOME = "free some of the disk if it is full, or choose another --out";

interface Writer {
  qmp: Monitor;
  /** QEMU's process, where it could be found. */
  pid: number | undefined;
  staging: Staging;
  onBytes(bytes: number): void;
}

/** Has QEMU write all of the RAM: raw (pmemsave), or as an ELF core. */
export async function dumpByQemu(method: "pmemsave" | "core", place: Place, writer: Writer): Promise<Taken> {
  const file = path.resolve(place.path);
  try {
    const stretches = method === "pmemsave" ? stretchesOf(writer.qmp, await pluggedRamOf(writer.qmp)) : [];
    const files = await (method === "pmemsave" ? saveStretches(stretches, file, writer) : dumpCore(file, writer));
    for (const one of files) {
      if (process.getuid?.() === 0) chownSync(one, 0, 0);
      chmodSync(one, 0o600);
    }
    const finish = () =>
      joinFiles(files).catch((error: unknown) => {
        throw fromSystem(error, place.shownAs);
      });
    const storedBytes = files.reduce((sum, one) => sum + statSync(one).size, 0);
    return { storedBytes, swappedBytes: 0, notes: placeNotes(stretches), finish };
  } catch (error) {
    throw fromSystem(refusalOf(error, place.shownAs), place.shownAs);
  }
}

/** A file for each stretch of RAM. */
async function saveStretches(stretches: readonly Range[], file: string, writer: Writer): Promise<string[]> {
  const files: string[] = [];
  for (const { address, bytes } of stretches) {
    const filename = files.length === 0 ? file : `${file}.${files.length}`;
    files.push(filename);
    prepareFile(filename, writer);
    const saved = writer.qmp.execute("pmemsave", { val: address, size: bytes, filename }, DUMP_MS);
    await watchSize(filename, saved, writer);
    // QEMU does not look whether the last bytes came to the disk.
    if (statSync(filename).size !== bytes) throw new PagekinError("pmemsave: not all was written", { hint: FREE_SOME });
  }
  return files;
}

async function dumpCore(file: string, writer: Writer): Promise<string[]> {
  prepareFile(file, writer);
  const dumped = writer.qmp.dump(file, DUMP_MS);
  await watchSize(file, dumped, writer);
  return [file];
}

/** Makes the file that QEMU will fill: nobody else may read it then, whatever QEMU's umask. */
function prepareFile(file: string, { pid, staging }: Writer): void {
  closeSync(openSync(file, "wx", 0o600));
  if (pid === undefined || process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(`/proc/${pid}`);
  if (uid === 0) return;
  chownSync(file, uid, gid);
  letThrough(staging.folder);
  letThrough(path.dirname(staging.folder));
}

/** Lets other users reach a file in a folder whose name they know; who may read it is its own affair. */
function letThrough(folder: string): void {
  chmodSync(folder, statSync(folder).mode | 0o011);
}

/** Tells how a file grows while it is written. */
async function watchSize(file: string, writing: Promise<unknown>, { onBytes }: Writer): Promise<void> {
  let seen = 0;
  const timer = setInterval(() => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? seen;
    onBytes(size - seen);
    seen = size;
  }, LOOK_MS);
  await writing.finally(() => clearInterval(timer));
  onBytes(statSync(file).size - seen);
}

/** What QEMU says when it cannot write, with what to do. */
function refusalOf(error: unknown, file: string): unknown {
  if (!(error instanceof PagekinError)) return error;
  const what = error.message;
  // pmemsave has but one word for all: "An IO error has occurred".
  if (/no space|quota|file too large|IO error|not all/i.test(what))
    return new PagekinError(what, { file, hint: FREE_SOME });
  if (/permission denied|could not open|not permitted/i.test(what)) {
    const hint = "QEMU writes this file as its own user: choose an --out that it may reach, or take --method resident";
    return new PagekinError(what, { file, hint });
  }
  return error;
}
