// How long VMs will be paused, before they are: some of a running one's memory is written as it will be, and the time it takes
// is scaled to all of it.

import { clockMs } from "../system/clock.js";
import type { MemoryWriter } from "./memory-writer.js";
import type { SeriesFolder } from "./series.js";
import type { Subject } from "./subject.js";

const SAMPLED_BYTES = 64 * 2 ** 20;
/** Written first, so that what is measured is compiled. */
const WARM_UP_BYTES = 8 * 2 ** 20;

export interface PauseEstimate {
  /** VMs that run, and will be paused. */
  vms: number;
  /** All that will be read while they are paused; one after the other: of the largest VM. */
  bytes: number;
  /** undefined where QEMU itself writes the dump. */
  ms: number | undefined;
}

/** undefined where nothing will be paused, or where it cannot be measured. */
export async function estimatePause(
  subjects: readonly Subject[],
  series: SeriesFolder,
  writer: MemoryWriter,
  oneAtATime: boolean,
): Promise<PauseEstimate | undefined> {
  const held = await Promise.all(subjects.map((subject) => subject.toHold()));
  const running = subjects.filter((_, i) => held[i] !== undefined);
  if (running.length === 0) return undefined;
  const each = await Promise.all(running.map((subject) => subject.expectedBytes()));
  const bytes = oneAtATime ? Math.max(...each) : each.reduce((sum, one) => sum + one, 0);
  const [first] = running;
  const staging = series.stage();
  const msFor = async (mostBytes: number, file: string) => {
    const live = await first.sample?.(mostBytes);
    if (!live) return undefined;
    const since = clockMs();
    const { storedBytes } = await writer(live, first, 0, staging.place(file), () => {});
    return ((clockMs() - since) * bytes) / Math.max(storedBytes, 1);
  };
  try {
    await msFor(WARM_UP_BYTES, "warm-up");
    return { vms: running.length, bytes, ms: await msFor(SAMPLED_BYTES, "sample") };
  } catch {
    // What hinders this hinders the snapshot, which says so.
    return undefined;
  } finally {
    staging.remove();
  }
}
