import { currentSignal } from "./abort.js";
import { clockMs } from "./clock.js";

/** Lets others have their turn, where it is time for that. */
export type Pause = () => Promise<void> | undefined;

const TURN_MS = 5;

let turnBegan = 0;

/**
 * Lets the event loop take a turn when this one has lasted some milliseconds, so that signals and progress get through.
 * Throws the reason where the call that this work is for was aborted.
 */
export function breathe(): Promise<void> | undefined {
  if (clockMs() - turnBegan < TURN_MS) return undefined;
  currentSignal()?.throwIfAborted();
  return new Promise((resolve) => {
    setImmediate(() => {
      turnBegan = clockMs();
      resolve();
    });
  });
}
