// A client of QEMU's monitor protocol: lines of JSON over a unix socket, a command at a time.

import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { PagekinError, quoted } from "../errors.js";

const GREETING_MS = 5_000;
const ANSWER_MS = 30_000;

interface Message {
  QMP?: unknown;
  return?: unknown;
  error?: { desc: string };
  event?: string;
  id?: number;
}

export class Qmp {
  private waiting: { resolve(message: Message): void; reject(error: Error): void } | undefined;
  private gone: Error | undefined;
  /** Of the last command; the greeting has none. */
  private id: number | undefined;

  private constructor(
    readonly file: string,
    private readonly socket: Socket,
  ) {
    socket.on("error", (error: NodeJS.ErrnoException) => this.end(this.refusal(error)));
    socket.on("close", () => this.end(this.fault("the monitor closed the connection", "does QEMU still run?")));
    createInterface({ input: socket })
      .on("line", (line) => this.take(line))
      // It repeats the errors of the socket.
      .on("error", () => {});
  }

  /** Connects, and waits until the monitor takes commands. */
  static async connect(file: string): Promise<Qmp> {
    const qmp = new Qmp(file, connect({ path: file }));
    try {
      const greeting = await qmp.answer(GREETING_MS);
      if (!greeting.QMP) throw qmp.fault("this is no QMP monitor", "give QEMU -qmp unix:FILE,server=on,wait=off");
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
    if (error) throw this.fault(`${command}: ${quoted(error.desc)}`);
    return result;
  }

  /** What a line of the human monitor prints. */
  async print(line: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": line }));
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

  private take(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line);
    } catch {
      this.end(this.fault("this is no QMP monitor", "give QEMU -qmp unix:FILE,server=on,wait=off"));
      return;
    }
    // Events come at any time, and are of no interest.
    if (message === null || typeof message !== "object" || message.event !== undefined) return;
    if (message.id !== this.id) return;
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
    if (code === "ECONNREFUSED") return this.fault("nobody listens at this socket", "does QEMU still run?");
    if (code === "EACCES" || code === "EPERM")
      return this.fault("this user may not connect to the monitor", "run as root, or as the user that QEMU runs as");
    return this.fault(message);
  }
}
