// The CSV tables of `replay`, as rows of text. Columns are a contract: new ones go behind the old ones.

import { type GroupSample, type Sample, sumOf } from "../replay/run.js";
import { NANOSECONDS } from "../replay/scenario.js";
import { formatNumber } from "./format.js";
import type { Table } from "./tables.js";

/** The counters of each group and of all (`*`) along a run. */
export function samplesTable(run: string, samples: readonly Sample[], groups: readonly string[]): Table {
  return {
    file: "samples.csv",
    columns:
      "run,time_s,group,pages_scanned,full_scans,pages_shared,pages_sharing,pages_unshared,pages_volatile,pages_skipped,ksm_zero_pages,stable_node_chains,stable_node_dups,general_profit,cow_breaks,cpu_s,metadata_bytes".split(
        ",",
      ),
    rows: rowsOf(run, samples, groups),
  };
}

function* rowsOf(run: string, samples: readonly Sample[], groups: readonly string[]): Generator<string[]> {
  for (const { ns, groups: counters } of samples) {
    const time = formatNumber(ns / NANOSECONDS);
    for (const [number, one] of counters.entries()) yield [run, time, groups[number], ...cellsOf(one)];
    yield [run, time, "*", ...cellsOf(sumOf(counters))];
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
  ].map(formatNumber);
}
