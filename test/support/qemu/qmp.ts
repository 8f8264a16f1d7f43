// A client of QMP: JSON lines over a socket, an answer for each command, events between them.

import { createConnection, type Socket } from "node:net";

type Message = { return?: unknown; error?: { desc: string }; event?: string; QMP?: unknown };

interface Waiting {
  command: string;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

export class Qmp {
  private readonly waiting: Waiting[] = [];
  private rest = "";

  private constructor(private readonly socket: Socket) {
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.take(text));
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const { command, reject } of this.waiting.splice(0)) reject(new Error(`QEMU ended during ${command}`));
    });
  }

  /** undefined: nobody listens there yet. */
  static async connect(path: string): Promise<Qmp | undefined> {
    const socket = createConnection(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (!connected) return undefined;
    const qmp = new Qmp(socket);
    await qmp.run("qmp_capabilities");
    return qmp;
  }

  run<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.socket.destroyed) throw new Error(`QEMU ended before ${command}`);
      this.waiting.push({ command, resolve: (answer) => resolve(answer as T), reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const { event, QMP, error, return: answer } = JSON.parse(line) as Message;
      if (event !== undefined || QMP !== undefined) continue;
      const waiting = this.waiting.shift();
      if (error) waiting?.reject(new Error(`${waiting.command}: ${error.desc}`));
      else waiting?.resolve(answer);
    }
  }
}
