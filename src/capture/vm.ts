// A VM of QEMU: stopping it, and three ways to its memory.

import { chmodSync, chownSync, closeSync, openSync, statSync } from "node:fs";
import path from "node:path";
import { fromSystem, PagekinError } from "../errors.js";
import { ExtentList } from "../sources/extents.js";
import type { Place } from "./elf-write.js";
import type { Held } from "./guardian.js";
import { type HostedPiece, holdersOf, holdsPieces, hostPieces, noProcess, ramBytesOf, ramOf } from "./guest-ram.js";
import type { Area } from "./live-memory.js";
import { ProcessMemory, visibleMappings } from "./process-memory.js";
import { Qmp } from "./qmp.js";
import { joinFiles, notesOf, type Stretch, stretchesOf } from "./raw-file.js";
import type { Staging } from "./series.js";
import type { Subject, Taken, Usage } from "./subject.js";
import { Balloon, residentBytesOf } from "./usage.js";

export const METHODS = ["resident", "pmemsave", "core"] as const;
export type Method = (typeof METHODS)[number];

/** QEMU writes a dump while it does nothing else. */
const DUMP_MS = 3_600_000;
const LOOK_MS = 100;
const FREE_SOME = "free some of the disk if it is full, or choose another --out";
/** States in which others work on the VM's memory. */
const IN_MOTION = ["inmigrate", "finish-migrate", "restore-vm", "save-vm", "colo"];
const EVERYTHING = 4 + 2 + 1;
/** e_machine by QEMU's names. */
const MACHINES: Record<string, number> = { x86_64: 62, i386: 3, aarch64: 183, arm: 40, riscv64: 243, ppc64: 21 };

export class Vm implements Subject {
  private isHeld = false;

  private constructor(
    readonly name: string,
    private readonly qmp: Qmp,
    private readonly method: Method,
    private readonly machine: number,
    private readonly balloon: Balloon | undefined,
    /** Its process, where it could be found. */
    private readonly pid: number | undefined,
    private readonly memory: ProcessMemory | undefined,
  ) {}

