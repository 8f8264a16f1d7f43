// What `processes` prints.

import { BASE_PAGE_BYTES } from "../core/hasher.js";
import type { SavedPages } from "../processes/estimate.js";
import type { Ranking, Thresholds } from "../processes/ranking.js";
import { formatBytes, formatCount, formatPercent, percent } from "../text/format.js";
import { commonFields, placePart, type SummaryOptions, sourcesPart } from "./read-sources.js";
import { print, printJson, styled } from "./terminal.js";
import { table } from "./text-table.js";

const MOST_PROCESSES = 40;

interface ProcessesOptions extends SummaryOptions, Thresholds {
  /** What the kernel says of its merging, by the names of its files. */
  kernel: Record<string, number> | undefined;
}

export function printProcesses(ranking: Ranking, options: ProcessesOptions): Promise<void> {
  if (options.json) return printJson(summaryJson(ranking, options));
  return print(
    [
      headline(ranking),
      ...sourcesPart(options),
      processesPart(ranking, options),
      savingPart(ranking),
      ...kernelPart(ranking, options),
      placePart(options),
    ].join("\n\n"),
  );
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const size = (pages: number) => formatBytes(Math.round(pages) * BASE_PAGE_BYTES);

function headline({ processes, fraction }: Ranking): string {
  const what = processes.length === 1 ? "1 process" : `${formatCount(processes.length)} processes`;
  const pages = sum(processes.map((one) => one.pages));
  const how = fraction === 1 ? "all contents counted" : `${formatPercent(fraction)} of the contents sampled`;
  return styled("bold", `${what}: ${size(pages)}, ${how}`);
}

function processesPart({ processes }: Ranking, { minResidentPages, minSharing }: Thresholds): string {
  const shown = processes.slice(0, MOST_PROCESSES);
  const withPids = processes.some(({ pid }) => pid !== undefined);
  const withKernel = processes.some(({ ksm }) => (ksm?.ksm_merging_pages ?? 0) > 0);
  const rows = shown.map((one) => [
    one.selected ? "*" : "",
    one.name,
    ...(withPids ? [String(one.pid ?? "")] : []),
    size(one.pages),
    percent(one.selfRate),
    percent(one.interRate),
    `${percent(one.low)}-${percent(one.high)}`,
    ...(withKernel ? [one.ksm ? size(one.ksm.ksm_merging_pages ?? 0) : ""] : []),
  ]);
  const optional = (isThere: boolean, ...heads: string[]) => (isThere ? heads : []);
  const head = [
    ...["", "process", ...optional(withPids, "pid"), "resident", "self %", "inter %", "both, 95 %"],
    ...optional(withKernel, "merged"),
  ];
  const more = processes.length - shown.length;
  const rest = more > 0 ? `\n  and ${formatCount(more)} more in processes.csv` : "";
  const least = `${size(minResidentPages)} and a rate of ${percent(minSharing)} %`;
  return `Largest first (* selected: from ${least})\n${table([head, ...rows], { left: 2, key: 2 })}${rest}`;
}

function savingPart({ processes, all, group, fraction }: Ranking): string {
  const selected = processes.filter((one) => one.selected);
  const text = ({ saved, low, high }: SavedPages, pages: number) => {
    const interval = fraction === 1 ? "" : ` (${size(low)} to ${size(high)})`;
    return `${size(saved)} of ${size(pages)}${interval}`;
  };
  const total = sum(processes.map((one) => one.pages));
  const own = sum(selected.map((one) => one.pages));
  return [
    `All together would save ${text(all, total)}.`,
    selected.length === 0
      ? "None is selected: private.csv names no member."
      : `The private group of ${selected.length} would save ${text(group, own)}.`,
  ].join("\n");
}

/** What ksmd has, beside what there is to be had. */
function kernelPart({ processes, all }: Ranking, { kernel }: ProcessesOptions): string[] {
  if (!kernel) return [];
  const state = ["is stopped", "runs", "has taken all apart"][kernel.run] ?? "is in an unknown state";
  const { pages_shared = 0, pages_sharing = 0, ksm_zero_pages = 0 } = kernel;
  const saved = pages_sharing + ksm_zero_pages;
  if (saved === 0) return [`Of that ksmd, which ${state}, saves nothing.`];
  const of = (name: string) => sum(processes.map(({ ksm }) => ksm?.[name] ?? 0));
  const rows: [string, number][] = [
    ["saved on this machine (pages_sharing, ksm_zero_pages)", saved],
    ["in this many frames (pages_shared)", pages_shared],
    ["merged of these processes (ksm_stat)", of("ksm_merging_pages") + of("ksm_zero_pages")],
    ["what these processes could save", all.saved],
  ];
  const text = rows.map(([what, pages]) => [what, formatCount(Math.round(pages)), size(pages)]);
  return [`The kernel: ksmd ${state}\n${table([["", "pages", "size"], ...text])}`];
}

function summaryJson(ranking: Ranking, options: ProcessesOptions): object {
  const { processes, all, group, fraction } = ranking;
  const saving = (members: typeof processes, { saved, low, high }: SavedPages) => ({
    members: members.length,
    pages: sum(members.map((one) => one.pages)),
    saved_pages: saved,
    saved_low: low,
    saved_high: high,
  });
  return {
    ...commonFields(options),
    sample: fraction,
    min_resident_bytes: options.minResidentPages * BASE_PAGE_BYTES,
    min_sharing: options.minSharing,
    processes: processes.map((one) => ({
      member: one.member,
      pid: one.pid ?? null,
      name: one.name,
      resident_pages: one.pages,
      sampled_pages: one.sampledPages,
      self_sharing_rate: one.selfRate,
      inter_sharing_rate: one.interRate,
      rate_low: one.low,
      rate_high: one.high,
      selected: one.selected,
      fork_shared_pages: one.forkSharedPages ?? null,
      ksm: one.ksm ?? null,
    })),
    all: saving(processes, all),
    private: saving(
      processes.filter((one) => one.selected),
      group,
    ),
    kernel: options.kernel ?? null,
  };
}
