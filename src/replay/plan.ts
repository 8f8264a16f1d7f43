// A scenario, its members and groups → everything that a run needs, by number.

import type { ScannerRules } from "../core/scanner.js";
import { PagekinError } from "../errors.js";
import type { Grouping } from "../sharing/grouping.js";
import { changesOf, type Member, type ReplayEvent } from "./members.js";
import type { GroupRate, Plan, Step } from "./run.js";
import type { Scenario } from "./scenario.js";
import { World } from "./world.js";

export interface Prepared {
  plan: Plan;
  world: World;
  /** Names of the groups, those of the schedule last. */
  groups: string[];
}

export function prepare(
  scenario: Scenario,
  members: readonly Member[],
  events: readonly ReplayEvent[],
  grouping: Grouping,
  module: WebAssembly.Module,
): Prepared {
  const groups = [...grouping.groups];
  for (const step of scenario.schedule) if ("member" in step && !groups.includes(step.group)) groups.push(step.group);
  const steps = scenario.schedule.map((step) => stepOf(step, members, groups)).sort((a, b) => a.ns - b.ns);
  const moves = members.map((_, member) => steps.filter((step) => "member" in step && step.member === member).length);
  const rules = rulesOf(scenario);
  const off = scenario.scanner.rules === "off";
  return {
    groups,
    world: new World(module, members, grouping.of, groups.length, moves, rules, off),
    plan: {
      scenario,
      changes: changesOf(members, events, scenario.changes === "spread", randomNumbers(scenario.seed)),
      steps,
      rates: ratesOf(scenario, groups),
    },
  };
}

function stepOf(step: Scenario["schedule"][number], members: readonly Member[], groups: readonly string[]): Step {
  const group = groups.indexOf(step.group);
  if (group < 0) throw unknownGroup(step.group, groups);
  if (!("member" in step)) return { ns: step.at, group, pagesToScan: step.pages_to_scan, weight: step.weight };
  const member = members.findIndex(({ name }) => name === step.member);
  if (member < 0) {
    throw new PagekinError(`schedule: there is no member ${step.member}`, { hint: "name one of the sources" });
  }
  return { ns: step.at, member, group };
}

function ratesOf({ scanner, groups: own }: Scenario, groups: readonly string[]): GroupRate[] {
  for (const [name, { pages_to_scan: pages }] of Object.entries(own)) {
    if (!groups.includes(name)) throw unknownGroup(name, groups);
    if (scanner.threads === "one" && pages !== undefined) {
      throw new PagekinError(`groups: ${name} has pages_to_scan, but one thread serves all groups by weight`, {
        hint: "give it a weight, or set threads: per-group",
      });
    }
  }
  return groups.map((name) => ({
    pagesToScan: own[name]?.pages_to_scan ?? scanner.pages_to_scan,
    weight: own[name]?.weight ?? 1,
  }));
}

function unknownGroup(name: string, groups: readonly string[]): PagekinError {
  return new PagekinError(`the policy makes no group ${name}`, { hint: `there are ${groups.join(", ")}` });
}

function rulesOf({ scanner }: Scenario): ScannerRules {
  const { rules } = scanner;
  const ancient = rules === "linux-2.6.36" || rules === "linux-3.6";
  const modern = rules === "linux-6.11";
  return {
    checksumFirst: modern,
    ancient,
    maxPageSharing: ancient ? 2 ** 31 - 1 : scanner.max_page_sharing,
    useZeroPages: !ancient && scanner.use_zero_pages,
    smartScan: !ancient && (scanner.smart_scan ?? modern),
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
