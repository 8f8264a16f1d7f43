// The samples of a run in columns: objects would take ten times the memory, and most of the time.

import { type GroupSample, reclaimedOf, type Sample } from "./sample.js";

/** Can be sent to another thread as it is. */
export interface Samples {
  count: number;
  /** By sample. */
  ns: Float64Array;
  /** By sample, NaN where the scenario has no host. */
  usedBytes: Float64Array;
  /** By sample: its first group's number among all; and at the end their number. */
  starts: Uint32Array;
  /** By group, the numbers of FIELDS. */
  values: Float64Array;
}

const FIELDS = [
  "pagesScanned",
  "fullScans",
  "pagesShared",
  "pagesSharing",
  "pagesUnshared",
  "pagesSkipped",
  "zeroPages",
  "stableNodeChains",
  "stableNodeDups",
  "items",
  "cowBreaks",
  "checksums",
  "compares",
  "merges",
  "equals",
  "savedFrames",
  "pagesVolatile",
  "generalProfit",
  "cpuSeconds",
  "metadataBytes",
] as const satisfies readonly (keyof GroupSample)[];
const SHARING = FIELDS.indexOf("pagesSharing");
const ZEROS = FIELDS.indexOf("zeroPages");

export class SampleList {
  private count = 0;
  private groups = 0;
  private ns = new Float64Array(64);
  private usedBytes = new Float64Array(64);
  private starts = new Uint32Array(65);
  private values = new Float64Array(64 * FIELDS.length);

  add({ ns, groups, usedBytes }: Sample): void {
    if (this.count === this.ns.length) {
      this.ns = grown(this.ns, new Float64Array(2 * this.count));
      this.usedBytes = grown(this.usedBytes, new Float64Array(2 * this.count));
      this.starts = grown(this.starts, new Uint32Array(2 * this.count + 1));
    }
    const needed = (this.groups + groups.length) * FIELDS.length;
    if (needed > this.values.length) {
      this.values = grown(this.values, new Float64Array(Math.max(2 * this.values.length, needed)));
    }
    let at = this.groups * FIELDS.length;
    for (const group of groups) for (const field of FIELDS) this.values[at++] = group[field];
    this.ns[this.count] = ns;
    this.usedBytes[this.count++] = usedBytes ?? Number.NaN;
    this.groups += groups.length;
    this.starts[this.count] = this.groups;
  }

  /** All of them. */
  finish(): Samples {
    const { count, groups } = this;
    return {
      count,
      ns: this.ns.slice(0, count),
      usedBytes: this.usedBytes.slice(0, count),
      starts: this.starts.slice(0, count + 1),
      values: this.values.slice(0, groups * FIELDS.length),
    };
  }
}

function grown<T extends Float64Array | Uint32Array>(old: T, more: T): T {
  more.set(old);
  return more;
}

function sampleAt({ ns, usedBytes, starts, values }: Samples, number: number): Sample {
  const groups: GroupSample[] = [];
  for (let group = starts[number]; group < starts[number + 1]; group++) {
    const one = {} as GroupSample;
    for (let i = 0; i < FIELDS.length; i++) one[FIELDS[i]] = values[group * FIELDS.length + i];
    groups.push(one);
  }
  const used = usedBytes[number];
  return { ns: ns[number], groups, usedBytes: Number.isNaN(used) ? undefined : used };
}

export const lastOf = (samples: Samples): Sample => sampleAt(samples, samples.count - 1);

export function* eachSample(samples: Samples): Generator<Sample> {
  for (let number = 0; number < samples.count; number++) yield sampleAt(samples, number);
}

/** Pages that the counters of all groups call saved. */
export function savedAt({ starts, values }: Samples, number: number): number {
  let saved = 0;
  for (let group = starts[number]; group < starts[number + 1]; group++) {
    const at = group * FIELDS.length;
    saved += reclaimedOf({ pagesSharing: values[at + SHARING], zeroPages: values[at + ZEROS] });
  }
  return saved;
}
