// One run of a scenario: the same code on the main thread and on workers.

import { tenantsOf } from "../policies/comparison.js";
import { type Policy, type PolicyContext, TENANT_LABEL } from "../policies/policy.js";
import { parsePolicies } from "../policies/registry.js";
import { spectrumOf } from "../replay/contents-now.js";
import { groupingPolicy } from "../replay/first-groups.js";
import type { RunningMachine } from "../replay/machine.js";
import type { ReplayEvent, ReplayMember } from "../replay/members.js";
import { prepare, type RunInput } from "../replay/plan.js";
import { type Course, run } from "../replay/run.js";
import { NANOSECONDS } from "../replay/time.js";
import type { UsageRow } from "../replay/usage-file.js";
import { groupBy } from "../sharing/grouping.js";
import { type Score, score } from "../sharing/isolation.js";
import { viewOf } from "../sharing/view.js";
import { breathe } from "../system/pace.js";

type Rows = Record<string, string>[];
type ReadRows = PolicyContext["readRows"];

/** What all runs have in common; typed arrays of members are in shared memory where there are several threads. */
export interface RunsShared {
  module: WebAssembly.Module;
  members: readonly ReplayMember[];
  labelNames: readonly string[];
  /** The rows of the files that policies name, by `tableKey`. */
  tables: ReadonlyMap<string, Rows>;
  /** By the names that scenarios have for their files. */
  events: ReadonlyMap<string, readonly ReplayEvent[]>;
  usage: ReadonlyMap<string, readonly UsageRow[]>;
  /** By run: virtual nanoseconds so far (f64). */
  clocks: SharedArrayBuffer;
  /** Rows that each run may come to. */
  mostRows: number;
}

/** What a run is made from; its policy for regrouping is made where it runs. */
export type RunJob = Pick<RunInput, "scenario" | "grouping"> & { number: number };

export interface RunResult extends Course {
  /** What tenants of one group hold in common at the end. */
  exposure: Score["exposure"];
}

export async function performRun(shared: RunsShared, { number, scenario, grouping }: RunJob): Promise<RunResult> {
  const { regroup } = scenario;
  const policy = regroup && groupingPolicy(await parsePolicy(regroup.policy, shared.labelNames, readFrom(shared)));
  const { members, module, mostRows } = shared;
  const events = shared.events.get(scenario.events ?? "") ?? [];
  const usage = shared.usage.get(scenario.usage ?? "");
  const input = { scenario, grouping, members, events, usage, policy, mostRows };
  const { machine, plan } = await prepare(input, module, breathe);
  const clocks = new Float64Array(shared.clocks);
  const course = await run(machine, plan, breathe, (ns) => {
    clocks[number] = ns;
  });
  return { ...course, exposure: await exposureOf(machine, shared.labelNames) };
}

export const tableKey = (name: string, columns: readonly string[]): string => JSON.stringify([name, columns]);

/** The rows that the main thread has read. */
function readFrom({ tables }: RunsShared): ReadRows {
  return async (name, columns) => {
    const rows = tables.get(tableKey(name, columns));
    if (!rows) throw new Error(`${name} was not read before the runs began`);
    return rows;
  };
}

/** A policy from its text. */
export async function parsePolicy(text: string, labelNames: readonly string[], readRows: ReadRows): Promise<Policy> {
  const [policy] = await parsePolicies([text], {
    labelNames,
    tenantLabel: labelNames.includes(TENANT_LABEL) ? TENANT_LABEL : undefined,
    limits: { together: [], apart: [], maxGroup: Infinity },
    readRows,
  });
  return policy;
}

async function exposureOf(
  { scanned, pageBytes, ns }: RunningMachine,
  labelNames: readonly string[],
): Promise<Score["exposure"]> {
  const now = await scanned.contentsNow(breathe);
  const view = viewOf(await spectrumOf(now, pageBytes, ns / NANOSECONDS, breathe), "counted");
  const grouping = groupBy(now.map(({ member }) => String(scanned.groupOf(member))));
  return score(view, grouping, tenantsOf(view, labelNames.includes(TENANT_LABEL) ? TENANT_LABEL : undefined)).exposure;
}
