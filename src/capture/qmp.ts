// A client of QEMU's monitor protocol: lines of JSON over a unix socket, a command at a time.

import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import { PagekinError, quoted } from "../errors.js";

const GREETING_MS = 5_000;
const ANSWER_MS = 30_000;
/** The longest lines are maps of memory with some thousand regions, at 100 bytes each. */
const MOST_LINE_BYTES = 4 * 1024 * 1024;
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

export class Qmp {
  private waiting: { resolve(message: Message): void; reject(error: Error): void } | undefined;
  private gone: Error | undefined;
  /** What has come of a line that has not ended. */
  private line: Buffer[] = [];
  private lineBytes = 0;
  /** Of the last command; the greeting has none. */
  private id: number | undefined;

  private constructor(
    readonly file: string,
    private readonly socket: Socket,
  ) {
    socket.on("error", (error: NodeJS.ErrnoException) => this.end(this.refusal(error)));
    socket.on("close", () => this.end(this.fault("the monitor closed the connection", "does QEMU still run?")));
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
  }

  /** Connects, and waits until the monitor takes commands. */
  static async connect(file: string): Promise<Qmp> {
    const qmp = new Qmp(file, connect({ path: file }));
    try {
      const greeting = await qmp.answer(GREETING_MS);
      if (!greeting.QMP) throw qmp.fault(...NO_MONITOR);
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
    const { error, return: result } = await answer;
    if (error === undefined) return result;
    const { desc } = (error ?? {}) as { desc?: unknown };
    throw this.fault(`${command}: ${typeof desc === "string" ? quoted(desc) : "refused without a reason"}`);
  }

  close(): void {
    this.gone ??= new Error("closed");
    this.socket.destroy();
  }

  fault(what: string, hint?: string): PagekinError {
    return new PagekinError(what, { file: this.file, hint });
  }

  private answer(ms: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.gone) return reject(this.gone);
      const hint = "a monitor serves one client at a time: give QEMU another -qmp socket for pagekin";
      const timer = setTimeout(() => this.end(this.fault(`no answer for ${ms / 1000} s`, hint)), ms);
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
      if (this.lineBytes > MOST_LINE_BYTES) {
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

  private refusal({ code, message }: NodeJS.ErrnoException): PagekinError {
    if (code === "ENOENT")
      return this.fault("no such socket", "give the FILE of QEMU's -qmp unix:FILE,server=on,wait=off");
    if (code === "ECONNREFUSED") return this.fault("connection refused", "check that QEMU is running");
    if (code === "EACCES" || code === "EPERM")
      return this.fault("this user may not connect to the monitor", "run as root, or as the user that QEMU runs as");
    return this.fault(message);
  }
}
