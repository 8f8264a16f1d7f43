// runs.csv: one row a run with its settings and what it came to.

import { lostPageSeconds, type Outcome, outcomeOf } from "../replay/outcome.js";
import { ADDED } from "../replay/reference.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { formatNumber, formatRate } from "../text/format.js";
import { seconds } from "./replay-tables.js";
import type { Table } from "./tables.js";
import { normalizedThroughputs } from "./throughput-table.js";

/** What isolation cost a run, beside a run of one group. */
export interface IsolationCost {
  /** Its name, or that it was added. */
  reference: string;
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
  const reference = outcomeOf(other);
  return {
    reference: runs[number]?.name ?? ADDED,
    pages: reference.savedPages - outcomeOf(own).savedPages,
    pageSeconds: lostPageSeconds(own, other),
    referencePageSeconds: reference.savedPageSeconds,
  };
}

export function runsTable(finished: FinishedRuns): Table {
  const { runs, results } = finished;
  const keys = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const rows = runs.map(({ name, scenario, settings }, run) => {
    const outcome = outcomeOf(results[run].samples);
    const cost = isolationCostOf(finished, run);
    const { exposure } = results[run];
    return [
      name,
      scenario.policy,
      ...outcomeCells(outcome),
      ...[exposure.contents, exposure.pages, exposure.pairs].map(formatNumber),
      ...(cost ? [cost.reference, formatNumber(cost.pages), amount(cost.pageSeconds)] : ["", "", ""]),
      meanThroughput(finished, run),
      ...keys.map((key) => settings[key] ?? ""),
    ];
  });
  return {
    file: "runs.csv",
    columns: [
      ..."run,policy,time_s,saved_pages,saved_page_seconds,time_to_90_s,cpu_s,cpu_us_per_saved_page,cow_breaks,metadata_bytes,exposed_contents,exposed_pages,exposed_pairs,reference,isolation_cost_pages,lost_page_seconds,mean_throughput".split(
        ",",
      ),
      ...keys.map((key) => `setting:${key}`),
    ],
    rows,
  };
}

/** Page-seconds, which may have parts. */
const amount = (value: number): string => formatNumber(Number(value.toFixed(3)));

function outcomeCells(outcome: Outcome): string[] {
  const { endNs, savedPages, savedPageSeconds, secondsToMost, cpuSeconds, cowBreaks, metadataBytes } = outcome;
  return [
    seconds(endNs),
    formatNumber(savedPages),
    amount(savedPageSeconds),
    secondsToMost === undefined ? "" : formatNumber(secondsToMost),
    formatNumber(Number(cpuSeconds.toFixed(6))),
    savedPages > 0 ? ((cpuSeconds * 1e6) / savedPages).toFixed(3) : "",
    formatNumber(cowBreaks),
    formatNumber(metadataBytes),
  ];
}

/** Of the members that have a workload, over time and against their baselines. */
function meanThroughput(finished: FinishedRuns, run: number): string {
  const means = finished.members.flatMap((_, member) => {
    const [last] = normalizedThroughputs(finished, run, member).slice(-1);
    return last?.mean === undefined ? [] : [last.mean];
  });
  return means.length === 0 ? "" : formatRate(means.reduce((sum, mean) => sum + mean, 0) / means.length);
}
