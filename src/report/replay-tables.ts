// The CSV tables of `replay`. Columns are a contract: new ones go behind the old ones.

import { controllerOf } from "../replay/controllers/registry.js";
import type { Shareout, TimedDecision } from "../replay/course.js";
import { amountsOver, breakAllBytes, QUANTILES, type Spread, spreadOf } from "../replay/guarantee.js";
import { memoryOf } from "../replay/machine.js";
import type { PlannedRun } from "../replay/reference.js";
import { type GroupSample, sumOf } from "../replay/sample.js";
import { eachSample, lastOf } from "../replay/samples.js";
import { memoryIn, redistributionOf } from "../replay/shareout.js";
import { NANOSECONDS } from "../replay/time.js";
import type { RunResult } from "../scenarios/perform.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { rounded } from "../text/format.js";
import { type Column, recordOf, type Table, tableOf } from "../text/write-csv.js";
import { ALL_MEMBERS } from "../worlds/world.js";
import { runsTable } from "./runs-table.js";
import { throughputTable } from "./throughput-table.js";

/** Those that the scenario asks for. */
export function replayTables(finished: FinishedRuns): Table[] {
  const { runs } = finished;
  const isAsked = (asks: (run: PlannedRun) => unknown) => runs.some(asks);
  const tables = [samplesTable(finished)];
  if (isAsked(({ scenario }) => scenario.host)) tables.push(hostTable(finished));
  if (isAsked(({ scenario }) => redistributionOf(scenario))) {
    tables.push(memoryTable(finished), guaranteeTable(finished));
  }
  if (isAsked(({ scenario }) => scenario.controller || scenario.scanner.advisor_mode !== "none")) {
    tables.push(decisionsTable(finished));
  }
  if (isAsked(({ scenario }) => [...scenario.members.values()].some(({ workload }) => workload))) {
    tables.push(throughputTable(finished));
  }
  tables.push(runsTable(finished));
  return tables;
}

const RUN: Column<{ run: PlannedRun }> = ["run", ({ run }) => run.name, "text"];
const TIME: Column<{ ns: number }> = ["time_s", ({ ns }) => ns / NANOSECONDS, "number"];

/** Groups are counted from 1; two may have one name, and one may be called as all are. Of all: empty. */
const GROUP_NUMBER: Column<{ number?: number }> = [
  "group_number",
  ({ number }) => (number === undefined ? undefined : number + 1),
  "number",
];

interface SampleRow {
  number?: number;
  run: PlannedRun;
  ns: number;
  group: string;
  counters: GroupSample;
}

const COUNTER_COLUMNS: readonly Column<{ counters: GroupSample }>[] = [
  ["pages_scanned", ({ counters }) => counters.pagesScanned, "number"],
  ["full_scans", ({ counters }) => counters.fullScans, "number"],
  ["pages_shared", ({ counters }) => counters.pagesShared, "number"],
  ["pages_sharing", ({ counters }) => counters.pagesSharing, "number"],
  ["pages_unshared", ({ counters }) => counters.pagesUnshared, "number"],
  ["pages_volatile", ({ counters }) => counters.pagesVolatile, "number"],
  ["pages_skipped", ({ counters }) => counters.pagesSkipped, "number"],
  ["ksm_zero_pages", ({ counters }) => counters.zeroPages, "number"],
  ["stable_node_chains", ({ counters }) => counters.stableNodeChains, "number"],
  ["stable_node_dups", ({ counters }) => counters.stableNodeDups, "number"],
  ["general_profit", ({ counters }) => counters.generalProfit, "number"],
  ["cow_breaks", ({ counters }) => counters.cowBreaks, "number"],
  ["cpu_s", ({ counters }) => rounded(counters.cpuSeconds, 6), "number"],
  ["metadata_bytes", ({ counters }) => counters.metadataBytes, "number"],
  ["checksums", ({ counters }) => counters.checksums, "number"],
  ["compares", ({ counters }) => counters.compares, "number"],
  ["merges", ({ counters }) => counters.merges, "number"],
];

const SAMPLE_COLUMNS: readonly Column<SampleRow>[] = [
  RUN,
  TIME,
  ["group", ({ group }) => group, "text"],
  ...COUNTER_COLUMNS,
  GROUP_NUMBER,
];

/** A group's counters by the names of their columns. */
export const counterFields = (counters: GroupSample): Record<string, unknown> =>
  recordOf(COUNTER_COLUMNS, { counters });

/** The counters of each group and of all (`*`) along each run. */
function samplesTable(finished: FinishedRuns): Table {
  const rows = eachRun(finished, function* (run, { samples, groups }) {
    for (const { ns, groups: sampled } of eachSample(samples)) {
      for (const [number, counters] of sampled.entries()) yield { run, ns, number, group: groups[number], counters };
      yield { run, ns, group: ALL_MEMBERS, counters: sumOf(sampled) };
    }
  });
  return tableOf("samples.csv", SAMPLE_COLUMNS, rows);
}

interface HostRow {
  run: PlannedRun;
  ns: number;
  usedBytes: number;
  hostBytes: number;
}

const HOST_COLUMNS: readonly Column<HostRow>[] = [
  RUN,
  TIME,
  ["used_bytes", ({ usedBytes }) => usedBytes, "number"],
  ["host_bytes", ({ hostBytes }) => hostBytes, "number"],
];

