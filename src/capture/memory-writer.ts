// What becomes of live memory: a dump, or a trace in its place.

import { type Place, type Written, writeCore } from "./elf-write.js";
import type { LiveMemory } from "./live-memory.js";
import type { LiveTraceWriter } from "./live-trace.js";
import type { Subject } from "./subject.js";

export type MemoryWriter = (
  live: LiveMemory,
  subject: Pick<Subject, "name" | "shownAs">,
  timeS: number,
  place: Place,
  onBytes: (bytes: number) => void,
) => Promise<Written>;

export const memoryWriter =
  (traces: LiveTraceWriter | undefined): MemoryWriter =>
  (live, { name, shownAs }, timeS, place, onBytes) =>
    traces ? traces.write(live, { member: name, timeS, shownAs }, place, onBytes) : writeCore(live, place, onBytes);
