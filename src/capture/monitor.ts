// A VM's monitor, however it is reached: by its own socket (qmp.ts) or through libvirt (virsh.ts).

import type { Writable } from "node:stream";
import { type PagekinError, quoted } from "../errors.js";
import type { Held } from "./guardian.js";

/** Commands that do not write a dump answer within this; libvirt itself waits 30 s for another job of the domain. */
export const ANSWER_MS = 120_000;
/** The longest answers are maps of memory with some thousand regions, at 100 bytes each. */
export const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

export interface Monitor {
  /** How errors call it. */
  readonly shownAs: string;
  /** What the guardian needs to resume this VM; an error if it is no longer the VM that was opened. */
  toHold(): Promise<Held>;
  /** Returns what QEMU returns for a QMP command. ms: how long it may take. */
  execute(command: string, args?: Record<string, unknown>, ms?: number): Promise<unknown>;
  /** Has all of the RAM written to a file that is there, as an ELF core. */
  dump(file: string, ms: number): Promise<void>;
  /** lifeline: see Guardian. */
  pause(lifeline: Writable): Promise<void>;
  resume(): Promise<void>;
  fault(what: string, hint?: string): PagekinError;
  close(): void;
}

/** QMP's answer to a command: what it returned, or the error as one of pagekin's. */
export function resultOf(
  monitor: Pick<Monitor, "fault">,
  command: string,
  { error, return: result }: { error?: unknown; return?: unknown },
): unknown {
  if (error === undefined) return result;
  const { desc } = (error ?? {}) as { desc?: unknown };
  throw monitor.fault(`${command}: ${typeof desc === "string" ? quoted(desc) : "refused without a reason"}`);
}
