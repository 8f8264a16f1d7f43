// What a scenario's keys say of one another, of the members and of the groups: what cannot be is a fault with its place.

import { quoted } from "../errors.js";
import { didYouMean } from "../text/nearest.js";
import { fixed } from "./controllers/fixed.js";
import { controllerOf } from "./controllers/registry.js";
import type { ReplayMember } from "./members.js";
import { type RunScenario, ScenarioFault } from "./scenario/parse.js";
import type { Scenario } from "./scenario/schema.js";

/** Kernels before 4.12 and 6.7, whose rules these are, do not have these settings. */
const LATER_SETTINGS = ["max_page_sharing", "use_zero_pages", "smart_scan"] as const;

/** What must be as it is among the keys alone. runs: all of them, by name. */
export function checkScenario(scenario: Scenario, runs: ReadonlyMap<string, Pick<RunScenario, "scenario">>): void {
  if (scenario.sources.length === 0 && scenario.inventory === undefined) {
    throw new ScenarioFault(["sources"], "no input given", "give sources, or an inventory");
  }
  checkScanner(scenario);
  checkController(scenario);
  for (const [name, { workload }] of scenario.members) {
    if (!workload) continue;
    const path = ["members", name, "workload"];
    const { curve, working_set: workingSet, baseline } = workload;
    if ((curve === undefined) === (workingSet === undefined)) {
      throw new ScenarioFault(path, "a workload has a working_set or a curve", "give one of them");
    }
    if (baseline === undefined) continue;
    const other = runs.get(baseline);
    if (!other) {
      const hint = didYouMean(baseline, [...runs.keys()]);
      throw new ScenarioFault([...path, "baseline"], `unknown run ${quoted(baseline)}`, hint);
    }
    if (!other.scenario.members.get(name)?.workload) {
      throw new ScenarioFault(
        [...path, "baseline"],
        `${quoted(name)} has no workload in the run ${quoted(baseline)}`,
        "give it one",
      );
    }
  }
}

function checkScanner({ scanner, groups, schedule }: Scenario): void {
  const { rules, threads } = scanner;
  if (rules === "linux-2.6.36" || rules === "linux-3.6") {
    const later = LATER_SETTINGS.find((key) => scanner[key] !== undefined);
    if (later) throw new ScenarioFault(["scanner", later], `${rules} has no ${later}`, "leave it out");
  }
  if (threads === "per-group") return;
  const own = [...groups].find(([, { pages_to_scan: pages }]) => pages !== undefined);
  const hint = "give it a weight, or set threads: per-group";
  if (own) {
    const what = `${quoted(own[0])} has pages_to_scan, but one thread serves all groups by weight`;
    throw new ScenarioFault(["groups", own[0], "pages_to_scan"], what, hint);
  }
  const step = schedule.findIndex((one) => !("member" in one) && one.pages_to_scan !== undefined);
  if (step >= 0) {
    throw new ScenarioFault(["schedule", step, "pages_to_scan"], "one thread serves all groups by weight", hint);
  }
}

function checkController(scenario: Scenario): void {
  const { controller = { kind: fixed.name } } = scenario;
  const inForce = controllerOf(scenario);
  const isNamed = controller.kind === inForce.name;
  const mode = ["scanner", "advisor_mode"];
  if (!isNamed && controller.kind !== fixed.name) {
    throw new ScenarioFault(mode, `pages_to_scan is set by ${controller.kind} already`, "leave one out");
  }
  const fault = inForce.fault?.(controller, scenario);
  if (fault) throw new ScenarioFault(fault.path ?? (isNamed ? ["controller"] : mode), fault.what, fault.hint);
}

/** Without sleep and CPU time a batch follows the other at once, and time stands still. */
function checkTime({ scanner, cost, until, events }: Scenario, members: readonly ReplayMember[]): void {
  if (scanner.sleep_millisecs > 0 || scanner.rules === "off") return;
  if (scanner.cpu === "modelled") {
    if (cost.visit_us > 0) return;
    throw new ScenarioFault(["cost", "visit_us"], "without sleep, visits must take time", "give a price above 0");
  }
  const isLong = until.kind === "time" || events !== undefined || members.some(({ snapshots }) => snapshots.length > 1);
  if (!isLong) return;
  throw new ScenarioFault(
    ["scanner", "sleep_millisecs"],
    "without sleep, and with batches that take no time, the clock would stand still",
    "set cpu: modelled",
  );
}

/** What must be there: members by name, and groups, which are those of the policy and those that members go to. */
export function checkNames(
  scenario: Scenario,
  members: readonly ReplayMember[],
  policyGroups: readonly string[],
): void {
  const { schedule, groups, regroup } = scenario;
  checkTime(scenario, members);
  const memberNames = new Set(members.map(({ name }) => name));
  const isMember = (name: string) => memberNames.has(name);
  const known = new Set(groupNames(scenario, policyGroups));
  // Groups that regroup makes may have any name.
  const isGroup = (name: string) => regroup !== undefined || known.has(name);
  const noMember = (name: string) => `unknown member ${quoted(name)}`;
  const noGroup = (name: string) => `the policy makes no group ${quoted(name)}`;
  for (const [i, step] of schedule.entries()) {
    if ("member" in step && !isMember(step.member)) {
      throw new ScenarioFault(
        ["schedule", i, "member"],
        noMember(step.member),
        didYouMean(step.member, [...memberNames]),
      );
    }
    if (!isGroup(step.group)) {
      throw new ScenarioFault(["schedule", i, "group"], noGroup(step.group), didYouMean(step.group, [...known]));
    }
  }
  const group = [...groups.keys()].find((name) => !isGroup(name));
  if (group !== undefined) {
    throw new ScenarioFault(["groups", group], noGroup(group), didYouMean(group, [...known]));
  }
  const member = [...scenario.members.keys()].find((name) => !isMember(name));
  if (member !== undefined)
    throw new ScenarioFault(["members", member], noMember(member), didYouMean(member, [...memberNames]));
}

/** The groups of the policy, then those that the schedule makes. */
export function groupNames({ schedule }: Scenario, policyGroups: readonly string[]): string[] {
  const known = new Set(policyGroups);
  const made = schedule.flatMap((step) => ("member" in step && !known.has(step.group) ? [step.group] : []));
  return [...policyGroups, ...new Set(made)];
}
