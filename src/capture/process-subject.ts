// A normal process: what of its memory is captured, and stopping it meanwhile.

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ExtentList } from "../dumps/extents.js";
import { MACHINE } from "../dumps/formats/elf-header.js";
import { CORE_NOTE } from "../dumps/formats/elf-notes.js";
import { PagekinError } from "../errors.js";
import { clockMs } from "../system/clock.js";
import type { Held } from "./guardian.js";
import type { ElfNote, LiveMemory } from "./live-memory.js";
import { residentBytesOf } from "./measure-usage.js";
import { type Mapping, ProcessMemory, refusal } from "./process-memory.js";
import type { Subject, Taken } from "./subject.js";

/** Areas that the kernel lends to every process; their names differ between kernels. */
export const OF_THE_KERNEL = /^\[(vdso|vvar.*|vsyscall|uprobes)\]$/;
/** Stopping takes no longer unless a thread waits for a device that does not answer. */
const STOP_MS = 10_000;

/** e_machine by Node's names. */
const MACHINES: Record<string, number> = {
  x64: MACHINE.x86_64,
  arm64: MACHINE.aarch64,
  ppc64: MACHINE.ppc64,
  riscv64: MACHINE.riscv,
  loong64: MACHINE.loongarch,
};

const BEYOND = "memory at addresses beyond 2^53 is not captured";

export interface ProcessSettings {
  anonymousOnly: boolean;
  stop: boolean;
}

export class ProcessSubject implements Subject {
  readonly extension = "elf";
  private isHeld = false;
  private readonly memory: ProcessMemory;

  constructor(
    readonly name: string,
    private readonly pid: number,
    private readonly settings: ProcessSettings,
  ) {
    this.memory = ProcessMemory.open(pid, this.shownAs);
  }

  get shownAs(): string {
    return `process ${this.pid}`;
  }

  async toHold(): Promise<Held | undefined> {
    const { pid, settings } = this;
    try {
      this.isHeld = settings.stop && !isStopped(pid);
    } catch (error) {
      throw refusal(error, this.shownAs);
    }
    return this.isHeld ? { pid } : undefined;
  }

  async stop(): Promise<void> {
    if (!this.isHeld) return;
    try {
      process.kill(this.pid, "SIGSTOP");
      for (const end = clockMs() + STOP_MS; !isStopped(this.pid); await sleep(5)) {
        if (clockMs() > end) {
          const hint = "one of its threads waits in the kernel; try again, or leave --stop out";
          throw new PagekinError("does not stop", { file: this.shownAs, hint });
        }
      }
    } catch (error) {
      throw refusal(error, this.shownAs);
    }
  }

  async letGo(): Promise<void> {
    try {
      if (this.isHeld) process.kill(this.pid, "SIGCONT");
    } catch (error) {
      // One that was ended meanwhile needs no more.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  async expectedBytes(): Promise<number> {
    return residentBytesOf(this.pid) ?? 0;
  }

  async usage(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    this.memory.close();
  }

  async take(): Promise<Taken> {
    const { memory, settings } = this;
    const all = memory.usedMappings().filter(({ name }) => !OF_THE_KERNEL.test(name));
    // Offsets of files, and so of /proc/PID/mem, are exact up to there. Linux maps higher where a program asks for it.
    const [mappings, beyond] = [true, false].map((isExact) => all.filter(({ end }) => end < 2 ** 53 === isExact));
    const extents = new ExtentList();
    let swapped = 0;
    for (const { start, end, isUsed } of mappings) {
      if (!isUsed) continue;
      const found = await memory.eachRun(start, end, settings.anonymousOnly, (address, bytes) =>
        extents.addStored(address, bytes, address),
      );
      swapped += found.swapped;
    }
    const areas = mappings.map(({ start, end, permissions }) => ({
      address: start,
      bytes: end - start,
      flags: flagsOf(permissions),
    }));
    const live: LiveMemory = {
      ...{ memory, areas, extents },
      addressSpace: "virtual",
      machine: MACHINES[process.arch] ?? 0,
      notes: this.elfNotes(mappings),
    };
    return {
      live,
      swappedBytes: swapped * memory.pageBytes,
      notes: beyond.some(({ isUsed }) => isUsed) ? [BEYOND] : [],
    };
  }

  private elfNotes(mappings: readonly Mapping[]): ElfNote[] {
    const { pid, memory } = this;
    return [
      { type: CORE_NOTE.prpsinfo, bytes: namesOf(pid) },
      { type: CORE_NOTE.auxv, bytes: readFileSync(`/proc/${pid}/auxv`) },
      { type: CORE_NOTE.file, bytes: filesOf(mappings, memory.pageBytes) },
    ];
  }
}

const flagsOf = (permissions: string) =>
  [..."rwx"].reduce((flags, letter, i) => flags | (permissions[i] === letter ? 4 >> i : 0), 0);

/** Whether none of its threads runs. */
function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => "TtZX".includes(stateOf(`/proc/${pid}/task/${thread}`)));
}

/** The letter behind the name, which may hold anything. */
function stateOf(folder: string): string {
  try {
    return readFileSync(`${folder}/stat`, "latin1").split(") ").pop()?.[0] ?? "X";
  } catch {
    // The thread has ended.
    return "X";
  }
}

/** What a process is called as a member, in files and tables alike. */
export const memberOf = (command: string, pid: number) => `${command.replace(/[^\w.-]/g, "_")}-${pid}`;

/** The short name of a process. */
export function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd();
}

/** struct elf_prpsinfo of 64-bit machines. */
function namesOf(pid: number): Buffer {
  const bytes = Buffer.alloc(136);
  bytes.writeUInt32LE(pid, 24);
  bytes.write(commandOf(pid), 40, 15, "utf8");
  const line = readFileSync(`/proc/${pid}/cmdline`).subarray(0, 79);
  bytes.set(
    line.map((byte) => byte || 0x20),
    56,
  );
  return bytes;
}

/** The mapped files, as the kernel lists them in a core. */
function filesOf(mappings: readonly Mapping[], pageBytes: number): Buffer {
  const files = mappings.filter(({ name }) => name.startsWith("/"));
  const words = [
    files.length,
    pageBytes,
    ...files.flatMap(({ start, end, offset }) => [start, end, offset / pageBytes]),
  ];
  const bytes = Buffer.alloc(8 * words.length);
  words.forEach((word, i) => {
    bytes.writeBigUInt64LE(BigInt(word), 8 * i);
  });
  return Buffer.concat([bytes, ...files.map(({ name }) => Buffer.from(`${name}\0`))]);
}
