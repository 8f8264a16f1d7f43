// VMs and processes must go on however this process ends, also when it is killed. So a process of its own (guard.ts) is told
// what is held, before it is.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { PagekinError } from "../errors.js";

/** A VM, by the socket of its monitor or as a domain of libvirt (its UUID and ID), or a process, by its number. */
export type Held = { socket: string } | { domain: string; id: string } | { pid: number };

/** The side of the one that holds. */
export class Guardian {
  private readonly ended: Promise<unknown>;

  /**
   * Whoever pauses a VM for this process has it open meanwhile (virsh): only when it is closed everywhere can no such pause
   * come late, and the guardian resumes domains.
   */
  readonly lifeline: Socket;

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, "close");
    this.lifeline = child.stdio[3] as Socket;
    this.lifeline.on("error", () => {}).unref();
  }

  static async start(): Promise<Guardian> {
    const file = fileURLToPath(new URL("./guard.js", import.meta.url));
    // In a session of its own, where an interrupt from the terminal does not reach it.
    const child = spawn(process.execPath, [file], { detached: true, stdio: ["pipe", "pipe", "inherit", "pipe"] });
    child.stdin?.on("error", () => {});
    const isReady = await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), once(child, "close")]);
    if (typeof isReady[0] === "number") throw new PagekinError("the process that would let others go did not start");
    child.unref();
    return new Guardian(child);
  }

  /** Done when it knows what is held now. Nothing may be stopped that it does not know of. */
  async hold(held: readonly Held[]): Promise<void> {
    const { stdin, stdout } = this.child;
    const known = once(stdout as NodeJS.ReadableStream, "data");
    stdin?.write(`${JSON.stringify(held)}\n`);
    const ended = this.ended.then(() => {
      throw new PagekinError("the process that would resume the others has ended", {
        hint: "run the same command again to resume",
      });
    });
    await Promise.race([known, ended]);
  }

  end(): void {
    this.child.stdin?.end();
    this.lifeline.destroy();
  }
}
