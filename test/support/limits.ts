// Limits that hold on a busy machine, too.

import { expect } from "vitest";

/** What one small file may take: a hundred times what a good one takes. */
const MOST_CPU_MS = 2000;

/** CPU time (ms) of this process, all of its threads together: others at work do not lengthen it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Awaits work that must not take much time, however it ends. */
export async function soon<T>(work: () => Promise<T>): Promise<T> {
  const before = cpuMs();
  try {
    return await work();
  } finally {
    expect(cpuMs() - before).toBeLessThan(MOST_CPU_MS);
  }
}

const TIMES = 8;
/** Between work in step with the size, and work that grows with its square: 8 and 64. */
const MOST_TIMES = 32;

/** Work on something of the size given takes about eight times as long as on an eighth of it. */
export async function expectInStep<T>(
  size: number,
  make: (size: number) => T,
  work: (made: T) => Promise<unknown>,
): Promise<void> {
  // The least of some runs, for the first ones compile code.
  const few = make(size / TIMES);
  const least = Math.min(await cpuMsOf(work, few), await cpuMsOf(work, few), await cpuMsOf(work, few));
  expect((await cpuMsOf(work, make(size))) / least).toBeLessThan(MOST_TIMES);
}

async function cpuMsOf<T>(work: (made: T) => Promise<unknown>, made: T): Promise<number> {
  const before = cpuMs();
  await work(made);
  return cpuMs() - before;
}
