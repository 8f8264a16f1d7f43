// What `replay` prints: what was saved over time, and the final counters of each group in the kernel's words.

import { outcomeOf } from "../replay/outcome.js";
import type { PlannedRun } from "../replay/reference.js";
import { type GroupSample, reclaimedOf, sumOf } from "../replay/sample.js";
import { lastOf, type Samples, savedAt } from "../replay/samples.js";
import { NANOSECONDS } from "../replay/time.js";
import type { RunResult } from "../scenarios/perform.js";
import type { FinishedRuns } from "../scenarios/scenario-runs.js";
import { rate } from "../sharing/rates.js";
import { formatBytes, formatCount, formatNumber, formatPercent, rounded } from "../text/format.js";
import { ALL_MEMBERS } from "../worlds/world.js";
import { commonFields, placePart, type SummaryOptions, sourcesPart } from "./read-sources.js";
import { counterFields } from "./replay-tables.js";
import { isolationCostOf, runFields } from "./runs-table.js";
import { isUnicode, lineWidth, plural, print, printJson, styled } from "./terminal.js";
import { table, tableWidth } from "./text-table.js";

const LEVELS = { unicode: " ▁▂▃▄▅▆▇█", ascii: " .:-=+*#@" };
/** Columns of a curve of one run; of several, each has a line in the table. */
const MOST_CURVE = 100;
const LEAST_CURVE = 10;

interface ReplaySummaryOptions extends SummaryOptions {
  /** Of the runs alone, without reading. */
  runSeconds: number;
}

export function printReplay(finished: FinishedRuns, options: ReplaySummaryOptions): Promise<void> {
  const { runs, results } = finished;
  if (options.json) return printJson(jsonOf(finished, options));
  const body = runs.length === 1 ? ofOneRun(finished) : ofRuns(finished);
  const [{ scenario }] = runs;
  const members = plural(finished.members.length, "member");
  const head =
    runs.length === 1
      ? `${scenario.scanner.rules}, policy ${scenario.policy}, ${members}, ${endOf(results[0].samples)}`
      : `${formatCount(runs.length)} runs, ${members}`;
  return print([styled("bold", head), ...sourcesPart(options), ...body, placePart(options)].join("\n\n"));
}

const endOf = (samples: Samples) => `${formatNumber(lastOf(samples).ns / NANOSECONDS)} s`;

function mostSaved(samples: Samples): number {
  let most = 0;
  for (let i = 0; i < samples.count; i++) most = Math.max(most, savedAt(samples, i));
  return most;
}

function jsonOf(finished: FinishedRuns, options: ReplaySummaryOptions): object {
  const { runs, results, members } = finished;
  return {
    ...commonFields(options),
    run_duration_s: rounded(options.runSeconds, 3),
    members: members.length,
    runs: runs.map(({ scenario }, run) => {
      const { samples, groups } = results[run];
      const cost = isolationCostOf(finished, run);
      return {
        ...runFields(finished, run),
        rules: scenario.scanner.rules,
        page_bytes: scenario.page_size,
        most_saved_pages: mostSaved(samples),
        lost_rate: cost ? rate(cost.pageSeconds, cost.referencePageSeconds) : null,
        curve: curveOf(samples),
        groups,
        last: lastOf(samples).groups.map(counterFields),
      };
    }),
  };
}

/** What the terminal draws: saved pages at times along a run. */
function curveOf(samples: Samples): { time_s: number; saved_pages: number }[] {
  return sampled(samples, Math.min(MOST_CURVE, samples.count)).map((at) => ({
    time_s: samples.ns[at] / NANOSECONDS,
    saved_pages: savedAt(samples, at),
  }));
}

/** Numbers of so many samples, from the first to the last. */
function sampled({ count }: Samples, points: number): number[] {
  return Array.from({ length: points }, (_, i) =>
    points === 1 ? count - 1 : Math.round((i * (count - 1)) / (points - 1)),
  );
}

function ofOneRun(finished: FinishedRuns): string[] {
  const { runs, results } = finished;
  const { scenario } = runs[0];
  const { samples, groups } = results[0];
  const most = mostSaved(samples);
  const width = Math.min(MOST_CURVE, lineWidth() - 4, samples.count);
  const end = endOf(samples);
  const axis = end.length + 2 <= width ? `0${end.padStart(width - 1)}` : `0 to ${end}`;
  const chart = `Memory saved over time (peak ${formatBytes(most * scenario.page_size)})\n  ${blocks(samples, most, width)}\n  ${axis}`;
  return [chart, `At the end\n${countersTable(results[0], groups, scenario.page_size)}`, ...isolationText(finished)];
}

