// The threads of a command. What is set here is for its whole process, so the library has no part in it.

import { setFlagsFromString } from "node:v8";
import { Crew } from "../fingerprints/crew.js";

/** The version of V8 in Node 20. Later ones do not know the flag, say so on stderr, and cannot be asked. */
const HAS_INTERRUPT_BUDGET = /^11\.3\./.test(process.versions.v8);

/**
 * For a run of one thread. The long loops are in the core: optimizing JavaScript as soon as V8 would costs more time than it
 * saves. (Not with workers: a changed flag makes Node compile all of its own modules again in each of them.)
 */
export function optimizeLate(): void {
  if (HAS_INTERRUPT_BUDGET) setFlagsFromString("--interrupt-budget=500000");
}

/** Starts a command's crew; threads and bucketLimit as Crew.start has them. */
export function startCrew(threads: number, bucketLimit: number): Promise<Crew> {
  if (threads === 1) optimizeLate();
  return Crew.start(threads, bucketLimit);
}
