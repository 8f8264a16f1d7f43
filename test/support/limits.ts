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
  const [least, most] = [await leastMs(make(size / TIMES), work), await leastMs(make(size), work)];
  expect(most / least).toBeLessThan(MOST_TIMES);
}

/** Of some runs, as one may compile code or collect garbage. */
async function leastMs<T>(made: T, work: (made: T) => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    const before = cpuMs();
    await work(made);
    least = Math.min(least, cpuMs() - before);
  }
  return least;
}
