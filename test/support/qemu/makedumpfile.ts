// What makedumpfile makes of a guest's core. It needs to know the kernel in it (VMCOREINFO), which the guest tells QEMU.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { has } from "../tools.js";
import { type Form, loadsOf, type Pages } from "./forms.js";

const PAGE = 4096;

export const HAS_MAKEDUMPFILE = has("makedumpfile");

/** The pages' codec or form by option; zlib, lzo, snappy or (where it is built without) stored ones, ELF. */
const KINDS = { "-c": "zlib", "-l": "lzo", "-p": "snappy", "-E": "elf" } as const;

/** All of the guest's memory, written by makedumpfile; like: the core `elf` that it was made from. */
export function dumpsByMakedumpfile(folder: string, like: Form): Form[] {
  writeFileSync(path.join(folder, "core"), withHeadersFirst(readFileSync(path.join(folder, "elf"))));
  const made = (option: string, kind: string): Form => {
    makedumpfile(folder, option, "-d", "0", "core", `made-${kind}`);
    const file = `made-${kind}`;
    // A kdump holds nothing but the kernel's RAM.
    const bytes = like.pages.size * PAGE;
    return {
      ...like,
      file,
      outside: option === "-E" ? loadsOf(readFileSync(path.join(folder, file)), bytes).outside : 0,
    };
  };
  const plain = Object.entries(KINDS).map(([option, kind]) => made(option, kind));
  const flattened = makedumpfile(folder, "-F", "-l", "-d", "0", "core");
  writeFileSync(path.join(folder, "made-flattened"), flattened);
  return [...plain, { ...like, file: "made-flattened", outside: 0 }];
}

/** QEMU's own flattened kdump, made plain. */
export function reassembled(folder: string, like: Form): Form {
  execFileSync("makedumpfile", ["-R", "plain"], { cwd: folder, input: readFileSync(path.join(folder, like.file)) });
  return { ...like, file: "plain" };
}

/** Writes what is left when all that can be left out is, and gives makedumpfile's own count of it. */
export function leaveOut(folder: string, file: string, core = "core"): { nonzeroPages: number; zeroPages: number } {
  const report = makedumpfile(folder, "-c", "-d", "31", "--message-level", "16", core, file).toString("latin1");
  const count = (what: string) => Number(new RegExp(`${what} *: (0x\\w+)`).exec(report)?.[1]);
  return { nonzeroPages: count("Remaining pages"), zeroPages: count("Pages filled with zero") };
}

/** The pages of some numbers. */
export const thoseOf = (pages: Pages, numbers: Iterable<number>): Pages =>
  new Map(
    [...numbers].flatMap((number) => {
      const page = pages.get(number);
      return page ? [[number, page] as const] : [];
    }),
  );

/** Runs it; the answer is what it prints. */
export function makedumpfile(folder: string, ...args: string[]): Buffer {
  return execFileSync("makedumpfile", args, { cwd: folder, maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] });
}

/** makedumpfile takes segments' headers right behind the file's only; QEMU has a section's between them. */
function withHeadersFirst(core: Buffer): Buffer {
  const moved = Buffer.from(core);
  const [from, count] = [Number(core.readBigUInt64LE(32)), core.readUInt16LE(56)];
  core.copy(moved, 64, from, from + 56 * count);
  moved.writeBigUInt64LE(64n, 32);
  moved.writeBigUInt64LE(0n, 40);
  for (const [i, word] of [64, 56, count, 0, 0, 0].entries()) moved.writeUInt16LE(word, 52 + 2 * i);
  return moved;
}
