// The groups of a run: names, and how fast each is scanned. New ones may come, none goes.

import { controllerKind } from "./controllers/registry.js";
import type { Scenario } from "./scenario/schema.js";

export interface GroupRate {
  pagesToScan: number;
  weight: number;
}

export class Groups {
  readonly names: string[] = [];
  readonly rates: GroupRate[] = [];

  constructor(
    private readonly scenario: Scenario,
    names: readonly string[],
  ) {
    for (const name of names) this.number(name);
  }

  /** The number of a group, which is made if there is none of that name. */
  number(name: string): number {
    const known = this.names.indexOf(name);
    if (known >= 0) return known;
    const { groups, scanner } = this.scenario;
    const own = Object.hasOwn(groups, name) ? groups[name] : {};
    const isAdvised = controllerKind(this.scenario) === "advisor";
    const usual = isAdvised ? scanner.advisor_min_pages_to_scan : scanner.pages_to_scan;
    this.rates.push({ pagesToScan: own.pages_to_scan ?? usual, weight: own.weight ?? 1 });
    return this.names.push(name) - 1;
  }
}
