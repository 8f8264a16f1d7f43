// What memory does to a workload: a member that reads a file at random places through its page cache (GRP, figure 2).

import { PagekinError, quoted } from "../errors.js";
import type { Pause } from "../system/pace.js";
import { mapInTurns } from "../system/turns.js";
import { lineOf } from "../text/read-csv.js";
import type { Shareout } from "./course.js";
import type { WorkloadSettings } from "./scenario/schema.js";
import { memoryIn } from "./shareout.js";

/** Columns of a curve, none of which may be empty. */
export const CURVE_COLUMNS = ["memory_bytes", "miss_ratio"] as const;

/** Points of a miss-ratio curve, by memory. */
export type Curve = readonly { memoryBytes: number; missRatio: number }[];

export async function parseCurve(rows: readonly Record<string, string>[], file: string, pause: Pause): Promise<Curve> {
  const parse = (row: Readonly<Record<string, string>>) => {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: lineOf(row), hint });
    const [memoryBytes, missRatio] = CURVE_COLUMNS.map((column) => Number(row[column]));
    if (!(memoryBytes >= 0 && memoryBytes < Infinity))
      throw fail(`memory_bytes is "${quoted(row.memory_bytes)}"`, "give bytes");
    if (!(missRatio >= 0 && missRatio <= 1))
      throw fail(`miss_ratio is "${quoted(row.miss_ratio)}"`, "give a part from 0 to 1");
    return { memoryBytes, missRatio };
  };
  const points = await mapInTurns(rows, parse, pause);
  const seen = new Set<number>();
  const isKnown = await mapInTurns(points, ({ memoryBytes }) => seen.size === seen.add(memoryBytes).size, pause);
  const twice = isKnown.indexOf(true);
  if (twice >= 0) {
    const what = `memory_bytes ${points[twice].memoryBytes} appears twice`;
    throw new PagekinError(what, { file, line: lineOf(rows[twice]), hint: "give each point of the curve once" });
  }
  return points.sort((a, b) => a.memoryBytes - b.memoryBytes);
}

export interface Throughput {
  ns: number;
  memoryBytes: number;
  hitRatio: number;
  /** Reads a second. */
  perSecond: number;
}

export function throughputAt(memoryBytes: number, ns: number, settings: WorkloadSettings, curve?: Curve): Throughput {
  const { base, working_set: workingSet = 1, hit_us: hitUs, miss_us: missUs } = settings;
  const hitRatio = curve
    ? 1 - missRatioAt(curve, memoryBytes)
    : Math.min(1, Math.max(0, (memoryBytes - base) / workingSet));
  return { ns, memoryBytes, hitRatio, perSecond: 1e6 / (hitRatio * hitUs + (1 - hitRatio) * missUs) };
}

/** A member's throughput at each time at which memory is given out. */
export function throughputsOf(
  member: number,
  shareouts: readonly Shareout[],
  settings: WorkloadSettings,
  curve?: Curve,
): Throughput[] {
  return shareouts.flatMap((shareout) => {
    const own = memoryIn(shareout, member);
    const { ns } = shareout;
    return own ? [throughputAt(own.memoryBytes, ns, settings, curve)] : [];
  });
}

/** Straight between points, level outside of them. */
function missRatioAt(curve: Curve, memoryBytes: number): number {
  let after = 0;
  for (let end = curve.length; after < end; ) {
    const middle = (after + end) >> 1;
    if (curve[middle].memoryBytes < memoryBytes) after = middle + 1;
    else end = middle;
  }
  if (after === curve.length) return curve[after - 1].missRatio;
  if (after === 0) return curve[0].missRatio;
  const [a, b] = [curve[after - 1], curve[after]];
  const part = (memoryBytes - a.memoryBytes) / (b.memoryBytes - a.memoryBytes);
  return a.missRatio + part * (b.missRatio - a.missRatio);
}

/** A throughput beside the baseline's; undefined: the member is not in that run while this one has it. */
export interface Normalized extends Throughput {
  /** Part of the baseline's throughput at the same time. */
  normalized: number | undefined;
  /** Mean throughput until now as a part of the baseline's mean. */
  mean: number | undefined;
}

/** baseline: at each of the times, reads a second. */
export function normalize(own: readonly Throughput[], baseline: readonly (number | undefined)[]): Normalized[] {
  let sum = 0;
  let sumOfBaseline = 0;
  return own.map((one, i) => {
    const other = baseline[i];
    if (other === undefined) return { ...one, normalized: undefined, mean: undefined };
    sum += one.perSecond;
    sumOfBaseline += other;
    return { ...one, normalized: one.perSecond / other, mean: sum / sumOfBaseline };
  });
}
