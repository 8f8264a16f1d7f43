// What `fingerprint` prints.

import type { TraceFile } from "../fingerprints/write-traces.js";
import { formatBytes, formatCount } from "../text/format.js";
import type { Snapshot } from "../worlds/world.js";
import { commonFields, type SummaryOptions, sourcesPart } from "./read-sources.js";
import { plural, print, printJson, styled } from "./terminal.js";
import { table } from "./text-table.js";

export interface WrittenTrace extends TraceFile {
  snapshot: Snapshot;
  fileName: string;
}

interface TracesOptions extends SummaryOptions {
  pageSizes: readonly number[];
}

export function printTraces(traces: readonly WrittenTrace[], options: TracesOptions): Promise<void> {
  const { pageSizes, folder, seconds, json } = options;
  const rows = traces.reduce((sum, { pages }) => sum + pages.reduce((a, b) => a + b, 0), 0);
  if (json) {
    const list = traces.map(({ snapshot, fileName, pages, zeroPages }) => ({
      file: fileName,
      member: snapshot.member,
      time_s: snapshot.timeS,
      pages,
      zero_pages: zeroPages,
    }));
    return printJson({
      ...commonFields(options),
      page_sizes: pageSizes,
      rows,
      traces: list,
    });
  }
  const body = table([
    ["trace", ...pageSizes.map((bytes) => `pages of ${formatBytes(bytes)}`)],
    ...traces.map(({ fileName, pages }) => [fileName, ...pages.map(formatCount)]),
  ]);
  const head = styled("bold", `${plural(traces.length, "trace")}, ${plural(rows, "row")} in ${seconds.toFixed(2)} s`);
  return print([head, ...sourcesPart(options), body, `In ${folder}`].join("\n\n"));
}
