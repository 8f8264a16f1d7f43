// What a run's isolation cost over time is measured by: a run in which all members are one group.

import { type Grouping, groupBy } from "../sharing/grouping.js";
import type { RunScenario } from "./scenario/parse.js";
import type { Scenario } from "./scenario/schema.js";

export interface PlannedRun {
  name: string;
  scenario: Scenario;
  settings: RunScenario["settings"];
  grouping: Grouping;
}

/** A reference that is none of the scenario's own runs has no place in its tables. */
export const ADDED = "one group";

/**
 * By run the number of its reference: itself if it is of one group; else the run of one group that has all other settings
 * in common with it, else the first of one group, else one that is added behind. undefined: the run has no scanner.
 */
export function referencesOf(runs: readonly PlannedRun[]): { of: (number | undefined)[]; added: PlannedRun[] } {
  const ofOne = runs.flatMap((run, number) => (isOfOneGroup(run) ? [number] : []));
  const counterpartOf = counterparts(runs, ofOne);
  const added = new Map<string, { number: number; run: PlannedRun }>();
  const of = runs.map((run, number) => {
    if (run.scenario.scanner.rules === "off") return undefined;
    if (isOfOneGroup(run)) return number;
    const known = counterpartOf(run) ?? ofOne[0];
    if (known !== undefined) return known;
    const reference = inOneGroup(run);
    const key = JSON.stringify(reference.scenario);
    const found = added.get(key) ?? { number: runs.length + added.size, run: reference };
    added.set(key, found);
    return found.number;
  });
  return { of, added: [...added.values()].map(({ run }) => run) };
}

function isOfOneGroup({ scenario, grouping }: PlannedRun): boolean {
  const moves = scenario.schedule.some((step) => "member" in step);
  return grouping.groups.length === 1 && !moves && !scenario.regroup && scenario.scanner.rules !== "off";
}

/** Finds the first of some runs that has all settings of a run, the policy aside. */
function counterparts(runs: readonly PlannedRun[], among: readonly number[]): (run: PlannedRun) => number | undefined {
  // By the keys of a run's settings: the first of those runs by their values.
  const firsts = new Map<string, Map<string, number>>();
  return ({ settings }) => {
    const keys = [...settings.keys()].filter((key) => key !== "policy");
    const valuesOf = (of: PlannedRun["settings"]) => JSON.stringify(keys.map((key) => of.get(key)));
    const name = JSON.stringify(keys);
    const known = firsts.get(name);
    const byValues = known ?? new Map<string, number>();
    if (!known) {
      firsts.set(name, byValues);
      for (const number of among) {
        const values = valuesOf(runs[number].settings);
        if (!byValues.has(values)) byValues.set(values, number);
      }
    }
    return byValues.get(valuesOf(settings));
  };
}

/** The same members as one group, at the speed of all groups together when they start. */
function inOneGroup({ scenario, settings, grouping }: PlannedRun): PlannedRun {
  const { scanner, groups } = scenario;
  const pages = grouping.groups.map((name) => groups.get(name)?.pages_to_scan ?? scanner.pages_to_scan);
  const one: Scenario = {
    ...scenario,
    policy: "one-group",
    groups: new Map(),
    schedule: [],
    regroup: undefined,
    redistribute: undefined,
    members: new Map(),
    scanner: { ...scanner, pages_to_scan: pages.reduce((a, b) => a + b, 0) },
  };
  const together = groupBy(Array.from(grouping.of, () => "all"));
  return { name: ADDED, scenario: one, settings, grouping: together };
}
