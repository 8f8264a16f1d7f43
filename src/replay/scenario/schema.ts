// A scenario: what is replayed, by which rules, until when. docs/replay.md explains the keys.

import * as v from "valibot";
import { BASE_PAGE_BYTES, isPageSize } from "../../core/hasher.js";
import { controllerSchema } from "../controllers/registry.js";
import { redistributeSchema } from "../redistributors/registry.js";
import { isOnClock, OFF_CLOCK } from "../time.js";
import { scannerSchema } from "./scanner.js";
import {
  amount,
  count,
  file,
  name,
  named,
  nanoseconds,
  period,
  positive,
  short,
  size,
  someSize,
  time,
  weight,
} from "./values.js";

export type Until = { kind: "rest" } | { kind: "passes"; passes: number } | { kind: "time"; ns: number };

const until = v.pipe(
  v.union([v.number(), v.string()], "a time, N passes or rest is expected"),
  v.transform((value): Until | undefined => {
    if (value === "rest") return { kind: "rest" };
    const passes = /^([1-9]\d*) pass(?:es)?$/.exec(String(value));
    if (passes) return { kind: "passes", passes: Number(passes[1]) };
    const ns = nanoseconds(String(value));
    return ns === undefined ? undefined : { kind: "time", ns };
  }),
  v.check((value) => value !== undefined, "a time such as 400s, N passes or rest is expected"),
  v.transform((value) => value as Until),
  v.check((value) => value.kind !== "time" || isOnClock(value.ns), `${OFF_CLOCK.what}; ${OFF_CLOCK.hint}`),
);

const speedStep = v.pipe(
  v.strictObject({ at: time, group: name, pages_to_scan: v.optional(count(0)), weight: v.optional(weight) }),
  v.check(
    (step) => step.pages_to_scan !== undefined || step.weight !== undefined,
    "pages_to_scan or weight is missing",
  ),
);
const moveStep = v.strictObject({ at: time, member: name, group: name });

/** A step that names a member moves it. */
const steps = v.array(
  v.lazy((step): typeof speedStep | typeof moveStep =>
    typeof step === "object" && step !== null && "member" in step ? moveStep : speedStep,
  ),
);

/** GRP, figure 2: reads of a file at random places, through the guest's page cache. */
const workload = v.strictObject({
  kind: v.literal("cached-random-read", "cached-random-read is expected"),
  /** Memory that holds the whole file, above base. */
  working_set: v.optional(someSize),
  base: v.optional(size, 0),
  /** In place of working_set and base: CSV memory_bytes,miss_ratio. */
  curve: v.optional(file),
  hit_us: v.optional(positive, 1),
  miss_us: v.optional(positive, 100),
  /** The run that throughput is compared with. */
  baseline: v.optional(name),
});

/** Microseconds of one CPU; byte_ns: nanoseconds for each byte of equal pages compared. Defaults: docs/replay.md. */
const cost = v.strictObject({
  visit_us: v.optional(amount, 0.39),
  skip_us: v.optional(amount, 0.28),
  checksum_us: v.optional(amount, 0.69),
  compare_us: v.optional(amount, 0.33),
  byte_ns: v.optional(amount, 0.11),
  merge_us: v.optional(amount, 1.6),
  cow_us: v.optional(amount, 1),
});

/** What the runs of a scenario have in common. */
const common = {
  sources: v.optional(v.array(v.string("a source is expected, such as vm1@0=a.parquet")), []),
  inventory: v.optional(file),
  page_size: v.optional(v.pipe(size, v.check(isPageSize, "a power of two from 1k to 2m is expected")), BASE_PAGE_BYTES),
};

export const COMMON_KEYS = Object.keys(common);

export const scenarioSchema = v.strictObject({
  ...common,
  policy: v.optional(v.string("a policy is expected, such as by:tenant"), "one-group"),
  until: v.optional(until, "rest"),
  sample: v.optional(period, 1),
  changes: v.optional(v.picklist(["at-snapshot", "spread"], "at-snapshot or spread is expected"), "at-snapshot"),
  seed: v.optional(count(0), 1),
  events: v.optional(file),
  scanner: v.optional(scannerSchema, {}),
  groups: v.optional(named(v.strictObject({ pages_to_scan: v.optional(count(0)), weight: v.optional(weight) })), {}),
  schedule: v.optional(steps, []),
  regroup: v.optional(v.strictObject({ policy: v.string("a policy is expected, such as similar:2"), every: period })),
  members: v.optional(named(v.strictObject({ memory: v.optional(size), workload: v.optional(workload) })), {}),
  host: v.optional(v.strictObject({ memory: someSize, other: v.optional(size, 0) })),
  usage: v.optional(file),
  controller: v.optional(v.pipe(short, controllerSchema)),
  redistribute: v.optional(v.pipe(short, redistributeSchema)),
  cost: v.optional(cost, {}),
});

/** Keys that may have the text X for `{kind: X}`. */
export const SHORT_KEYS = ["controller", "redistribute"];

/** Times are nanoseconds, sizes bytes. */
export type Scenario = v.InferOutput<typeof scenarioSchema>;
export type WorkloadSettings = v.InferOutput<typeof workload>;

/** What a file may have besides: several runs. */
export const variationSchema = v.object({
  vary: v.optional(
    named(v.pipe(v.array(v.unknown(), "a list of values is expected"), v.minLength(1, "a list of values is expected"))),
  ),
  runs: v.optional(
    v.pipe(
      named(named(v.unknown())),
      v.check((runs) => runs.size > 0, "a run is expected, such as {fast: {scanner: {pages_to_scan: 1000}}}"),
    ),
  ),
});
