// Every setting moves some result, and left out it is its stated default: the kernel's, or docs/replay.md's.

import { beforeAll, describe, expect, test } from "vitest";
import { makeFolder, removeFolder } from "../support/folder.js";
import { randomNumbers } from "../support/random.js";
import { expectRefused } from "../support/refused.js";
import {
  type Event,
  replay,
  type Scenario,
  type Snapshot,
  writeEvents,
  writeLabels,
  writeScenario,
  writeSnapshots,
} from "../support/scenario.js";
import type { Row } from "../support/table.js";

const MEMBERS = ["a", "b", "c", "d"];
const PAGES = 150;

/** Few contents and many, zero pages among them, that change at times and for good. */
function makeWorld(): { snapshots: Snapshot[]; events: Event[] } {
  const random = randomNumbers(7);
  const content = () => (random(3) === 0 ? random(4) : random(150));
  const snapshots = MEMBERS.flatMap((member) => {
    const first = Array.from({ length: PAGES }, content);
    const later = first.map((old) => (random(3) === 0 ? content() : old));
    return [
      { member, timeS: 0, pages: first },
      { member, timeS: 3, pages: later },
    ];
  });
  const events = Array.from({ length: 400 }, (_, i): Event => {
    const event = { timeS: i / 100, member: MEMBERS[random(4)], page: random(PAGES) };
    return { ...event, event: "write", content: content() };
  });
  return { snapshots, events };
}

interface Setting {
  /** Where it stands; the scenario has what is in `within` besides. */
  path: string[];
  default: unknown;
  others: unknown[];
  within?: Scenario;
}

const scanner = (key: string, usual: unknown, others: unknown[], within: Scenario = {}): Setting => ({
  ...{ path: ["scanner", key], default: usual, others, within },
});
const price = (key: string, usual: number): Setting => ({
  path: ["cost", key],
  default: usual,
  others: [2 * usual, 0],
});

const SHORT_FRAMES = { scanner: { max_page_sharing: 3 } };
const ADVISED = { scanner: { advisor_mode: "scan-time", advisor_target_scan_time: 1 }, cost: { visit_us: 2000 } };
const BY_ONE = { policy: "by:tenant", scanner: { threads: "one", pages_to_scan: 20 } };
const WORKING = {
  redistribute: "equal",
  members: { a: { workload: { kind: "cached-random-read", working_set: "1m" } } },
};
const workload = (key: string, usual: unknown, other: unknown): Setting => ({
  ...{ path: ["members", "a", "workload", key], default: usual, others: [other], within: WORKING },
});

const SETTINGS: Setting[] = [
  scanner("rules", "linux-6.11", ["linux-6.1", "linux-3.6", "off"]),
  scanner("threads", "per-group", ["one"], { policy: "by:tenant", groups: { t: { weight: 3 } } }),
  scanner("cpu", "free", ["modelled"], { cost: { visit_us: 100 } }),
  scanner("run", 1, [0, 2]),
  scanner("pages_to_scan", 100, [99, 0]),
  scanner("sleep_millisecs", 20, [21, 1]),
  scanner("merge_across_nodes", 1, []),
  scanner("max_page_sharing", 256, [2]),
  scanner("use_zero_pages", 0, [1]),
  scanner("smart_scan", 1, [0]),
  // Before 6.7 there is no smart_scan.
  scanner("smart_scan", false, [true], { scanner: { rules: "linux-6.1" } }),
  scanner("stable_node_chains_prune_millisecs", 2000, [0], SHORT_FRAMES),
  scanner("advisor_mode", "none", ["scan-time"]),
  scanner("advisor_max_cpu", 70, [20], ADVISED),
  scanner("advisor_min_pages_to_scan", 500, [50], ADVISED),
  scanner("advisor_max_pages_to_scan", 30000, [100], ADVISED),
  scanner("advisor_target_scan_time", 200, [1], { scanner: { advisor_mode: "scan-time" } }),
  price("visit_us", 0.39),
  price("skip_us", 0.28),
  price("checksum_us", 0.69),
  price("compare_us", 0.33),
  price("byte_ns", 0.11),
  price("merge_us", 1.6),
  price("cow_us", 1),
  { path: ["policy"], default: "one-group", others: ["by:tenant", "per-member"] },
  { path: ["until"], default: "rest", others: ["8 passes", "4.5s"] },
  { path: ["sample"], default: "1s", others: ["2s"] },
  { path: ["changes"], default: "at-snapshot", others: ["spread"] },
  { path: ["seed"], default: 1, others: [2, 0], within: { changes: "spread" } },
  { path: ["groups"], default: {}, others: [{ t: { pages_to_scan: 50 } }], within: { policy: "by:tenant" } },
  { path: ["groups", "t", "weight"], default: 1, others: [2, 0, 0.5], within: BY_ONE },
  { path: ["schedule"], default: [], others: [[{ at: "1s", group: "all", pages_to_scan: 10 }]] },
  { path: ["members"], default: {}, others: [{ a: { memory: "1m" } }], within: { redistribute: "equal" } },
  { path: ["host", "other"], default: 0, others: ["1m"], within: { host: { memory: "8m" } } },
  { path: ["redistribute"], default: { kind: "none", every: "1s" }, others: ["equal"], within: withoutKey(WORKING) },
  { path: ["redistribute", "every"], default: "1s", others: ["2s"], within: { redistribute: { kind: "equal" } } },
  workload("base", 0, "16k"),
  workload("hit_us", 1, 2),
  workload("miss_us", 100, 50),
];

