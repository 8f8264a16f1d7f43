// The CSV tables of `processes`, as rows of text.

import type { RankedProcess, Ranking } from "../processes/ranking.js";
import { formatNumber, formatRate } from "../text/format.js";
import type { Table } from "./tables.js";

const known = (value: number | undefined) => (value === undefined ? "" : formatNumber(value));

export function processesTable({ processes }: Ranking): Table {
  return {
    file: "processes.csv",
    columns:
      "pid,name,resident_pages,sampled_pages,self_sharing_rate,inter_sharing_rate,rate_low,rate_high,selected,member,fork_shared_pages,ksm_merging_pages,ksm_zero_pages".split(
        ",",
      ),
    rows: processes.map((one: RankedProcess) => [
      known(one.pid),
      one.name,
      ...[one.pages, one.sampledPages].map(formatNumber),
      ...[one.selfRate, one.interRate, one.low, one.high].map(formatRate),
      String(one.selected),
      one.member,
      ...[one.forkSharedPages, one.ksm?.ksm_merging_pages, one.ksm?.ksm_zero_pages].map(known),
    ]),
  };
}

/** The selected ones as a group, for the policy private:FILE,POLICY. */
export function privateTable({ processes }: Ranking): Table {
  return {
    file: "private.csv",
    columns: ["member", "pid"],
    rows: processes.filter(({ selected }) => selected).map(({ member, pid }) => [member, known(pid)]),
  };
}
