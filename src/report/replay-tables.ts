// The CSV tables of `replay`, as rows of text. Columns are a contract: new ones go behind the old ones.

import { controllerOf } from "../replay/controllers/registry.js";
import { amountsOver, breakAllBytes, type Spread, spreadOf } from "../replay/guarantee.js";
import { memoryOf } from "../replay/machine.js";
import type { PlannedRun } from "../replay/reference.js";
import { type GroupSample, type Sample, sumOf } from "../replay/sample.js";
import { redistributionOf, type Shareout } from "../replay/shareout.js";
import { NANOSECONDS } from "../replay/time.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { formatNumber } from "../text/format.js";
import { runsTable } from "./runs-table.js";
import type { Table } from "./tables.js";
import { throughputTable } from "./throughput-table.js";

const ALL = "*";

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
  if (isAsked(({ scenario }) => Object.values(scenario.members).some(({ workload }) => workload))) {
    tables.push(throughputTable(finished));
  }
  tables.push(runsTable(finished));
  return tables;
}

export const seconds = (ns: number): string => formatNumber(ns / NANOSECONDS);

/** The counters of each group and of all (`*`) along each run. */
function samplesTable({ runs, results }: FinishedRuns): Table {
  return {
    file: "samples.csv",
    columns:
      "run,time_s,group,pages_scanned,full_scans,pages_shared,pages_sharing,pages_unshared,pages_volatile,pages_skipped,ksm_zero_pages,stable_node_chains,stable_node_dups,general_profit,cow_breaks,cpu_s,metadata_bytes,checksums,compares,merges".split(
        ",",
      ),
    rows: eachRun(runs, ({ name }, i) => sampleRows(name, results[i].samples, results[i].groups)),
  };
}

function* eachRun(
  runs: readonly PlannedRun[],
  rowsOf: (run: PlannedRun, number: number) => Iterable<string[]>,
): Generator<string[]> {
  for (const [number, run] of runs.entries()) yield* rowsOf(run, number);
}

function* sampleRows(run: string, samples: readonly Sample[], groups: readonly string[]): Generator<string[]> {
  for (const { ns, groups: counters } of samples) {
    for (const [number, one] of counters.entries()) yield [run, seconds(ns), groups[number], ...cellsOf(one)];
    yield [run, seconds(ns), ALL, ...cellsOf(sumOf(counters))];
  }
}

function cellsOf(one: GroupSample): string[] {
  return [
    one.pagesScanned,
    one.fullScans,
    one.pagesShared,
    one.pagesSharing,
    one.pagesUnshared,
    one.pagesVolatile,
    one.pagesSkipped,
    one.zeroPages,
    one.stableNodeChains,
    one.stableNodeDups,
    one.generalProfit,
    one.cowBreaks,
    Number(one.cpuSeconds.toFixed(6)),
    one.metadataBytes,
    one.checksums,
    one.compares,
    one.merges,
  ].map(formatNumber);
}

/** How much of the host's memory is in use. */
function hostTable({ runs, results }: FinishedRuns): Table {
  return {
    file: "host.csv",
    columns: ["run", "time_s", "used_bytes", "host_bytes"],
    rows: eachRun(runs, ({ name, scenario: { host } }, i) =>
      results[i].samples.flatMap(({ ns, usedBytes }) =>
        host && usedBytes !== undefined
          ? [[name, seconds(ns), formatNumber(usedBytes), formatNumber(host.memory)]]
          : [],
      ),
    ),
  };
}

/** The memory of each member that is there, and of all (`*`), at each time at which it is given out. */
function memoryTable({ runs, results, members }: FinishedRuns): Table {
  return {
    file: "memory.csv",
    columns: ["run", "time_s", "member", "group", "memory_bytes", "reclaimed_bytes"],
    rows: eachRun(runs, ({ name }, i) =>
      results[i].shareouts.flatMap(({ ns, reclaimedBytes, members: given }) => [
        ...given.map((one) =>
          [name, seconds(ns), members[one.member].name, results[i].groups[one.group]].concat(
            [one.memoryBytes, one.reclaimedBytes].map(formatNumber),
          ),
        ),
        [name, seconds(ns), ALL, ALL, ...[totalOf(given), reclaimedBytes].map(formatNumber)],
      ]),
    ),
  };
}

const totalOf = (given: Shareout["members"]) => given.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);

/** How each member's memory was spread over time, and what all need (`*`) if sharing breaks at the worst time. */
function guaranteeTable({ runs, results, members }: FinishedRuns): Table {
  return {
    file: "guarantee.csv",
    columns:
      "run,member,group,lower_bound_bytes,min_bytes,p05_bytes,p25_bytes,p50_bytes,p75_bytes,p95_bytes,max_bytes,break_all_bytes".split(
        ",",
      ),
    rows: eachRun(runs, ({ name, scenario }, i) => {
      const { shareouts, groups, samples } = results[i];
      // The last sample may stand before the end.
      const endNs = scenario.until.kind === "time" ? scenario.until.ns : samples[samples.length - 1].ns;
      const rows = members.flatMap((member, number) => {
        const ofMember = ({ members: given }: Shareout) => given.find((one) => one.member === number)?.memoryBytes;
        const amounts = amountsOver(shareouts, endNs, ofMember);
        if (amounts.length === 0) return [];
        const last = [...shareouts].reverse().find((shareout) => shareout.members.some((one) => one.member === number));
        const group = last?.members.find((one) => one.member === number)?.group ?? 0;
        const bound = memoryOf(member, scenario);
        return [[name, member.name, groups[group], formatNumber(bound), ...spreadCells(spreadOf(amounts)), ""]];
      });
      if (rows.length === 0) return [];
      const totals = amountsOver(shareouts, endNs, ({ members: given }) => totalOf(given));
      const bound = rows.reduce((sum, row) => sum + Number(row[3]), 0);
      const all = [...spreadCells(spreadOf(totals)), formatNumber(breakAllBytes(shareouts))];
      return [...rows, [name, ALL, ALL, formatNumber(bound), ...all]];
    }),
  };
}

const spreadCells = ({ least, quantiles, most }: Spread) => [least, ...quantiles, most].map(formatNumber);

/** What controllers decided, and why. */
function decisionsTable({ runs, results }: FinishedRuns): Table {
  return {
    file: "decisions.csv",
    columns: ["run", "time_s", "controller", "subject", "action", "from", "to", "reason"],
    rows: eachRun(runs, ({ name, scenario }, i) =>
      results[i].decisions.map(({ ns, subject, action, from, to, reason }) => [
        ...[name, seconds(ns), controllerOf(scenario).name, subject, action],
        ...[formatNumber(from), formatNumber(to), reason],
      ]),
    ),
  };
}