function withoutKey({ members }: Scenario): Scenario {
  return { members };
}

/** A scenario with another value at a path; text such as `equal` is short for a kind. */
function withValue(scenario: Scenario, [key, ...rest]: readonly string[], value: unknown): Scenario {
  if (rest.length === 0) return { ...scenario, [key]: value };
  return { ...scenario, [key]: withValue((scenario[key] ?? {}) as Scenario, rest, value) };
}

const titled = SETTINGS.map((setting, i) => ({ ...setting, title: setting.path.join("."), number: i }));

describe("settings", () => {
  let folder: string;
  let tables: Record<string, Row[]>;
  let keys: Scenario;

  beforeAll(async () => {
    folder = makeFolder();
    const { snapshots, events } = makeWorld();
    writeEvents(folder, events);
    const inventory = writeLabels(folder, "tenant", { a: "t", b: "t", c: "u", d: "u" });
    keys = { sources: writeSnapshots(folder, snapshots), inventory, events: "events.csv" };
    const runs = SETTINGS.flatMap(({ path, default: usual, others, within = {} }, i) => [
      [`${i}`, within],
      [`${i} default`, withValue(within, path, usual)],
      ...others.map((other, o) => [`${i} ${o}`, withValue(within, path, other)]),
    ]);
    tables = await replay(folder, { ...keys, runs: Object.fromEntries(runs) });
    return () => removeFolder(folder);
  });

  /** All rows of a run, without its name, and what stands beside another run. */
  function resultsOf(run: string): unknown {
    const beside = new Set(["run", "reference", "isolation_cost_pages", "lost_page_seconds"]);
    const own = Object.entries(tables).map(([file, rows]) => [
      file,
      rows
        .filter((row) => row.run === run)
        .map((row) => Object.entries(row).filter(([column]) => !beside.has(column) && !column.startsWith("setting:"))),
    ]);
    return Object.fromEntries(own);
  }

  test.for(titled)("$title is $default if left out", ({ number }) => {
    expect(tables["runs.csv"].some(({ run }) => run === `${number}`)).toBe(true);
    expect(resultsOf(`${number} default`)).toEqual(resultsOf(`${number}`));
  });

  test.for(titled.flatMap(({ others, ...one }) => others.map((other, o) => ({ ...one, other, o }))))(
    "$title: $other changes something",
    ({ number, o }) => {
      expect(resultsOf(`${number} ${o}`)).not.toEqual(resultsOf(`${number}`));
    },
  );

  test("with all defaults written out every byte is the same", async () => {
    const all = SETTINGS.filter(({ within = {} }) => Object.keys(within).length === 0);
    const written = all.reduce((scenario, { path, default: usual }) => withValue(scenario, path, usual), keys);
    const short = await replay(folder, keys, "short");
    expect(await replay(folder, { ...written, page_size: "4k" }, "written")).toEqual(short);
  });

  test.for([2 ** 32, 2 ** 53 - 1])("a batch of %s pages is a whole pass", async (pages) => {
    const whole = await replay(folder, { ...keys, scanner: { pages_to_scan: 10 * MEMBERS.length * PAGES } }, "whole");
    expect(await replay(folder, { ...keys, scanner: { pages_to_scan: pages } }, `many-${pages}`)).toEqual(whole);
  });

  test("NUMA nodes are not replayed", async () => {
    writeScenario(folder, { ...keys, scanner: { merge_across_nodes: 0 } }, "nodes");
    await expectRefused(folder, ["replay", "nodes.yaml"], ["nodes.yaml", "merge_across_nodes", "1 is expected"]);
  });
});
