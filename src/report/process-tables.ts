// The CSV tables of `processes`. Columns are a contract: new ones go behind the old ones.

import type { RankedProcess, Ranking } from "../processes/ranking.js";
import { type Column, type Table, tableOf } from "../text/write-csv.js";

const PROCESS_COLUMNS: readonly Column<RankedProcess>[] = [
  ["pid", ({ pid }) => pid, "number"],
  ["name", ({ name }) => name, "text"],
  ["resident_pages", ({ pages }) => pages, "number"],
  ["sampled_pages", ({ sampledPages }) => sampledPages, "number"],
  ["self_sharing_rate", ({ selfRate }) => selfRate, "rate"],
  ["inter_sharing_rate", ({ interRate }) => interRate, "rate"],
  ["rate_low", ({ low }) => low, "rate"],
  ["rate_high", ({ high }) => high, "rate"],
  ["selected", ({ selected }) => selected, "boolean"],
  ["member", ({ member }) => member, "text"],
  ["fork_shared_pages", ({ forkSharedPages }) => forkSharedPages, "number"],
  ["ksm_merging_pages", ({ ksm }) => ksm?.ksm_merging_pages, "number"],
  ["ksm_zero_pages", ({ ksm }) => ksm?.ksm_zero_pages, "number"],
];

export function processesTable({ processes }: Ranking): Table {
  return tableOf("processes.csv", PROCESS_COLUMNS, processes);
}

const PRIVATE_COLUMNS: readonly Column<RankedProcess>[] = [
  ["member", ({ member }) => member, "text"],
  ["pid", ({ pid }) => pid, "number"],
];

/** The selected ones as a group, for the policy private:FILE,POLICY. */
export function privateTable({ processes }: Ranking): Table {
  const selected = processes.filter((one) => one.selected);
  return tableOf("private.csv", PRIVATE_COLUMNS, selected);
}
