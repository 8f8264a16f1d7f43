// What can be captured: a VM or a process.

import type { Writable } from "node:stream";
import type { Staging } from "../system/staging.js";
import type { Place } from "./elf-write.js";
import type { Held } from "./guardian.js";
import type { LiveMemory } from "./live-memory.js";

/** What was found, ready to be copied or hashed; or what another program has written itself. */
export interface Taken {
  live?: LiveMemory;
  storedBytes?: number;
  swappedBytes: number;
  notes: string[];
  /** What is left to do when all go on. */
  finish?(): Promise<void>;
}

/** undefined: not known. */
export interface VmUsage {
  /** Memory that the guest uses, as it tells. */
  muvBytes: number | undefined;
  /** Memory of the host that the VM's process has. */
  mupBytes: number | undefined;
  /** Memory that the balloon leaves to the guest. */
  balloonBytes: number | undefined;
}

export interface Subject {
  readonly name: string;
  /** How errors call it. */
  readonly shownAs: string;
  /** Of the file that it is written to. */
  readonly extension: string;
  /** What it takes to let it go again; undefined where it is not to be stopped, or is already: then it stays so. */
  toHold(): Promise<Held | undefined>;
  /** These two do nothing unless it is to be held. lifeline: see Guardian. */
  stop(lifeline: Writable): Promise<void>;
  letGo(): Promise<void>;
  /** Of a VM: what it uses. */
  usage(): Promise<VmUsage | undefined>;
  /** About how many bytes a snapshot of it takes. */
  expectedBytes(): Promise<number>;
  /** Of a VM that pagekin reads itself: the first resident pages, some bytes of them, while it may run. */
  sample?(bytes: number): Promise<LiveMemory | undefined>;
  /** Finds what there is to copy; or has it written to a place, and says meanwhile how many bytes more are there. */
  take(place: Place, staging: Staging, onBytes: (bytes: number) => void): Promise<Taken>;
  close(): Promise<void>;
}