/** How much of the host's memory is in use. */
function hostTable(finished: FinishedRuns): Table {
  const rows = eachRun(finished, function* (run, { samples }) {
    const { host } = run.scenario;
    for (const { ns, usedBytes } of eachSample(samples))
      if (host && usedBytes !== undefined) yield { run, ns, usedBytes, hostBytes: host.memory };
  });
  return tableOf("host.csv", HOST_COLUMNS, rows);
}

interface MemoryRow {
  number?: number;
  run: PlannedRun;
  ns: number;
  member: string;
  group: string;
  memoryBytes: number;
  reclaimedBytes: number;
}

const MEMORY_COLUMNS: readonly Column<MemoryRow>[] = [
  RUN,
  TIME,
  ["member", ({ member }) => member, "text"],
  ["group", ({ group }) => group, "text"],
  ["memory_bytes", ({ memoryBytes }) => memoryBytes, "number"],
  ["reclaimed_bytes", ({ reclaimedBytes }) => reclaimedBytes, "number"],
  GROUP_NUMBER,
];

/** The memory of each member that is there, and of all (`*`), at each time at which it is given out. */
function memoryTable(finished: FinishedRuns): Table {
  const rows = eachRun(finished, function* (run, { shareouts, groups }) {
    for (const { ns, reclaimedBytes, members: given } of shareouts) {
      for (const one of given)
        yield {
          ...one,
          ...{ run, ns, member: finished.members[one.member].name },
          ...{ group: groups[one.group], number: one.group },
        };
      yield { run, ns, member: ALL_MEMBERS, group: ALL_MEMBERS, memoryBytes: totalOf(given), reclaimedBytes };
    }
  });
  return tableOf("memory.csv", MEMORY_COLUMNS, rows);
}

const totalOf = (given: Shareout["members"]) => given.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);

interface GuaranteeRow {
  number?: number;
  run: PlannedRun;
  member: string;
  group: string;
  lowerBound: number;
  spread: Spread;
  /** Of all members. */
  breakAll?: number;
}

const GUARANTEE_COLUMNS: readonly Column<GuaranteeRow>[] = [
  RUN,
  ["member", ({ member }) => member, "text"],
  ["group", ({ group }) => group, "text"],
  ["lower_bound_bytes", ({ lowerBound }) => lowerBound, "number"],
  ["min_bytes", ({ spread }) => spread.least, "number"],
  ...QUANTILES.map((quantile, i): Column<GuaranteeRow> => {
    const percent = String(100 * quantile).padStart(2, "0");
    return [`p${percent}_bytes`, ({ spread }) => spread.quantiles[i], "number"];
  }),
  ["max_bytes", ({ spread }) => spread.most, "number"],
  ["break_all_bytes", ({ breakAll }) => breakAll, "number"],
  GROUP_NUMBER,
];

/** How each member's memory was spread over time, and what all need (`*`) if sharing breaks at the worst time. */
function guaranteeTable(finished: FinishedRuns): Table {
  const rows = eachRun(finished, (run, result) => guaranteeRows(finished, run, result));
  return tableOf("guarantee.csv", GUARANTEE_COLUMNS, rows);
}

function guaranteeRows({ members }: FinishedRuns, run: PlannedRun, result: RunResult): GuaranteeRow[] {
  const { shareouts, groups, samples } = result;
  const { until } = run.scenario;
  // The last sample may stand before the end.
  const endNs = until.kind === "time" ? until.ns : lastOf(samples).ns;
  const rows = members.flatMap((member, number): GuaranteeRow[] => {
    const ownIn = (shareout: Shareout) => memoryIn(shareout, number);
    const amounts = amountsOver(shareouts, endNs, (shareout) => ownIn(shareout)?.memoryBytes);
    if (amounts.length === 0) return [];
    const last = shareouts.findLast(ownIn);
    const group = (last && ownIn(last)?.group) ?? 0;
    const names = { member: member.name, group: groups[group], number: group };
    return [{ run, ...names, lowerBound: memoryOf(member, run.scenario), spread: spreadOf(amounts) }];
  });
  if (rows.length === 0) return [];
  const lowerBound = rows.reduce((sum, row) => sum + row.lowerBound, 0);
  const totals = amountsOver(shareouts, endNs, ({ members: given }) => totalOf(given));
  const breakAll = breakAllBytes(shareouts);
  return [...rows, { run, member: ALL_MEMBERS, group: ALL_MEMBERS, lowerBound, spread: spreadOf(totals), breakAll }];
}

interface DecisionRow extends TimedDecision {
  run: PlannedRun;
}

const DECISION_COLUMNS: readonly Column<DecisionRow>[] = [
  RUN,
  TIME,
  ["controller", ({ run }) => controllerOf(run.scenario).name, "text"],
  ["subject", ({ subject }) => subject, "text"],
  ["action", ({ action }) => action, "text"],
  ["from", ({ from }) => from, "number"],
  ["to", ({ to }) => to, "number"],
  ["reason", ({ reason }) => reason, "text"],
  ["subject_kind", ({ kind }) => kind, "text"],
  ["group_number", ({ group }) => (group === undefined ? undefined : group + 1), "number"],
];

/** What controllers decided, and why. */
function decisionsTable(finished: FinishedRuns): Table {
  const rows = eachRun(finished, (run, { decisions }) => decisions.map((decision) => ({ ...decision, run })));
  return tableOf("decisions.csv", DECISION_COLUMNS, rows);
}

function* eachRun<Row>(
  { runs, results }: FinishedRuns,
  rows: (run: PlannedRun, result: RunResult) => Iterable<Row>,
): Generator<Row> {
  for (const [number, run] of runs.entries()) yield* rows(run, results[number]);
}