  static async open(name: string, socket: string, method: Method): Promise<Vm> {
    const qmp = await Qmp.connect(socket);
    try {
      await runs(qmp);
      const { arch } = (await qmp.execute("query-target")) as { arch: string };
      const balloon = await Balloon.find(qmp);
      await balloon?.ask();
      let memory: ProcessMemory | undefined;
      let pid: number | undefined = holdersOf(socket)[0];
      if (method === "resident") {
        const pieces = await hostPieces(qmp, await ramOf(qmp));
        pid = processWith(socket, pieces);
        memory = ProcessMemory.open(pid, `process ${pid} of VM ${name}`);
      }
      return new Vm(name, qmp, method, MACHINES[arch] ?? 0, balloon, pid, memory);
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  get shownAs(): string {
    return `VM ${this.name}`;
  }

  get extension(): string {
    return this.method === "pmemsave" ? "raw" : "elf";
  }

  async toHold(): Promise<Held | undefined> {
    this.isHeld = await runs(this.qmp);
    return this.isHeld ? { socket: path.resolve(this.qmp.file) } : undefined;
  }

  async stop(): Promise<void> {
    if (this.isHeld) await this.qmp.execute("stop");
  }

  async letGo(): Promise<void> {
    if (this.isHeld) await this.qmp.execute("cont");
  }

  async close(): Promise<void> {
    this.memory?.close();
    // The monitor may be gone, which was said already.
    await this.balloon?.restore().catch(() => {});
    this.qmp.close();
  }

  async usage(): Promise<Usage | undefined> {
    const { pid, balloon } = this;
    return {
      muvBytes: await balloon?.usedBytes(),
      mupBytes: pid === undefined ? undefined : residentBytesOf(pid),
      balloonBytes: await balloon?.memoryBytes(),
    };
  }

  async expectedBytes(): Promise<number> {
    const resident = this.memory && this.pid !== undefined ? residentBytesOf(this.pid) : undefined;
    return resident ?? ramBytesOf(this.qmp);
  }

  async take(place: Place, staging: Staging, onBytes: (bytes: number) => void): Promise<Taken> {
    if (this.method === "resident") return this.takeResident();
    const file = path.resolve(place.path);
    try {
      const pmemsaves = this.method === "pmemsave";
      const stretches = pmemsaves ? stretchesOf(this.qmp, await ramOf(this.qmp)) : [];
      const files = await (pmemsaves
        ? this.savePhysical(stretches, file, staging, onBytes)
        : this.dump(file, staging, onBytes));
      for (const one of files) {
        if (process.getuid?.() === 0) chownSync(one, 0, 0);
        chmodSync(one, 0o600);
      }
      const storedBytes = files.reduce((sum, one) => sum + statSync(one).size, 0);
      const finish = () =>
        joinFiles(files).catch((error: unknown) => {
          throw fromSystem(error, place.shownAs);
        });
      return { storedBytes, swappedBytes: 0, notes: notesOf(stretches), finish };
    } catch (error) {
      throw fromSystem(refusalOfWriter(error, place.shownAs), place.shownAs);
    }
  }

  /** A file for each stretch of RAM. */
  private async savePhysical(
    stretches: readonly Stretch[],
    file: string,
    staging: Staging,
    onBytes: (bytes: number) => void,
  ): Promise<string[]> {
    const files: string[] = [];
    for (const { address, bytes } of stretches) {
      const filename = files.length === 0 ? file : `${file}.${files.length}`;
      files.push(filename);
      this.prepareFile(filename, staging);
      const saved = this.qmp.execute("pmemsave", { val: address, size: bytes, filename }, DUMP_MS);
      await watchSize(filename, onBytes, saved);
      // QEMU does not look whether the last bytes came to the disk.
      if (statSync(filename).size !== bytes)
        throw new PagekinError("pmemsave: not all was written", { hint: FREE_SOME });
    }
    return files;
  }

  private async dump(file: string, staging: Staging, onBytes: (bytes: number) => void): Promise<string[]> {
    this.prepareFile(file, staging);
    const dumped = this.qmp.execute("dump-guest-memory", { paging: false, protocol: `file:${file}` }, DUMP_MS);
    await watchSize(file, onBytes, dumped);
    return [file];
  }

  /** Makes the file that QEMU will fill: nobody else may read it then, whatever QEMU's umask. */
  private prepareFile(file: string, staging: Staging): void {
    closeSync(openSync(file, "wx", 0o600));
    if (this.pid === undefined || process.getuid?.() !== 0) return;
    const { uid, gid } = statSync(`/proc/${this.pid}`);
    if (uid === 0) return;
    chownSync(file, uid, gid);
    staging.openTo();
  }

  private async takeResident(): Promise<Taken> {
    const { memory, qmp, machine } = this;
    if (!memory) throw new Error("a VM was opened for another method");
    // Asked each time: RAM may have been plugged in.
    const pieces = await hostPieces(qmp, await ramOf(qmp));
    const extents = new ExtentList();
    const areas: Area[] = [];
    let swapped = 0;
    for (const { address, bytes, hostAddress } of pieces) {
      const found = await memory.eachRun(hostAddress, hostAddress + bytes, false, (at, length) =>
        extents.addStored(address + at - hostAddress, length, at),
      );
      swapped += found.swapped;
      areas.push({ address, bytes, flags: EVERYTHING });
    }
    const hugeBytes = memory.hugeBytes(
      pieces.map(({ hostAddress, bytes }) => ({ start: hostAddress, end: hostAddress + bytes })),
    );
    const live = { memory, addressSpace: "physical", areas, extents, machine, notes: [] } as const;
    return {
      live: { ...live, areas, notes: [] },
      swappedBytes: swapped * memory.pageBytes,
      notes: hugeBytes > 0 ? [noteOfHuge(hugeBytes)] : [],
    };
  }
}

/** Whether a VM runs, or is paused; one on which others work is refused. */
async function runs(qmp: Qmp): Promise<boolean> {
  const { status, running } = (await qmp.execute("query-status")) as { status: string; running: boolean };
  if (IN_MOTION.includes(status)) throw qmp.fault(`the VM is being moved (${status})`, "capture it afterwards");
  return running;
}

const noteOfHuge = (bytes: number) =>
  `${bytes} bytes of its RAM are in huge pages, which are resident as a whole: pages that the guest never touched count too`;

/** Of the processes that hold a monitor's socket, the one that has the RAM where QEMU says. */
function processWith(socket: string, pieces: readonly HostedPiece[]): number {
  const pid = holdersOf(socket).find((holder) => holdsPieces(visibleMappings(holder), pieces));
  if (pid === undefined) throw noProcess(socket);
  return pid;
}

/** Tells how a file grows while another program writes it. */
async function watchSize(file: string, onBytes: (bytes: number) => void, writing: Promise<unknown>): Promise<void> {
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
function refusalOfWriter(error: unknown, file: string): unknown {
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
