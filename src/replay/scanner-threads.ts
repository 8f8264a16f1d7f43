// When the scanner's threads wake, and how many pages of which group they visit then.

import type { Controller } from "./controllers/controller.js";
import type { RunningMachine } from "./machine.js";
import type { Scenario } from "./scenario/schema.js";

const MILLISECOND = 1e6;

export class ScannerThreads {
  /** By thread, in nanoseconds. */
  private readonly wakeAt: number[] = [];
  /** With one thread, by group: parts of visits that were cut off so far. */
  private readonly carried: number[] = [];
  /** By group: when its pass began; undefined: between two. */
  private readonly passBegan: (number | undefined)[] = [];

  constructor(
    private readonly machine: RunningMachine,
    private readonly scenario: Scenario,
    private readonly controller: Controller,
  ) {}

  private get isOne(): boolean {
    return this.scenario.scanner.threads === "one";
  }

  /** When the next one wakes. */
  next(): number {
    const threads = this.isOne ? 1 : this.machine.groups.names.length;
    // The thread of a new group starts with it.
    while (this.wakeAt.length < threads) this.wakeAt.push(this.machine.ns);
    return this.wakeAt.reduce((a, b) => Math.min(a, b));
  }

  /** Whether a group's pages are ever visited as things stand. */
  isScanned(group: number): boolean {
    const { pagesToScan, weight } = this.machine.groups.rates[group];
    if (!this.machine.isRunning()) return false;
    return this.isOne ? this.machine.pagesToScan > 0 && weight > 0 : pagesToScan > 0;
  }

  /** Lets those run whose time has come, in the order of the groups. */
  wake(): void {
    for (let thread = 0; thread < this.wakeAt.length; thread++) {
      if (this.wakeAt[thread] > this.machine.ns) continue;
      const took = this.runThread(thread);
      const sleep = this.machine.sleepMillisecs() * MILLISECOND;
      this.wakeAt[thread] = this.machine.ns + Math.max(1, Math.round(sleep + took));
    }
  }

  /** Visits a batch; gives the nanoseconds that it takes. */
  private runThread(thread: number): number {
    if (!this.machine.isRunning()) return 0;
    const { scanner } = this.scenario;
    const groups = this.isOne ? [...this.machine.groups.names.keys()] : [thread];
    const shares = this.isOne ? this.shares() : [this.machine.groups.rates[thread].pagesToScan];
    const modelled = scanner.cpu === "modelled";
    const before = modelled ? this.machine.cpuSeconds(groups) : 0;
    groups.forEach((group, i) => {
      if (shares[i] > 0) this.scan(group, shares[i]);
    });
    return modelled ? (this.machine.cpuSeconds(groups) - before) * 1e9 : 0;
  }

  private scan(group: number, pages: number): void {
    const { machine, controller } = this;
    if (!controller.passEnded) {
      machine.scanned.scan(group, pages, machine.ns);
      return;
    }
    const before = machine.scanned.counters(group).fullScans;
    const cpuBefore = machine.cpuSeconds([group]);
    const began = this.passBegan[group] ?? machine.ns;
    this.passBegan[group] = began;
    machine.scanned.scan(group, pages, machine.ns);
    if (machine.scanned.counters(group).fullScans === before) return;
    this.passBegan[group] = undefined;
    const cpuSeconds = machine.cpuSeconds([group]);
    const took = this.scenario.scanner.cpu === "modelled" ? (cpuSeconds - cpuBefore) * 1e9 : 0;
    machine.passEnded(controller, group, { ns: machine.ns + took - began, cpuSeconds });
  }

  /** Each group's part of one thread's visits: N * pages_to_scan * weight / total weight; what is cut is carried over. */
  private shares(): number[] {
    const { scanned, groups, pagesToScan } = this.machine;
    const active = groups.rates.map((_, group) => scanned.registeredIn(group) > 0);
    const count = active.filter(Boolean).length;
    const total = groups.rates.reduce((sum, { weight }, group) => sum + (active[group] ? weight : 0), 0);
    return groups.rates.map(({ weight }, group) => {
      if (!active[group] || total === 0) return 0;
      const exact = (count * pagesToScan * weight) / total + (this.carried[group] ?? 0);
      const share = Math.floor(exact + 1e-9);
      this.carried[group] = Math.max(0, exact - share);
      return share;
    });
  }
}
