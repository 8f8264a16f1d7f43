// The names of the hidden folders that a run makes for itself tell which process it is, so that others can tell whether it
// still runs. A name is there from the first moment and whole, which a file inside would not be.

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** What the hidden folders of a run are called begins so. */
export const OWN_PREFIX = ".pagekin-";

/** What a folder is for, if it is not for unfinished files: its run alone commits results, or captures, where it stands. */
export type Use = "commit" | "capture";

interface Owner {
  /** Where process numbers mean the same: a boot and a PID namespace. undefined: not known. */
  space: string | undefined;
  pid: number;
  /** Clock ticks from the boot to the start of the process (proc(5), stat, field 22). undefined: not known. */
  started: string | undefined;
}

const NAME = /^\.pagekin-([\w-]+)\.(\d+)\.(\d+|x)\.(\d+)(?:\.(commit|capture))?$/;
const UNKNOWN = "x";

/** How often a run touches its folders, and after how long without that a run that cannot be seen counts as dead. */
export const BEAT_MS = 5_000;
const DEAD_MS = 30_000;

let me: Owner | undefined;
let made = 0;

/** A name that no other folder has. */
export function newOwnName(): string {
  me ??= identify();
  return `${OWN_PREFIX}${me.space ?? UNKNOWN}.${me.pid}.${me.started ?? UNKNOWN}.${made++}`;
}

/** The path of the same folder when it is for something else. */
export const forUse = (folder: string, use: Use | undefined): string =>
  folder.replace(/(?:\.(?:commit|capture))?$/, use === undefined ? "" : `.${use}`);

/** Of a name that some run has given: what its folder is for, and whether that run still runs. touchedMs: when it last changed. */
export function readOwnName(name: string, touchedMs: number): { use: Use | undefined; isAlive: boolean } | undefined {
  const parts = NAME.exec(name);
  if (!parts) return undefined;
  const [, space, pid, started, , use] = parts;
  const owner = { space: known(space), pid: Number(pid), started: known(started) };
  return { use: use as Use | undefined, isAlive: isAlive(owner, touchedMs) };
}

const known = (text: string) => (text === UNKNOWN ? undefined : text);

/** Exact for processes that can be seen from here; of others (another container or machine) it goes by signs of life. */
function isAlive({ space, pid, started }: Owner, touchedMs: number): boolean {
  me ??= identify();
  if (space !== undefined && space === me.space) {
    if (!exists(pid)) return false;
    const there = started === undefined ? undefined : statOf(pid);
    if (there) return there.started === started && !there.hasEnded;
  }
  return Math.abs(Date.now() - touchedMs) < DEAD_MS;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function identify(): Owner {
  const { pid } = process;
  if (process.platform !== "linux") {
    return { space: hostname().replace(/\W/g, "-").slice(0, 64) || undefined, pid, started: undefined };
  }
  const self = statOf("self");
  try {
    // /proc may be that of another namespace.
    if (self?.pid !== pid) throw new Error();
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
    const namespace = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
    return { space: `${boot}-${namespace}`, pid, started: self.started };
  } catch {
    return { space: undefined, pid, started: undefined };
  }
}

/** What the kernel says of a process; undefined where it cannot be seen. */
function statOf(pid: number | "self"): { pid: number; hasEnded: boolean; started: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the program's name in parentheses, may hold any character.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // One that has ended (zombie, dead) waits to be reaped.
    return { pid: Number.parseInt(stat, 10), hasEnded: /[ZX]/.test(fields[0]), started: fields[19] };
  } catch {
    return undefined;
  }
}
