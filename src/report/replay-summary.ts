// What `replay` prints: what was saved over time, and the final counters of each group in the kernel's words.

import { type GroupSample, type Sample, sumOf } from "../replay/run.js";
import { NANOSECONDS, type Scenario } from "../replay/scenario.js";
import { formatBytes, formatCount, formatNumber } from "./format.js";
import { print, type SummaryOptions, styled, table } from "./terminal.js";

const CHART_WIDTH = 60;
const LEVELS = " ▁▂▃▄▅▆▇█";

export function printReplay(
  samples: readonly Sample[],
  groups: readonly string[],
  scenario: Scenario,
  { folder, files, seconds, json }: SummaryOptions,
): Promise<void> {
  const last = samples[samples.length - 1];
  if (json)
    return print(JSON.stringify({ folder, files, seconds, time_s: last.ns / NANOSECONDS, groups, last }, null, 2));
  const rows = [...last.groups.map((one, i): [string, GroupSample] => [groups[i], one])];
  if (groups.length > 1) rows.push(["*", sumOf(last.groups)]);
  const cells = rows.map(([name, one]) => [
    name,
    formatBytes((one.pagesSharing + one.zeroPages) * scenario.page_size),
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
  return print(
    [
      styled("bold", `${scenario.scanner.rules}, policy ${scenario.policy}, ${formatNumber(last.ns / NANOSECONDS)} s`),
      chart(samples, scenario.page_size),
      `At the end\n${table([head, ...cells])}`,
      `In ${folder}:\n  ${files.filter((file) => !file.endsWith(".json")).join(" ")}`,
    ].join("\n\n"),
  );
}

/** Saved memory along the run, as a line of blocks. */
function chart(samples: readonly Sample[], pageBytes: number): string {
  const saved = samples.map(({ groups }) => {
    const { pagesSharing, zeroPages } = sumOf(groups);
    return pagesSharing + zeroPages;
  });
  const most = saved.reduce((a, b) => Math.max(a, b), 0);
  const width = Math.min(CHART_WIDTH, saved.length);
  const blocks = Array.from({ length: width }, (_, column) => {
    const at = width === 1 ? saved.length - 1 : Math.round((column * (saved.length - 1)) / (width - 1));
    return LEVELS[most === 0 ? 0 : Math.round((saved[at] / most) * (LEVELS.length - 1))];
  });
  const end = formatNumber(samples[samples.length - 1].ns / NANOSECONDS);
  return `Saved over time, at most ${formatBytes(most * pageBytes)}\n  ${blocks.join("")}\n  0${end.padStart(width - 1)} s`;
}
