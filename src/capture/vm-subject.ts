// A VM of QEMU: stopping it, and three ways to its memory.

import type { Writable } from "node:stream";
import { ExtentList } from "../dumps/extents.js";
import { MACHINE } from "../dumps/formats/elf-header.js";
import { quoted } from "../errors.js";
import type { Staging } from "../system/staging.js";
import type { Place } from "./elf-write.js";
import { findVm, type VmAddress } from "./find-vm.js";
import type { Held } from "./guardian.js";
import { type HostedPiece, holdsPieces, hostPieces, noProcess, ramBytesOf, ramOf } from "./guest-ram.js";
import type { Area, LiveMemory } from "./live-memory.js";
import { Balloon, residentBytesOf } from "./measure-usage.js";
import type { Monitor } from "./monitor.js";
import { ProcessMemory, visibleMappings } from "./process-memory.js";
import { dumpByQemu } from "./qemu-dump.js";
import { ask } from "./qmp-answers.js";
import type { Subject, Taken, VmUsage } from "./subject.js";

export const METHODS = ["resident", "pmemsave", "core"] as const;
export type Method = (typeof METHODS)[number];

/** States in which others work on the VM's memory. */
const IN_MOTION = ["inmigrate", "finish-migrate", "restore-vm", "save-vm", "colo"];
const EVERYTHING = 4 + 2 + 1;
/** A multiple of every page size. */
const SAMPLED_AT_ONCE = 4 * 2 ** 20;
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
  /** Its RAM, and where that is, as of the last time when it was to be held. */
  private ram: { bytes: number; pieces: HostedPiece[] } = { bytes: 0, pieces: [] };

  private constructor(
    readonly name: string,
    private readonly qmp: Monitor,
    private readonly method: Method,
    private readonly machine: number,
    private readonly balloon: Balloon | undefined,
    /** Its process, where it could be found. */
    private readonly pid: number | undefined,
    /** The same where it is certain: a monitor may be held by a program between it and QEMU. */
    readonly certainPid: number | undefined,
    private readonly memory: ProcessMemory | undefined,
  ) {}

  static async open(name: string, address: VmAddress, method: Method): Promise<VmSubject> {
    const { monitor: qmp, pids } = await findVm(address);
    try {
      await runs(qmp);
      const { arch } = await ask(qmp, "query-target");
      const balloon = await Balloon.find(qmp);
      await balloon?.ask();
      let memory: ProcessMemory | undefined;
      let pid: number | undefined = pids[0];
      // What another machine's QEMU writes stays there.
      if (pid === undefined && "domain" in address)
        throw qmp.fault("its QEMU process is not visible here", "run on the VM's host, outside of containers, as root");
      if (method === "resident") {
        const pieces = await hostPieces(qmp, await ramOf(qmp));
        pid = processWith(qmp, pids, pieces);
        memory = ProcessMemory.open(pid, `process ${pid} of VM ${name}`);
      }
      const certainPid = memory || "domain" in address ? pid : undefined;
      return new VmSubject(name, qmp, method, MACHINES[arch] ?? 0, balloon, pid, certainPid, memory);
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
    const { qmp } = this;
    const held = await qmp.toHold();
    // Asked while it runs, which makes the pause shorter.
    if (this.memory) this.ram = await hostedRamOf(qmp);
    this.isHeld = await runs(qmp);
    return this.isHeld ? held : undefined;
  }

  async stop(lifeline: Writable): Promise<void> {
    if (this.isHeld) await this.qmp.pause(lifeline);
  }

  async letGo(): Promise<void> {
    if (this.isHeld) await this.qmp.resume();
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
    const { memory, qmp } = this;
    if (!memory) throw new Error("a VM was opened for another method");
    // RAM may have been plugged in since.
    if (this.ram.bytes !== (await ramBytesOf(qmp))) this.ram = await hostedRamOf(qmp);
    const { pieces } = this.ram;
    const extents = new ExtentList();
    let swapped = 0;
    for (const { address, bytes, hostAddress } of pieces) {
      const found = await memory.eachRun(hostAddress, hostAddress + bytes, false, (at, length) =>
        extents.addStored(address + at - hostAddress, length, at),
      );
      swapped += found.swapped;
    }
    const hugeBytes = memory.hugeBytes(
      pieces.map(({ hostAddress, bytes }) => ({ start: hostAddress, end: hostAddress + bytes })),
    );
    return {
      live: this.liveOf(memory, pieces, extents),
      swappedBytes: swapped * memory.pageBytes,
      notes: hugeBytes > 0 ? [noteOfHuge(hugeBytes)] : [],
    };
  }

  async sample(mostBytes: number): Promise<LiveMemory | undefined> {
    const { memory } = this;
    const { pieces } = this.ram;
    if (!memory) return undefined;
    const extents = new ExtentList();
    let room = mostBytes;
    for (const { address, bytes, hostAddress } of pieces) {
      for (let at = 0; at < bytes && room > 0; at += SAMPLED_AT_ONCE) {
        const from = hostAddress + at;
        await memory.eachRun(from, from + Math.min(SAMPLED_AT_ONCE, bytes - at), false, (start, length) => {
          const taken = Math.min(length, room);
          if (taken > 0) extents.addStored(address + start - hostAddress, taken, start);
          room -= taken;
        });
      }
    }
    return this.liveOf(memory, pieces, extents);
  }

  private liveOf(memory: ProcessMemory, pieces: readonly HostedPiece[], extents: ExtentList): LiveMemory {
    const areas = pieces.map(({ address, bytes }): Area => ({ address, bytes, flags: EVERYTHING }));
    return { memory, addressSpace: "physical", areas, extents, machine: this.machine, notes: [] };
  }
}

/** Whether a VM runs, or is paused; one on which others work is refused. */
async function runs(qmp: Monitor): Promise<boolean> {
  const { status, running } = await ask(qmp, "query-status");
  if (IN_MOTION.includes(status)) throw qmp.fault(`the VM is being moved (${quoted(status)})`, "capture it afterwards");
  return running;
}

async function hostedRamOf(qmp: Monitor): Promise<{ bytes: number; pieces: HostedPiece[] }> {
  return { bytes: await ramBytesOf(qmp), pieces: await hostPieces(qmp, await ramOf(qmp)) };
}

const noteOfHuge = (bytes: number) =>
  `${bytes} bytes of its RAM are in huge pages, which are resident as a whole: pages that the guest never touched count too`;

/** Of the processes that may be a VM's, the one that has the RAM where QEMU says. */
function processWith({ shownAs }: Monitor, holders: readonly number[], pieces: readonly HostedPiece[]): number {
  const pid = holders.find((holder) => holdsPieces(visibleMappings(holder), pieces));
  if (pid === undefined) throw noProcess(shownAs);
  return pid;
}
