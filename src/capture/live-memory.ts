// What of a live process is to be captured: like a dump's plan, with its memory in place of a file.

import type { ExtentList } from "../dumps/extents.js";
import type { ProcessMemory } from "./process-memory.js";

/** A stretch of addresses that the memory has, resident or not. */
export interface Area {
  address: number;
  bytes: number;
  /** As an ELF segment has them: 4 read, 2 write, 1 execute. */
  flags: number;
}

export interface LiveMemory {
  memory: ProcessMemory;
  addressSpace: "physical" | "virtual";
  /** Ascending, apart. */
  areas: Area[];
  /** What is resident: its address there, its bytes, its address in the process; ascending, each within one area. */
  extents: ExtentList;
  /** For the header of an ELF file. */
  machine: number;
  notes: ElfNote[];
}

export interface ElfNote {
  type: number;
  bytes: Uint8Array;
}
