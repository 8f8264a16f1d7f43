// Guests in QEMU without KVM. A test that boots one has nothing left of it when it ends.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { test as base } from "../folder.js";
import { MOST_MS } from "../time-limit.js";
import { has } from "../tools.js";
import { ALIVE, initramfs } from "./initramfs.js";
import { Qmp } from "./qmp.js";

const QEMU = "qemu-system-x86_64";

/** A kernel for the guest: the one that is named, or one of this machine's own. */
function findKernel(): string | undefined {
  const installed = existsSync("/boot") ? readdirSync("/boot").filter((file) => file.startsWith("vmlinuz")) : [];
  const named = process.env.PAGEKIN_TEST_KERNEL;
  return [...(named ? [named] : []), ...installed.map((file) => `/boot/${file}`)].find(isKernel);
}

function findModule(): string | undefined {
  if (!KERNEL) return undefined;
  const version = path.basename(KERNEL).replace(/^vmlinuz-/, "");
  const modules = path.join(path.dirname(KERNEL), "../lib/modules", version, "kernel");
  const file = path.join(modules, "drivers/firmware/qemu_fw_cfg.ko");
  return existsSync(file) ? file : undefined;
}

/** Whether a file can be read and is a kernel that boots on x86. */
function isKernel(file: string): boolean {
  const head = Buffer.alloc(0x206);
  try {
    const fd = openSync(file, "r");
    readSync(fd, head, 0, head.length, 0);
    closeSync(fd);
  } catch {
    return false;
  }
  return head.toString("latin1", 0x202) === "HdrS";
}

export const HAS_QEMU = has(QEMU);
export const KERNEL = findKernel();
/** The kernel's driver that tells QEMU what makedumpfile must know, where it is as it is loaded. */
export const MODULE = findModule();

export interface Machine {
  /** "q35", with properties of its own. */
  machine: string;
  memoryMiB: number;
  vga: "std" | "none";
  /** Linux with the program of initramfs.ts, or nothing but the firmware. */
  kernel: string | undefined;
  /** In place of that program. */
  initramfs?: Uint8Array;
  /** More for the kernel's command line. */
  append?: string;
  options?: readonly string[];
  /** QEMU for another processor than x86. */
  program?: string;
}

export class Guest {
  private serial = "";
  private readonly ended: Promise<unknown>;
  private connected: Qmp | undefined;

  private constructor(
    readonly folder: string,
    private readonly process: ChildProcessByStdio<null, Readable, Readable>,
  ) {
    this.ended = once(process, "close");
    // What QEMU itself has to say stands there too, for the error of a guest that does not start.
    for (const stream of [process.stdout, process.stderr])
      stream.setEncoding("latin1").on("data", (text: string) => {
        this.serial += text;
      });
  }

  /** Starts a machine whose files are in a folder. */
  static start(folder: string, settings: Machine): Guest {
    const { machine, memoryMiB, vga, kernel, options = [], program = QEMU } = settings;
    const usual = () => initramfs(MODULE === undefined ? undefined : readFileSync(MODULE));
    if (kernel) writeFileSync(path.join(folder, "initramfs"), settings.initramfs ?? usual());
    // Self-tests of ciphers would take longer than all the rest. On a busy machine the timer seems not to work at first.
    const append = `console=ttyS0 quiet panic=0 cryptomgr.notests no_timer_check ${settings.append ?? ""}`;
    const args = [
      ...["-machine", machine, "-accel", "tcg", "-m", String(memoryMiB), "-nodefaults", "-display", "none"],
      ...["-vga", vga, "-serial", "stdio", "-qmp", "unix:qmp,server=on,wait=off"],
      ...(kernel && MODULE ? ["-device", "vmcoreinfo"] : []),
      ...(kernel ? ["-kernel", kernel, "-initrd", "initramfs", "-append", append] : []),
      ...options,
    ];
    // Should the test itself be killed, QEMU ends with it.
    const command = [...(has("setpriv") ? ["setpriv", "--pdeathsig", "KILL"] : []), program, ...args];
    return new Guest(folder, spawn(command[0], command.slice(1), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }));
  }

  get pid(): number {
    return this.process.pid as number;
  }

  async connect(): Promise<void> {
    await this.until("QEMU listens", async () => {
      this.connected = await Qmp.connect(path.join(this.folder, "qmp"));
      return this.connected !== undefined;
    });
  }

  run<T = unknown>(command: string, args?: Record<string, unknown>): Promise<T> {
    return (this.connected as Qmp).run<T>(command, args);
  }

  /** What the human monitor prints. */
  print(command: string): Promise<string> {
    return this.run("human-monitor-command", { "command-line": command });
  }

  async isRunning(): Promise<boolean> {
    return (await this.run<{ running: boolean }>("query-status")).running;
  }

  /** Waits for a further sign of life. */
  untilAlive(): Promise<void> {
    return this.untilPrinted(ALIVE, this.serial.length);
  }

  /** Waits until a guest has printed something, since it had printed so much. */
  untilPrinted(text: string, from = 0): Promise<void> {
    return this.until(`the guest prints ${text}`, async () => this.serial.indexOf(text, from) >= 0);
  }

  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + MOST_MS / 2;
    while (!(await isSo())) {
      const { exitCode, signalCode } = this.process;
      const late = Date.now() > deadline && `not within ${MOST_MS / 2000} s`;
      const gone = (exitCode ?? signalCode) !== null && `QEMU ended (${exitCode ?? signalCode})`;
      if (late || gone)
        throw new Error(`waiting until ${what}: ${late || gone}; it printed: ${this.serial.slice(-2000)}`);
      await sleep(50);
    }
  }

  async end(): Promise<void> {
    this.connected?.close();
    this.process.kill("SIGKILL");
    await this.ended;
  }
}

/** A test that may boot guests, all of which are ended with it. Each has its files in the test's folder. */
export const test = base.extend<{ boot: (machine: Machine) => Promise<Guest> }>({
  boot: async ({ folder }, use) => {
    const guests: Guest[] = [];
    await use(async (machine) => {
      const guest = Guest.start(folder, machine);
      guests.push(guest);
      await guest.connect();
      return guest;
    });
    for (const guest of guests) await guest.end();
  },
});

/** The pages of 4 KiB of a guest's RAM that QEMU has in memory, from its page map; undefined: it may not be read. */
export function residentPages({ pid }: Guest, bytes: number): Uint8Array | undefined {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  const ram = lines.map((line) => /^(\w+)-(\w+) rw/.exec(line)).find((m) => m && sizeOf(m) === bytes);
  if (!ram) return undefined;
  const entries = Buffer.alloc((bytes / 4096) * 8);
  const fd = openSync(`/proc/${pid}/pagemap`, "r");
  readSync(fd, entries, 0, entries.length, (Number.parseInt(ram[1], 16) / 4096) * 8);
  closeSync(fd);
  const map = new Uint8Array(entries.length / 64);
  // The two highest bits: in memory, or in swap.
  for (let page = 0; page < bytes / 4096; page++) if (entries[8 * page + 7] >= 0x40) map[page >> 3] |= 1 << (page & 7);
  return map;
}

const sizeOf = ([, from, to]: RegExpExecArray) => Number.parseInt(to, 16) - Number.parseInt(from, 16);
