// throughput.csv: what the members' workloads make of their memory.

import { memoryOf } from "../replay/machine.js";
import { type Normalized, normalize, type Throughput, throughputAt, throughputsOf } from "../replay/workload.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { formatNumber, formatRate } from "../text/format.js";
import { seconds } from "./replay-tables.js";
import type { Table } from "./tables.js";

/** Beside the same member's throughput at its own memory, or in the run that is its baseline. */
export function throughputTable(finished: FinishedRuns): Table {
  const rows = finished.runs.flatMap(({ name }, run) =>
    finished.members.flatMap(({ name: member }, number) =>
      normalizedThroughputs(finished, run, number).map(({ ns, memoryBytes, hitRatio, perSecond, normalized, mean }) => [
        ...[name, seconds(ns), member, formatNumber(memoryBytes), formatRate(hitRatio)],
        ...[perSecond.toFixed(3), ...[normalized, mean].map((part) => (part === undefined ? "" : formatRate(part)))],
      ]),
    ),
  );
  return {
    file: "throughput.csv",
    columns: "run,time_s,member,memory_bytes,hit_ratio,throughput_per_s,normalized,mean_normalized".split(","),
    rows,
  };
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
  return normalize(
    own,
    own.map(({ ns }) => latestBefore(baseline, ns)),
  );
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

/** Reads a second at a time; what gives memory out less often than the other run has its first value before. */
function latestBefore(baseline: readonly Throughput[], ns: number): number | undefined {
  return baseline.reduce((latest, one) => (one.ns <= ns ? one.perSecond : latest), baseline[0]?.perSecond);
}
