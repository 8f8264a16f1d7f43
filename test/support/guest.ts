// A VM of a real QEMU, whose guest is a boot sector that counts in a loop and says so, with memory that a test knows.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { test as base } from "./folder.js";
import { MOST_MS } from "./time-limit.js";
import { has } from "./tools.js";

export const QEMU = "qemu-system-x86_64";
export const HAS_QEMU = has(QEMU);

/** cli; xor ax,ax; mov ds,ax; l: inc word [0x600]; mov cx,-1; loop $; mov al,'.'; out 0xe9,al; jmp l */
const COUNTING = [
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xff, 0x06, 0x00, 0x06, 0xb9, 0xff, 0xff, 0xe2, 0xfe, 0xb0, 0x2e, 0xe6, 0xe9, 0xeb,
  0xf1,
];

/** Where the guest counts, in 2 bytes: at this address. */
export const COUNTED_AT = 0x600;

/** The disk that it boots from. */
export function countingDisk(): Buffer {
  // Larger than its one sector: the firmware of some machines takes no disk that small.
  const disk = Buffer.alloc(1024 * 1024);
  disk.set(COUNTING);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

export interface GuestSettings {
  name: string;
  machine?: string;
  /** MiB of RAM. */
  memory?: number;
  /** Slots for more memory than that, if there are to be some, as in QEMU's -m. */
  slots?: string;
  /** Of pages of 4 KiB, so that every touched page is resident and no other; otherwise QEMU asks for huge ones. */
  smallPages?: boolean;
  /** Files that are in the RAM from the start, and where. */
  loaded?: { file: string; address: number }[];
  /** Where QEMU is started, for relative names. */
  cwd?: string;
  /** More options of QEMU's. */
  more?: string[];
}

export interface Guest {
  pid: number;
  /** The monitor for pagekin. */
  socket: string;
  /** A command to another monitor. */
  tell(command: string, args?: Record<string, unknown>): Promise<unknown>;
  isRunning(): Promise<boolean>;
  /** Waits until the guest has said something more. */
  goesOn(): Promise<void>;
  end(): Promise<void>;
}

/** Those that run. None outlives the tests, also where one of these was given up. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts one in a folder; done when its own code runs. */
async function startGuest(folder: string, settings: GuestSettings): Promise<Guest> {
  const { name, machine = "pc", memory = 128, slots, smallPages = true, loaded = [], cwd, more = [] } = settings;
  const inFolder = (suffix: string) => path.join(folder, `${name}${suffix}`);
  const [socket, control, said, disk] = [".qmp", ".control", ".said", ".disk"].map(inFolder);
  writeFileSync(disk, countingDisk());
  // Emulated: it starts as fast everywhere, also in a VM.
  const backend = smallPages ? "memory-backend-memfd" : "memory-backend-ram";
  const args = [
    ...["-machine", `${machine},accel=tcg,memory-backend=m0`, "-object", `${backend},id=m0,size=${memory}M`],
    ...[
      "-m",
      slots ? `${memory},${slots}` : String(memory),
      "-nodefaults",
      "-display",
      "none",
      "-drive",
      `file=${disk},format=raw,if=ide`,
    ],
    ...["-qmp", `unix:${socket},server=on,wait=off`, "-qmp", `unix:${control},server=on,wait=off`],
    ...["-debugcon", `file:${said}`],
    ...loaded.flatMap(({ file, address }) => ["-device", `loader,file=${file},addr=${address},force-raw=on`]),
    ...more,
  ];
  const errors: Buffer[] = [];
  const child = spawn(QEMU, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const ended = once(child, "exit");
  const saidBytes = () => (existsSync(said) ? statSync(said).size : 0);
  const goesOn = async () => {
    const before = saidBytes();
    const deadline = Date.now() + MOST_MS / 2;
    while (saidBytes() < before + 2 && Date.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`QEMU ended: ${Buffer.concat(errors)}`);
      await sleep(10);
    }
    if (saidBytes() < before + 2) throw new Error(`${name} does not run: ${Buffer.concat(errors)}`);
  };
  try {
    // Firmware writes there too, but never a dot after a dot.
    const deadline = Date.now() + MOST_MS / 2;
    while (!(existsSync(said) && readFileSync(said, "latin1").endsWith("....")) && Date.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`QEMU ended: ${Buffer.concat(errors)}`);
      await sleep(10);
    }
    await goesOn();
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const tell = await controlOf(control);
  return {
    pid: child.pid as number,
    socket,
    tell,
    isRunning: async () => ((await tell("query-status")) as { running: boolean }).running,
    goesOn,
    end: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function controlOf(file: string): Promise<Guest["tell"]> {
  const socket = connect(file);
  socket.on("error", () => {});
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const answer = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("the monitor is gone");
      const message = JSON.parse(value);
      if (!message.event) return message;
    }
  };
  await answer();
  // One after the other, however they are called.
  let last: Promise<unknown> = Promise.resolve();
  const tell: Guest["tell"] = (command, args) => {
    const told = last.then(async () => {
      socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }) })}\n`);
      const { error, return: result } = await answer();
      if (error) throw new Error(`${command}: ${error.desc}`);
      return result;
    });
    last = told.catch(() => {});
    return told;
  };
  await tell("qmp_capabilities");
  return tell;
}

/** What the kernel says of the largest mapping of a process: it is the guest's RAM. */
export function ramMappingOf(pid: number): { bytes: number; residentBytes: number } {
  const areas = readFileSync(`/proc/${pid}/smaps`, "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const kib = (area: string, name: string) => 1024 * Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(area)?.[1] ?? 0);
  const written = areas.filter((area) => / rw-[ps] /.test(area.slice(0, 60)));
  const largest = written.reduce((a, b) => (kib(b, "Size") > kib(a, "Size") ? b : a));
  return { bytes: kib(largest, "Size"), residentBytes: kib(largest, "Rss") };
}

export interface GuestFixture {
  /** Starts one in the test's folder, which ends with the test. */
  guest(settings: GuestSettings): Promise<Guest>;
}

/** For a test that has a folder. */
export const guestFixture = {
  guest: async ({ folder }: { folder: string }, use: (guest: GuestFixture["guest"]) => Promise<void>) => {
    const guests: Guest[] = [];
    await use(async (settings) => {
      const guest = await startGuest(folder, settings);
      guests.push(guest);
      return guest;
    });
    for (const guest of guests) await guest.end();
  },
};

export const guestTest = base.extend<GuestFixture>(guestFixture);