/** Saved memory along a run, as a line of blocks, or of other characters where the locale has none. */
function blocks(samples: Samples, most: number, width: number): string {
  const levels = isUnicode() ? LEVELS.unicode : LEVELS.ascii;
  return sampled(samples, width)
    .map((at) => levels[most === 0 ? 0 : Math.round((savedAt(samples, at) / most) * (levels.length - 1))])
    .join("");
}

function countersTable({ samples }: RunResult, groups: readonly string[], pageBytes: number): string {
  const last = lastOf(samples);
  const rows = last.groups.map((one, i): [string, GroupSample] => [groups[i], one]);
  if (groups.length > 1) rows.push([ALL_MEMBERS, sumOf(last.groups)]);
  const cells = rows.map(([name, one]) => [
    name,
    formatBytes(reclaimedOf(one) * pageBytes),
    formatCount(one.pagesShared),
    formatCount(one.pagesSharing),
    formatCount(one.pagesUnshared),
    formatCount(one.pagesVolatile),
    formatCount(one.zeroPages),
    formatCount(one.fullScans),
    formatCount(one.pagesScanned),
    formatNumber(Number(one.cpuSeconds.toFixed(2))),
  ]);
  const head = ["group", "saved", "shared", "sharing", "unshared", "volatile", "zero", "passes", "scanned", "cpu s"];
  return table([head, ...cells]);
}

/** What a single run lost by its groups. */
function isolationText(finished: FinishedRuns): string[] {
  const cost = isolationCostOf(finished, 0);
  if (!cost || finished.references[0] === 0) return [];
  const [{ scenario }] = finished.runs;
  const part = cost.referencePageSeconds > 0 ? cost.pageSeconds / cost.referencePageSeconds : 0;
  const bytes = formatBytes(Math.abs(cost.pages) * scenario.page_size);
  return [
    `Isolation: ${bytes} ${cost.pages < 0 ? "more" : "less"} saved at the end than by one group, and ${formatPercent(part)} of what it saves over time`,
  ];
}

function ofRuns(finished: FinishedRuns): string[] {
  const { runs, results } = finished;
  const most = results.slice(0, runs.length).reduce((top, { samples }) => Math.max(top, mostSaved(samples)), 0);
  const keys = settingKeys(runs);
  const rows = runs.map(({ name, scenario, settings }, run) => {
    const outcome = outcomeOf(results[run].samples);
    const cost = isolationCostOf(finished, run);
    const isReference = finished.references[run] === run;
    return [
      ...(keys ? keys.map((key) => settings.get(key) ?? "") : [name]),
      formatBytes(outcome.savedPages * scenario.page_size),
      outcome.secondsToMost === undefined ? "" : `${formatNumber(outcome.secondsToMost)} s`,
      formatNumber(Number(outcome.cpuSeconds.toFixed(2))),
      isReference || !cost ? "" : lostText(cost.pageSeconds, cost.referencePageSeconds),
      formatCount(results[run].exposure.contents),
    ];
  });
  const names = keys?.map((key) => key.split(".").pop() ?? key) ?? ["run"];
  const head = [...names, "saved at end", "90 % at", "cpu s", "lost", "exposed"];
  const numbers = [head, ...rows];
  const width = Math.max(LEAST_CURVE, Math.min(MOST_CURVE, lineWidth() - tableWidth(numbers) - 2));
  const curveOf = (row: number) =>
    row === 0 ? "over time".padEnd(width) : blocks(results[row - 1].samples, most, width);
  return [
    table(
      numbers.map((row, i) => [...row.slice(0, names.length), curveOf(i), ...row.slice(names.length)]),
      { left: names.length, optional: [names.length + 3] },
    ),
    styled("dim", "lost: part of what one group saves over time; exposed: unique pages shared across tenants"),
  ];
}

/** What is varied, if that tells runs apart in a few words. */
function settingKeys(runs: readonly PlannedRun[]): string[] | undefined {
  const keys = [...runs[0].settings.keys()];
  const isShort = keys.length <= 3 && runs.every(({ name, settings }) => name === nameOf(settings, keys));
  return isShort ? keys : undefined;
}

/** The name of a run under vary. */
const nameOf = (settings: PlannedRun["settings"], keys: readonly string[]) =>
  keys.map((key) => `${key}=${settings.get(key)}`).join(",");

const lostText = (lost: number, reference: number) => (reference > 0 ? formatPercent(lost / reference) : "");
