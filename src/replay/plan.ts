// A scenario, its members and groups → everything that a run needs, by number.

import type { ScannerRules } from "../core/scanner.js";
import type { GroupingPolicy } from "../policies/policy.js";
import type { Grouping } from "../sharing/grouping.js";
import type { Pause } from "../system/pace.js";
import { changesOf } from "./changes.js";
import { groupNames } from "./check-scenario.js";
import { makeController } from "./controllers/registry.js";
import { RunningMachine } from "./machine.js";
import type { ReplayEvent, ReplayMember } from "./members.js";
import type { RunPlan, Step } from "./run.js";
import { ScannedGroups } from "./scanned-groups.js";
import { ScannedMembers } from "./scanned-members.js";
import type { Scenario } from "./scenario/schema.js";
import type { UsageRow } from "./usage-file.js";

/** A run's scenario, and what its files hold. Checked before: check-scenario.ts. */
export interface RunInput {
  scenario: Scenario;
  members: readonly ReplayMember[];
  events: readonly ReplayEvent[];
  usage: readonly UsageRow[] | undefined;
  /** Of the members. */
  grouping: Grouping;
  /** Of regroup. */
  policy: GroupingPolicy | undefined;
  /** Rows that it may come to. */
  mostRows: number;
}

export async function prepare(
  input: RunInput,
  module: WebAssembly.Module,
  pause: Pause,
): Promise<{ machine: RunningMachine; plan: RunPlan }> {
  const { scenario, members, events, grouping, policy, mostRows } = input;
  const groups = new ScannedGroups(scenario, groupNames(scenario, grouping.groups));
  // A regrouping may make groups with names of their own, or numbered ones.
  const mostGroups = groups.names.length + (scenario.regroup ? 2 * members.length : 0);
  const rules = rulesOf(scenario);
  const scanned = new ScannedMembers(module, members, grouping.of, mostGroups, rules, scenario.scanner.rules === "off");
  return {
    machine: new RunningMachine(scanned, groups, scenario, input.usage),
    plan: {
      scenario,
      changes: await changesOf(members, events, scenario.changes === "spread", randomNumbers(scenario.seed), pause),
      steps: stepsOf(scenario, members, groups),
      controller: makeController(scenario),
      policy,
      mostRows,
    },
  };
}

/** The schedule in the order of time. */
function stepsOf({ schedule }: Scenario, members: readonly ReplayMember[], groups: ScannedGroups): Step[] {
  const numbers = new Map(members.map(({ name }, number) => [name, number]));
  const steps = schedule.map((step): Step => {
    const group = groups.number(step.group);
    if (!("member" in step)) return { ns: step.at, group, pagesToScan: step.pages_to_scan, weight: step.weight };
    return { ns: step.at, member: numbers.get(step.member) ?? 0, group };
  });
  return steps.sort((a, b) => a.ns - b.ns);
}

/** The kernel's defaults depend on its version. */
function rulesOf({ scanner }: Scenario): ScannerRules {
  const { rules } = scanner;
  const ancient = rules === "linux-2.6.36" || rules === "linux-3.6";
  const modern = rules === "linux-6.11";
  return {
    checksumFirst: modern,
    ancient,
    maxPageSharing: scanner.max_page_sharing ?? (ancient ? 2 ** 31 - 1 : 256),
    useZeroPages: scanner.use_zero_pages ?? false,
    smartScan: scanner.smart_scan ?? modern,
    chainsPruneMillisecs: scanner.stable_node_chains_prune_millisecs,
  };
}

/** Numbers from 0 to 1 that depend on the seed alone: a xorshift generator of 32 bits (Marsaglia, 2003). */
function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
