// One run: virtual time from 0 on. At one instant first what happens to members, then the schedule, new groups, and
// controllers, then the wake-ups in the order of the groups, then what is reclaimed is given out, and the sample.

import { PagekinError } from "../errors.js";
import type { GroupingPolicy } from "../policies/policy.js";
import type { Pause } from "../system/pace.js";
import type { Changes } from "./changes.js";
import type { Controller } from "./controllers/controller.js";
import type { Shareout, TimedDecision } from "./course.js";
import type { RunningMachine } from "./machine.js";
import { regroup } from "./regroup.js";
import { Room } from "./room.js";
import { groupSample } from "./sample.js";
import { SampleList, type Samples } from "./samples.js";
import { ScannerThreads } from "./scanner-threads.js";
import type { Scenario } from "./scenario/schema.js";
import { redistributionOf, shareOut } from "./shareout.js";
import { isOnClock, OFF_CLOCK } from "./time.js";

const REST_PASSES = 10;
/** Changes between two pauses. */
const STEP = 1024;

/** A step of the schedule, with members and groups by number. */
export type Step =
  | { ns: number; group: number; pagesToScan: number | undefined; weight: number | undefined }
  | { ns: number; member: number; group: number };

export interface RunPlan {
  scenario: Scenario;
  changes: Changes;
  /** Ascending in time. */
  steps: readonly Step[];
  controller: Controller;
  /** Of regroup. */
  policy: GroupingPolicy | undefined;
  /** Rows that the run may come to. */
  mostRows: number;
}

/** What a run was like. Groups by number. */
export interface Course {
  groups: readonly string[];
  samples: Samples;
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
  const clock = new RunClock(machine, plan, pause);
  for (let goesOn = true; goesOn; ) {
    clock.next();
    if (clock.isChanging()) await clock.change();
    if (plan.policy && clock.regroups()) await regroup(machine, plan.policy, pause);
    const acting = clock.act();
    if (acting) await acting;
    goesOn = clock.end();
    onTime(machine.ns);
    const waiting = pause();
    if (waiting) await waiting;
  }
  const { samples, shareouts } = clock;
  return { groups: machine.groups.names, samples: samples.finish(), shareouts, decisions: machine.decisions };
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
  readonly samples = new SampleList();
  readonly shareouts: Shareout[] = [];
  private nextChange = 0;
  private nextStep = 0;
  private readonly threads: ScannerThreads;
  /** Whether members were grouped anew since something was changed. */
  private isRegrouped: boolean;
  private readonly calm: { merged: string; passes: number }[] = [];
  private readonly sampling: Beat;
  private readonly deciding: Beat | undefined;
  private readonly regrouping: Beat | undefined;
  private readonly redistribution: Scenario["redistribute"];
  private readonly sharing: Beat | undefined;
  private readonly room: Room;

  constructor(
    private readonly machine: RunningMachine,
    private readonly plan: RunPlan,
    private readonly pause: Pause,
  ) {
    const { scenario, controller } = plan;
    this.room = new Room(plan.mostRows);
    this.threads = new ScannerThreads(machine, scenario, controller, pause);
    this.threads.begin();
    const beat = (every: number | undefined, first = every) =>
      every === undefined ? undefined : new Beat(every, first ?? every);
    this.sampling = new Beat(scenario.sample, 0);
    this.deciding = beat(controller.every);
    this.regrouping = beat(scenario.regroup?.every);
    this.isRegrouped = !this.regrouping;
    this.redistribution = redistributionOf(scenario);
    this.sharing = beat(this.redistribution?.every, 0);
  }

  /** Goes to the next instant at which something happens. */
  next(): void {
    const { machine, plan } = this;
    const { changes, steps, scenario } = plan;
    const times = [this.threads.next(), this.sampling.at];
    for (const beat of [this.deciding, this.regrouping, this.sharing]) if (beat) times.push(beat.at);
    if (this.nextChange < changes.count) times.push(changes.ns[this.nextChange]);
    if (this.nextStep < steps.length) times.push(steps[this.nextStep].ns);
    // The end is an instant of its own, so that it is always sampled.
    if (scenario.until.kind === "time") times.push(scenario.until.ns);
    machine.ns = Math.min(...times);
    if (isOnClock(machine.ns)) return;
    throw new PagekinError(`the run does not come to its end; ${OFF_CLOCK.what}`, { hint: "give until as a time" });
  }

  /** Whether something happens to members or to the schedule at this instant. */
  isChanging(): boolean {
    const { machine, plan, nextChange: change, nextStep: step } = this;
    const { changes, steps } = plan;
    return (
      (change < changes.count && changes.ns[change] <= machine.ns) ||
      (step < steps.length && steps[step].ns <= machine.ns)
    );
  }

  /** Lets that happen. */
  async change(): Promise<void> {
    const { machine, plan, pause } = this;
    const { changes, steps } = plan;
    for (; this.nextChange < changes.count && changes.ns[this.nextChange] <= machine.ns; this.nextChange++) {
      const applied = machine.scanned.apply(changes, this.nextChange, pause);
      const waiting = applied ?? (this.nextChange % STEP === 0 ? pause() : undefined);
      if (waiting) await waiting;
      this.isRegrouped = !this.regrouping;
    }
    for (; this.nextStep < steps.length && steps[this.nextStep].ns <= machine.ns; this.nextStep++) {
      await this.apply(steps[this.nextStep]);
    }
  }

  private async apply(step: Step): Promise<void> {
    if ("member" in step) {
      await this.machine.scanned.move(step.member, step.group, this.pause);
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

  /** Lets controllers decide, and threads wake. */
  act(): Promise<void> | undefined {
    const { machine, plan } = this;
    if (this.deciding?.isDue(machine.ns)) {
      const before = machine.decisions.length;
      this.threads.beforeSleepChanges();
      machine.decide(plan.controller);
      this.room.take(machine.decisions.length - before, "controller");
    }
    // Groups that have just been made have threads from now on.
    this.threads.begin();
    return this.threads.wake();
  }

  /** The rest of the instant; false: it was the last one. */
  end(): boolean {
    const { machine, plan } = this;
    const { scenario } = plan;
    const ended = this.isAtEnd();
    // What is given out holds until the next period, a known end comes when it comes.
    const isLast = ended && scenario.until.kind !== "time";
    if (this.redistribution && (this.sharing?.isDue(machine.ns) || isLast)) {
      const given = shareOut(machine, scenario, this.redistribution.kind);
      this.room.take(given.members.length, "redistribute");
      this.shareouts.push(given);
    }
    if (this.sampling.isDue(machine.ns) || ended) this.takeSample();
    return !ended;
  }

  private isAtEnd(): boolean {
    const { machine, plan } = this;
    const { until } = plan.scenario;
    if (until.kind === "time") return machine.ns >= until.ns;
    if (this.nextChange < plan.changes.count || this.nextStep < plan.steps.length || !this.isRegrouped) return false;
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
    this.room.take(groups.names.length, "sample");
    const counters = groups.names.map((_, group) =>
      groupSample(scanned.counters(group), scanned.registeredIn(group), plan.scenario),
    );
    const usedBytes = hostBytes === undefined ? undefined : machine.usedBytes();
    this.samples.add({ ns, groups: counters, usedBytes });
  }
}
