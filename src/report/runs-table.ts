// runs.csv: one row a run with its settings and what it came to.

import { lostPageSeconds, type Outcome, outcomeOf, savedAtEnd, savingOf } from "../replay/outcome.js";
import { ADDED, type PlannedRun } from "../replay/reference.js";
import { NANOSECONDS } from "../replay/time.js";
import type { RunResult } from "../scenarios/perform.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { mean } from "../sharing/rates.js";
import { rounded } from "../text/format.js";
import { type Column, recordOf, type Table, tableOf } from "../text/write-csv.js";
import { normalizedThroughputs } from "./throughput-table.js";

/** What isolation cost a run, beside a run of one group. */
export interface IsolationCost {
  /** Its name, or that it was added: a run of the scenario may be called so, too. */
  reference: string;
  isAdded: boolean;
  /** Saved less in the end. */
  pages: number;
  /** Saved less over time. */
  pageSeconds: number;
  /** Saved by the reference, over the same time. */
  referencePageSeconds: number;
}

/** undefined: the run has no scanner. */
export function isolationCostOf(finished: FinishedRuns, run: number): IsolationCost | undefined {
  const { runs, results, references } = finished;
  const number = references[run];
  if (number === undefined) return undefined;
  const [own, other] = [results[run].samples, results[number].samples];
  const reference = savingOf(other);
  return {
    reference: runs[number]?.name ?? ADDED,
    isAdded: number >= runs.length,
    pages: reference.savedPages - savedAtEnd(own),
    pageSeconds: lostPageSeconds(own, other),
    referencePageSeconds: reference.savedPageSeconds,
  };
}

interface RunRow {
  run: PlannedRun;
  outcome: Outcome;
  exposure: RunResult["exposure"];
  cost: IsolationCost | undefined;
  throughput: number | undefined;
}

const RUN_COLUMNS: readonly Column<RunRow>[] = [
  ["run", ({ run }) => run.name, "text"],
  ["policy", ({ run }) => run.scenario.policy, "text"],
  ["time_s", ({ outcome }) => outcome.endNs / NANOSECONDS, "number"],
  ["saved_pages", ({ outcome }) => outcome.savedPages, "number"],
  ["saved_page_seconds", ({ outcome }) => rounded(outcome.savedPageSeconds, 3), "number"],
  ["time_to_90_s", ({ outcome }) => outcome.secondsToMost, "number"],
  ["cpu_s", ({ outcome }) => rounded(outcome.cpuSeconds, 6), "number"],
  ["cpu_us_per_saved_page", ({ outcome }) => microsecondsPerPage(outcome), "thousandths"],
  ["cow_breaks", ({ outcome }) => outcome.cowBreaks, "number"],
  ["metadata_bytes", ({ outcome }) => outcome.metadataBytes, "number"],
  ["exposed_contents", ({ exposure }) => exposure.contents, "number"],
  ["exposed_pages", ({ exposure }) => exposure.pages, "number"],
  ["exposed_pairs", ({ exposure }) => exposure.pairs, "number"],
  ["reference", ({ cost }) => cost?.reference, "text"],
  ["isolation_cost_pages", ({ cost }) => cost?.pages, "number"],
  ["lost_page_seconds", ({ cost }) => cost && rounded(cost.pageSeconds, 3), "number"],
  ["mean_throughput", ({ throughput }) => throughput, "rate"],
  ["reference_added", ({ cost }) => cost?.isAdded, "boolean"],
];

export function runsTable(finished: FinishedRuns): Table {
  const { runs } = finished;
  const keys = [...new Set(runs.flatMap(({ settings }) => [...settings.keys()]))];
  const settings = keys.map((key): Column<RunRow> => [`setting:${key}`, ({ run }) => run.settings.get(key), "text"]);
  const rows = runs.map((_, number) => runRow(finished, number));
  return tableOf("runs.csv", [...RUN_COLUMNS, ...settings], rows);
}

function runRow(finished: FinishedRuns, number: number): RunRow {
  const { samples, exposure } = finished.results[number];
  const [cost, throughput] = [isolationCostOf(finished, number), meanThroughput(finished, number)];
  return { run: finished.runs[number], outcome: outcomeOf(samples), exposure, cost, throughput };
}

/** A run by the columns of runs.csv, and its settings. */
export function runFields(finished: FinishedRuns, number: number): Record<string, unknown> {
  const settings = Object.fromEntries(finished.runs[number].settings);
  return { ...recordOf(RUN_COLUMNS, runRow(finished, number)), settings };
}

/** CPU time of the whole run; undefined where nothing is saved in the end. */
function microsecondsPerPage({ cpuSeconds, savedPages }: Outcome): number | undefined {
  return savedPages > 0 ? (cpuSeconds * 1e6) / savedPages : undefined;
}

/** Of the members that have a workload, over time and against their baselines. */
function meanThroughput(finished: FinishedRuns, run: number): number | undefined {
  const means = finished.members.flatMap((_, member) => {
    const [last] = normalizedThroughputs(finished, run, member).slice(-1);
    return last?.mean === undefined ? [] : [last.mean];
  });
  return means.length === 0 ? undefined : mean(means);
}
