// throughput.csv: what the members' workloads make of their memory.

import { memoryOf } from "../replay/machine.js";
import { NANOSECONDS } from "../replay/time.js";
import { type Normalized, normalize, type Throughput, throughputAt, throughputsOf } from "../replay/workload.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { type Column, type Table, tableOf } from "../text/write-csv.js";

interface ThroughputRow extends Normalized {
  run: string;
  member: string;
}

const THROUGHPUT_COLUMNS: readonly Column<ThroughputRow>[] = [
  ["run", ({ run }) => run, "text"],
  ["time_s", ({ ns }) => ns / NANOSECONDS, "number"],
  ["member", ({ member }) => member, "text"],
  ["memory_bytes", ({ memoryBytes }) => memoryBytes, "number"],
  ["hit_ratio", ({ hitRatio }) => hitRatio, "rate"],
  ["throughput_per_s", ({ perSecond }) => perSecond, "thousandths"],
  ["normalized", ({ normalized }) => normalized, "rate"],
  ["mean_normalized", ({ mean }) => mean, "rate"],
];

/** Beside the same member's throughput at its own memory, or in the run that is its baseline. */
export function throughputTable(finished: FinishedRuns): Table {
  return tableOf("throughput.csv", THROUGHPUT_COLUMNS, throughputRows(finished));
}

function* throughputRows(finished: FinishedRuns): Generator<ThroughputRow> {
  for (const [run, { name }] of finished.runs.entries()) {
    for (const [number, { name: member }] of finished.members.entries()) {
      for (const one of normalizedThroughputs(finished, run, number)) yield { ...one, run: name, member };
    }
  }
}

/** Empty if the member has no workload in that run. */
export function normalizedThroughputs(finished: FinishedRuns, run: number, member: number): Normalized[] {
  const { runs, members } = finished;
  const { scenario } = runs[run];
  const workload = workloadOf(finished, run, member);
  if (!workload) return [];
  const own = throughputs(finished, run, member);
  if (workload.baseline === undefined) {
    const curve = finished.curves.get(workload.curve ?? "");
    const alone = throughputAt(memoryOf(members[member], scenario), 0, workload, curve).perSecond;
    return normalize(
      own,
      own.map(() => alone),
    );
  }
  const other = runs.findIndex(({ name }) => name === workload.baseline);
  const baseline = throughputs(finished, other, member);
  return normalize(own, latestBefore(baseline, own));
}

function workloadOf({ runs, members }: FinishedRuns, run: number, member: number) {
  const { members: settings } = runs[run].scenario;
  const { name } = members[member];
  return Object.hasOwn(settings, name) ? settings[name].workload : undefined;
}

function throughputs(finished: FinishedRuns, run: number, member: number): Throughput[] {
  const workload = workloadOf(finished, run, member);
  if (!workload) return [];
  return throughputsOf(member, finished.results[run].shareouts, workload, finished.curves.get(workload.curve ?? ""));
}

/**
 * The baseline's reads a second at each of the times; what gives memory out less often than the other run has its first value
 * before.
 */
function latestBefore(baseline: readonly Throughput[], times: readonly Throughput[]): (number | undefined)[] {
  let next = 0;
  return times.map(({ ns }) => {
    while (next < baseline.length && baseline[next].ns <= ns) next++;
    return baseline[Math.max(0, next - 1)]?.perSecond;
  });
}
