// The groups of a run: names, and how fast each is scanned. New ones may come, none goes.

import { controllerOf } from "./controllers/registry.js";
import type { Scenario } from "./scenario/schema.js";

export interface GroupRate {
  pagesToScan: number;
  weight: number;
}

export class ScannedGroups {
  readonly names: string[] = [];
  readonly rates: GroupRate[] = [];

  constructor(
    private readonly scenario: Scenario,
    names: readonly string[],
  ) {
    // A policy may give two groups the same name: a member that is alone, and a salt that is called like it.
    for (const name of names) this.add(name);
  }

  /** The number of a group, which is made if there is none of that name. */
  number(name: string): number {
    const known = this.names.indexOf(name);
    return known >= 0 ? known : this.add(name);
  }

  private add(name: string): number {
    const { groups, scanner } = this.scenario;
    const own = groups.get(name) ?? {};
    const usual = controllerOf(this.scenario).firstPagesToScan?.(scanner) ?? scanner.pages_to_scan;
    this.rates.push({ pagesToScan: own.pages_to_scan ?? usual, weight: own.weight ?? 1 });
    return this.names.push(name) - 1;
  }
}
