// A VM of QEMU: stopping it, and three ways to its memory.

import path from "node:path";
import { ExtentList } from "../dumps/extents.js";
import { MACHINE } from "../dumps/formats/elf-header.js";
import { quoted } from "../errors.js";
import type { Staging } from "../system/staging.js";
import type { Place } from "./elf-write.js";
import type { Held } from "./guardian.js";
import {
  type HostedPiece,
  holdersOf,
  holdsPieces,
  hostPieces,
  noProcess,
  ramBytesOf,
  ramOf,
  socketsOf,
} from "./guest-ram.js";
import type { Area } from "./live-memory.js";
import { Balloon, residentBytesOf } from "./measure-usage.js";
import { ProcessMemory, visibleMappings } from "./process-memory.js";
import { dumpByQemu } from "./qemu-dump.js";
import { Qmp } from "./qmp.js";
import { ask } from "./qmp-answers.js";
import type { Subject, Taken, VmUsage } from "./subject.js";

export const METHODS = ["resident", "pmemsave", "core"] as const;
export type Method = (typeof METHODS)[number];

/** States in which others work on the VM's memory. */
const IN_MOTION = ["inmigrate", "finish-migrate", "restore-vm", "save-vm", "colo"];
const EVERYTHING = 4 + 2 + 1;
/** e_machine by QEMU's names. */
const MACHINES: Record<string, number> = {
  ...MACHINE,
  riscv32: MACHINE.riscv,
  riscv64: MACHINE.riscv,
  s390x: MACHINE.s390,
  loongarch64: MACHINE.loongarch,
  mipsel: MACHINE.mips,
  mips64: MACHINE.mips,
  mips64el: MACHINE.mips,
};

export class VmSubject implements Subject {
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

  static async open(name: string, socket: string, method: Method): Promise<VmSubject> {
    const before = socketsOf(socket);
    const qmp = await Qmp.connect(socket);
    // QEMU's end of the connection is new: another VM may have a monitor of the same relative name.
    const own = new Set([...socketsOf(socket)].filter((one) => !before.has(one)));
    try {
      await runs(qmp);
      const { arch } = await ask(qmp, "query-target");
      const balloon = await Balloon.find(qmp);
      await balloon?.ask();
      let memory: ProcessMemory | undefined;
      const holders = holdersOf(own);
      let pid: number | undefined = holders[0];
      if (method === "resident") {
        const pieces = await hostPieces(qmp, await ramOf(qmp));
        pid = processWith(socket, holders, pieces);
        memory = ProcessMemory.open(pid, `process ${pid} of VM ${name}`);
      }
      return new VmSubject(name, qmp, method, MACHINES[arch] ?? 0, balloon, pid, memory);
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

  async usage(): Promise<VmUsage | undefined> {
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
    const { qmp, pid, method } = this;
    return method === "resident" ? this.takeResident() : dumpByQemu(method, place, { qmp, pid, staging, onBytes });
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
  const { status, running } = await ask(qmp, "query-status");
  if (IN_MOTION.includes(status)) throw qmp.fault(`the VM is being moved (${quoted(status)})`, "capture it afterwards");
  return running;
}

const noteOfHuge = (bytes: number) =>
  `${bytes} bytes of its RAM are in huge pages, which are resident as a whole: pages that the guest never touched count too`;

/** Of the processes that hold a monitor's connection, the one that has the RAM where QEMU says. */
function processWith(socket: string, holders: readonly number[], pieces: readonly HostedPiece[]): number {
  const pid = holders.find((holder) => holdsPieces(visibleMappings(holder), pieces));
  if (pid === undefined) throw noProcess(socket);
  return pid;
}
