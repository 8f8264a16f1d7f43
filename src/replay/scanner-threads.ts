// When the scanner's threads wake, and how many pages of which group they visit then.

import type { Pause } from "../system/pace.js";
import type { Controller } from "./controllers/controller.js";
import type { RunningMachine } from "./machine.js";
import type { Scenario } from "./scenario/schema.js";
import { WakeUps } from "./wake-ups.js";

const MILLISECOND = 1e6;
/** A modelled batch that finds nothing to visit takes no time; without sleep the clock would hardly move. */
const NOTHING_NS = 10_000;

export class ScannerThreads {
  private readonly wakeUps = new WakeUps();
  private begun = 0;
  /** Threads whose groups have no members: they do nothing. By thread the time of a wake-up, from which on they come as usual. */
  private readonly idle = new Map<number, number>();
  /** With one thread, by group: parts of visits that were cut off so far. */
  private readonly carried: number[] = [];
  /** By group: when its pass began; undefined: between two. */
  private readonly passBegan: (number | undefined)[] = [];
  /** Pages that the last batch visited. */
  private visited = 0;

  constructor(
    private readonly machine: RunningMachine,
    private readonly scenario: Scenario,
    private readonly controller: Controller,
    private readonly pause: Pause,
  ) {}

  private get isOne(): boolean {
    return this.scenario.scanner.threads === "one";
  }

  /** Starts the threads of new groups, and wakes those whose groups have members again. */
  begin(): void {
    const { machine, wakeUps, idle } = this;
    const threads = this.isOne ? 1 : machine.groups.names.length;
    while (this.begun < threads) wakeUps.add(this.begun++, machine.ns);
    for (const group of machine.scanned.takeEntered()) {
      const thread = this.isOne ? 0 : group;
      const at = idle.get(thread);
      if (at === undefined) continue;
      idle.delete(thread);
      wakeUps.add(thread, this.wakeUpFrom(at));
    }
  }

  /** When the next one has something to do; Infinity: none has. */
  next(): number {
    return this.wakeUps.nextAt;
  }

  /** Reckons with the sleep that has been in force until now; it may change. */
  beforeSleepChanges(): void {
    for (const [thread, at] of this.idle) this.idle.set(thread, this.wakeUpFrom(at));
  }

  /** The first wake-up of an idle thread that is not over, from an earlier one on. */
  private wakeUpFrom(at: number): number {
    const period = this.sleepNs(0);
    return at + Math.max(0, Math.ceil((this.machine.ns - at) / period)) * period;
  }

  /** Until the next wake-up, after a batch that took so many nanoseconds. */
  private sleepNs(took: number): number {
    const ns = Math.round(this.machine.sleepMillisecs() * MILLISECOND + took);
    const isNothing = this.visited === 0 && this.scenario.scanner.cpu === "modelled";
    return Math.max(isNothing ? NOTHING_NS : 1, ns);
  }

  /** Whether a group's pages are ever visited as things stand. */
  isScanned(group: number): boolean {
    const { pagesToScan, weight } = this.machine.groups.rates[group];
    if (!this.machine.isRunning()) return false;
    return this.isOne ? this.machine.pagesToScan > 0 && weight > 0 : pagesToScan > 0;
  }

  /** Lets those run whose time has come, in the order of the groups. */
  wake(): Promise<void> | undefined {
    const { machine, wakeUps } = this;
    while (wakeUps.nextAt <= machine.ns) {
      const thread = wakeUps.take();
      const groups = this.isOne ? [...machine.groups.names.keys()] : [thread];
      this.visited = 0;
      if (groups.every((group) => machine.scanned.isEmpty(group))) {
        this.idle.set(thread, machine.ns + this.sleepNs(0));
        continue;
      }
      const isModelled = this.scenario.scanner.cpu === "modelled";
      const before = isModelled ? machine.cpuSeconds(groups) : 0;
      const batch = machine.isRunning() ? this.runThread(groups) : undefined;
      const sleep = () => {
        const took = isModelled ? (machine.cpuSeconds(groups) - before) * 1e9 : 0;
        wakeUps.add(thread, machine.ns + this.sleepNs(took));
      };
      if (batch) return batch.then(sleep).then(() => this.wake());
      sleep();
    }
    return undefined;
  }

  /** Visits a batch of the groups of a thread. */
  private runThread(groups: readonly number[]): Promise<void> | undefined {
    const shares = this.isOne ? this.shares() : groups.map((group) => this.machine.groups.rates[group].pagesToScan);
    const scanFrom = (first: number): Promise<void> | undefined => {
      for (let i = first; i < groups.length; i++) {
        const waiting = shares[i] > 0 ? this.scan(groups[i], shares[i]) : undefined;
        if (waiting) return waiting.then(() => scanFrom(i + 1));
      }
      return undefined;
    };
    return scanFrom(0);
  }

  private scan(group: number, pages: number): Promise<void> | undefined {
    const { machine, controller, pause } = this;
    if (controller.passEnded) return this.scanPass(group, pages);
    const batch = machine.scanned.scan(group, pages, machine.ns, pause);
    if (typeof batch === "number") {
      this.visited += batch;
      return undefined;
    }
    return batch.then((visited) => {
      this.visited += visited;
    });
  }

  /** The same for a controller that hears of the end of passes. */
  private async scanPass(group: number, pages: number): Promise<void> {
    const { machine, controller, pause } = this;
    const passes = () => machine.scanned.counters(group).fullScans;
    const [before, cpuBefore] = [passes(), machine.cpuSeconds([group])];
    const began = this.passBegan[group] ?? machine.ns;
    this.passBegan[group] = began;
    this.visited += await machine.scanned.scan(group, pages, machine.ns, pause);
    if (passes() === before) return;
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
