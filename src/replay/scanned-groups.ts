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
  /** By name the first group that has it. */
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly scenario: Scenario,
    names: readonly string[],
  ) {
    // A policy may give two groups the same name: a member that is alone, and a salt that is called like it.
    for (const name of names) this.add(name);
  }

  /** The number of a group, which is made if there is none of that name. */
  number(name: string): number {
    return this.find(name) ?? this.add(name);
  }

  find(name: string): number | undefined {
    return this.numbers.get(name);
  }

  private add(name: string): number {
    const { groups, scanner } = this.scenario;
    const own = groups.get(name) ?? {};
    const usual = controllerOf(this.scenario).firstPagesToScan?.(scanner) ?? scanner.pages_to_scan;
    this.rates.push({ pagesToScan: own.pages_to_scan ?? usual, weight: own.weight ?? 1 });
    const number = this.names.push(name) - 1;
    if (!this.numbers.has(name)) this.numbers.set(name, number);
    return number;
  }
}
