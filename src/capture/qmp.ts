// A client of QEMU's monitor protocol: lines of JSON over a unix socket, a command at a time.

import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { PagekinError } from "../errors.js";
import { clockMs } from "../system/clock.js";
import type { Held } from "./guardian.js";
import { ANSWER_MS, MOST_ANSWER_BYTES, type Monitor, resultOf } from "./monitor.js";
import { clientsOf } from "./unix-sockets.js";

/** A client that comes and goes, such as a daemon that asks for statistics, is gone within this. */
const OTHER_CLIENT_MS = 5_000;
const GREETING_MS = 30_000;
const LOOK_MS = 250;
const MOST_PARTS = 1024;
const NEWLINE = 0x0a;
const NO_MONITOR = ["this is no QMP monitor", "give QEMU -qmp unix:FILE,server=on,wait=off"] as const;

/** An object, of which nothing else is known. */
interface Message {
  QMP?: unknown;
  return?: unknown;
  error?: unknown;
  event?: unknown;
  id?: unknown;
}

export class Qmp implements Monitor {
  private waiting: { resolve(message: Message): void; reject(error: Error): void } | undefined;
  private gone: Error | undefined;
  /** What has come of a line that has not ended. */
  private line: Buffer[] = [];
  private lineBytes = 0;
  /** Of the last command; the greeting has none. */
  private id: number | undefined;
  private isGreeted = false;

  private constructor(
    readonly shownAs: string,
    private readonly socket: Socket,
  ) {
    socket.on("error", (error: NodeJS.ErrnoException) => this.end(this.refusal(error)));
    socket.on("close", () => this.end(this.fault("the monitor closed the connection", "does QEMU still run?")));
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
  }

  /** Connects, and waits until the monitor takes commands. */
  static async connect(file: string): Promise<Qmp> {
    const clients = clientsOf(file);
    const qmp = new Qmp(file, connect({ path: file }));
    try {
      await qmp.greeting(clients);
      await qmp.execute("qmp_capabilities");
      return qmp;
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  /** Gives what a command returns. ms: how long it may take. */
  async execute(command: string, args?: Record<string, unknown>, ms = ANSWER_MS): Promise<unknown> {
    // Random, since a monitor may still have an answer for the client before.
    this.id = randomInt(2 ** 40);
    const answer = this.answer(ms);
    this.socket.write(`${JSON.stringify({ execute: command, id: this.id, ...(args && { arguments: args }) })}\n`);
    return resultOf(this, command, await answer);
  }

  async toHold(): Promise<Held> {
    return { socket: path.resolve(this.shownAs) };
  }

  async dump(file: string, ms: number): Promise<void> {
    await this.execute("dump-guest-memory", { paging: false, protocol: `file:${file}` }, ms);
  }

  async pause(): Promise<void> {
    await this.execute("stop");
  }

  async resume(): Promise<void> {
    await this.execute("cont");
  }

  close(): void {
    this.gone ??= new Error("closed");
    this.socket.destroy();
  }

  fault(what: string, hint?: string): PagekinError {
    return new PagekinError(what, { file: this.shownAs, hint });
  }

  /**
   * QEMU greets the client that it serves, and leaves all others waiting. clients: connections that it had before; one that
   * stays is why no greeting comes.
   */
  private async greeting(clients: ReadonlySet<string>): Promise<void> {
    const since = clockMs();
    const timer = setInterval(() => {
      const now = clientsOf(this.shownAs);
      const isServed = [...clients].some((client) => now.has(client));
      if (isServed && clockMs() - since > OTHER_CLIENT_MS) this.end(this.inUse());
    }, LOOK_MS);
    try {
      await this.answer(GREETING_MS);
      this.isGreeted = true;
    } finally {
      clearInterval(timer);
    }
  }

  private answer(ms: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.gone) return reject(this.gone);
      const timer = setTimeout(() => this.end(this.fault(`no answer for ${ms / 1000} s`, wayOut(this.shownAs))), ms);
      this.waiting = {
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }

  /** Takes the lines that end in a chunk. */
  private receive(chunk: Buffer): void {
    for (let from = 0; !this.gone; ) {
      const end = chunk.indexOf(NEWLINE, from);
      const part = chunk.subarray(from, end < 0 ? undefined : end);
      // A monitor may send a byte at a time.
      if (this.line.length === MOST_PARTS) this.line = [Buffer.concat(this.line)];
      this.line.push(part);
      this.lineBytes += part.length;
      if (this.lineBytes > MOST_ANSWER_BYTES) {
        this.end(this.fault("a line does not end", NO_MONITOR[1]));
        return;
      }
      if (end < 0) return;
      const line = Buffer.concat(this.line).toString("utf8");
      this.line = [];
      this.lineBytes = 0;
      this.take(line);
      from = end + 1;
    }
  }

  private take(line: string): void {
    let message: Message | null;
    try {
      message = JSON.parse(line);
    } catch {
      message = null;
    }
    if (message === null || typeof message !== "object") {
      this.end(this.fault(...NO_MONITOR));
      return;
    }
    // Nothing comes before the greeting.
    if (!this.isGreeted && !message.QMP) {
      this.end(this.fault(...NO_MONITOR));
      return;
    }
    // Events come at any time, and are of no interest; nor are answers to the client before.
    if (message.event !== undefined || message.id !== this.id) return;
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(message);
  }

  private end(why: Error): void {
    this.gone ??= why;
    this.socket.destroy();
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(this.gone);
  }

  private inUse(): PagekinError {
    return this.fault("another client is connected to this monitor, which serves one at a time", wayOut(this.shownAs));
  }

  private refusal({ code, message }: NodeJS.ErrnoException): PagekinError {
    if (code === "ENOENT")
      return this.fault("no such socket", "give the FILE of QEMU's -qmp unix:FILE,server=on,wait=off");
    if (code === "ECONNREFUSED") return this.fault("connection refused", "check that QEMU is running");
    // As many clients wait as may.
    if (code === "EAGAIN") return this.inUse();
    if (code === "EACCES" || code === "EPERM")
      return this.fault("this user may not connect to the monitor", "run as root, or as the user that QEMU runs as");
    return this.fault(message);
  }
}

/** What to do where a monitor belongs to another program, which the path may tell. */
function wayOut(file: string): string {
  const whole = path.resolve(file);
  if (whole.includes("/libvirt/")) return "use --libvirt DOMAIN for a VM of libvirt's (virsh list shows the names)";
  if (whole.includes("/qemu-server/")) {
    return "Proxmox VE uses it too: try again when no task of this VM is running, or give the VM a second -qmp socket";
  }
  return "use --libvirt DOMAIN with libvirt, --qmp /var/run/qemu-server/VMID.qmp with Proxmox VE, else a second -qmp socket";
}
