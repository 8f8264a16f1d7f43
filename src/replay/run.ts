// One run: virtual time from 0 on. At one instant first what happens to members, then the schedule, new groups, and
// controllers, then the wake-ups in the order of the groups, then what is reclaimed is given out, and the sample.

import type { GroupingPolicy, Pause } from "../policies/policy.js";
import type { Controller } from "./controllers/controller.js";
import type { RunningMachine, TimedDecision } from "./machine.js";
import type { Change } from "./members.js";
import { regroup } from "./regroup.js";
import { groupSample, type Sample } from "./sample.js";
import { ScannerThreads } from "./scanner-threads.js";
import type { Scenario } from "./scenario/schema.js";
import { redistributionOf, type Shareout, shareOut } from "./shareout.js";

const REST_PASSES = 10;

/** A step of the schedule, with members and groups by number. */
export type Step =
  | { ns: number; group: number; pagesToScan: number | undefined; weight: number | undefined }
  | { ns: number; member: number; group: number };

export interface RunPlan {
  scenario: Scenario;
  changes: readonly Change[];
  /** Ascending in time. */
  steps: readonly Step[];
  controller: Controller;
  /** Of regroup. */
  policy: GroupingPolicy | undefined;
}

/** What a run was like. Groups by number. */
export interface Course {
  groups: readonly string[];
  samples: Sample[];
  shareouts: Shareout[];
  decisions: TimedDecision[];
}

/** Runs until the scenario's end. `pause` is awaited now and then; onTime: the virtual time, in nanoseconds. */
export async function run(
  machine: RunningMachine,
  plan: RunPlan,
  pause: Pause,
  onTime: (ns: number) => void,
): Promise<Course> {
  const clock = new RunClock(machine, plan);
  while (clock.next()) {
    if (plan.policy && clock.regroups()) await regroup(machine, plan.policy, pause);
    const goesOn = clock.act();
    onTime(machine.ns);
    if (!goesOn) break;
    const waiting = pause();
    if (waiting) await waiting;
  }
  const { samples, shareouts } = clock;
  return { groups: machine.groups.names, samples, shareouts, decisions: machine.decisions };
}

/** Something that comes again and again. */
class Beat {
  constructor(
    readonly every: number,
    public at: number,
  ) {}

  /** Whether it is due; the next one is after now. */
  isDue(ns: number): boolean {
    if (this.at > ns) return false;
    while (this.at <= ns) this.at += this.every;
    return true;
  }
}

class RunClock {
  readonly samples: Sample[] = [];
  readonly shareouts: Shareout[] = [];
  private change = 0;
  private step = 0;
  private readonly threads: ScannerThreads;
  /** Whether members were grouped anew since something was changed. */
  private isRegrouped: boolean;
  private readonly calm: { merged: string; passes: number }[] = [];
  private readonly sampling: Beat;
  private readonly deciding: Beat | undefined;
  private readonly regrouping: Beat | undefined;
  private readonly redistribution: Scenario["redistribute"];
  private readonly sharing: Beat | undefined;

  constructor(
    private readonly machine: RunningMachine,
    private readonly plan: RunPlan,
  ) {
    const { scenario, controller } = plan;
    this.threads = new ScannerThreads(machine, scenario, controller);
    const beat = (every: number | undefined, first = every) =>
      every === undefined ? undefined : new Beat(every, first ?? every);
    this.sampling = new Beat(scenario.sample, 0);
    this.deciding = beat(controller.every);
    this.regrouping = beat(scenario.regroup?.every);
    this.isRegrouped = !this.regrouping;
    this.redistribution = redistributionOf(scenario);
    this.sharing = beat(this.redistribution?.every, 0);
  }

  /** Goes to the next instant at which something happens to members or to the schedule; false: that is after the end. */
  next(): boolean {
    const { machine, plan } = this;
    const { changes, steps, scenario } = plan;
    const times = [this.threads.next(), this.sampling.at];
    for (const beat of [this.deciding, this.regrouping, this.sharing]) if (beat) times.push(beat.at);
    if (this.change < changes.length) times.push(changes[this.change].ns);
    if (this.step < steps.length) times.push(steps[this.step].ns);
    const ns = Math.min(...times);
    if (scenario.until.kind === "time" && ns > scenario.until.ns) return false;
    machine.ns = ns;
    for (; this.change < changes.length && changes[this.change].ns <= ns; this.change++) {
      machine.scanned.apply(changes[this.change]);
      this.isRegrouped = !this.regrouping;
    }
    for (; this.step < steps.length && steps[this.step].ns <= ns; this.step++) this.apply(steps[this.step]);
    return true;
  }

  private apply(step: Step): void {
    if ("member" in step) {
      this.machine.scanned.move(step.member, step.group);
      return;
    }
    const rate = this.machine.groups.rates[step.group];
    rate.pagesToScan = step.pagesToScan ?? rate.pagesToScan;
    rate.weight = step.weight ?? rate.weight;
  }

  /** Whether members are grouped anew at this instant. */
  regroups(): boolean {
    const isDue = this.regrouping?.isDue(this.machine.ns) ?? false;
    this.isRegrouped ||= isDue;
    return isDue;
  }

  /** The rest of the instant; false: it was the last one. */
  act(): boolean {
    const { machine, plan } = this;
    const { scenario, controller } = plan;
    if (this.deciding?.isDue(machine.ns)) machine.decide(controller);
    // Groups that have just been made have threads from now on.
    this.threads.next();
    this.threads.wake();
    const ended = this.isAtEnd();
    if (this.redistribution && (this.sharing?.isDue(machine.ns) || ended)) {
      this.shareouts.push(shareOut(machine, scenario, this.redistribution.kind));
    }
    if (this.sampling.isDue(machine.ns) || ended) this.takeSample();
    return !ended;
  }

  private isAtEnd(): boolean {
    const { machine, plan } = this;
    const { until } = plan.scenario;
    if (until.kind === "time") return false;
    if (this.change < plan.changes.length || this.step < plan.steps.length || !this.isRegrouped) return false;
    return machine.groups.names.every((_, group) => {
      if (machine.scanned.registeredIn(group) === 0 || !this.threads.isScanned(group)) return true;
      const { fullScans, pagesShared, pagesSharing, zeroPages } = machine.scanned.counters(group);
      if (until.kind === "passes") return fullScans >= until.passes;
      const merged = `${pagesShared} ${pagesSharing} ${zeroPages}`;
      const calm = this.calm[group];
      if (calm?.merged !== merged) this.calm[group] = { merged, passes: fullScans };
      return fullScans - this.calm[group].passes >= REST_PASSES;
    });
  }

  private takeSample(): void {
    const { machine, plan } = this;
    const { scanned, groups, ns, hostBytes } = machine;
    const counters = groups.names.map((_, group) =>
      groupSample(scanned.counters(group), scanned.registeredIn(group), plan.scenario),
    );
    const usedBytes = hostBytes === undefined ? undefined : machine.usedBytes();
    this.samples.push({ ns, groups: counters, usedBytes });
  }
}
