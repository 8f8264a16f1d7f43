// A monitor that answers as a test wants, and notes what it was told.

import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

export type Answer =
  | { return: unknown }
  | { error: unknown }
  /** As it is, in place of a message; then the connection ends, or nothing more comes. */
  | { raw: string; ends?: boolean }
  /** Such a line, for ever. */
  | "endless"
  | "close"
  | "silence";

export const returns = (value: unknown = {}): Answer => ({ return: value });
export const fails = (desc: string): Answer => ({ error: { class: "GenericError", desc } });

/** What a command is answered with; undefined: as a VM that runs would. */
export type Script = (command: string, args: Record<string, unknown>, fake: FakeVm) => Answer | undefined;

export class FakeVm {
  /** Commands in the order in which they came. */
  readonly told: string[] = [];
  running = true;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly script: Script = () => undefined,
    private readonly log: string[] = [],
    private readonly name = "",
  ) {
    this.server = createServer((socket) => this.serve(socket));
  }

  listen(file: string): Promise<this> {
    return new Promise((resolve) => this.server.listen(file, () => resolve(this)));
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    socket.write(`${JSON.stringify({ QMP: { version: { qemu: { major: 9 } }, capabilities: [] } })}\r\n`);
    createInterface({ input: socket })
      .on("line", (line) => {
        const { execute, id, arguments: args = {} } = JSON.parse(line);
        this.told.push(execute);
        this.log.push(`${this.name} ${execute}`);
        const answer = this.script(execute, args, this) ?? this.usual(execute);
        if (answer === "silence") return;
        if (answer === "close") {
          socket.destroy();
          return;
        }
        if (answer === "endless") {
          this.flood(socket);
          return;
        }
        if ("raw" in answer) {
          socket.write(answer.raw);
          if (answer.ends) socket.end();
          return;
        }
        // An event in between, as it may come any time, and an answer that the client before did not wait for.
        const messages = [
          { event: "RTC_CHANGE", data: {} },
          { return: {}, id: "earlier" },
          { return: {} },
          { ...answer, id },
        ];
        socket.write(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(""));
      })
      .on("error", () => {});
  }

  /** Bytes of an endless line that were sent. */
  flooded = 0;

  private flood(socket: Socket): void {
    const chunk = Buffer.alloc(64 * 1024, "x");
    const more = () => {
      while (!socket.destroyed) {
        this.flooded += chunk.length;
        if (!socket.write(chunk)) break;
      }
    };
    socket.on("drain", more);
    more();
  }

  private usual(command: string): Answer {
    switch (command) {
      case "stop":
      case "cont":
        this.running = command === "cont";
        return returns();
      case "query-status":
        return returns({ status: this.running ? "running" : "paused", running: this.running });
      case "query-target":
        return returns({ arch: "x86_64" });
      case "query-memory-size-summary":
        return returns({ "base-memory": 128 * 2 ** 20, "plugged-memory": 0 });
      case "query-memory-devices":
      case "qom-list":
        return returns([]);
      case "qmp_capabilities":
        return returns();
      default:
        return fails(`The command ${command} has not been found`);
    }
  }
}
