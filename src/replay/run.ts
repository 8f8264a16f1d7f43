// One run: virtual time from 0 on. At one instant first what happens to members, then the schedule, then the wake-ups in the
// order of the groups, then the sample.

import type { ScanCounters } from "../core/scanner.js";
import type { Change } from "./members.js";
import type { Scenario } from "./scenario.js";
import type { World } from "./world.js";

const REST_PASSES = 10;
const MILLISECOND = 1e6;
/** Bytes of the kernel's records (64-bit): an item, a stable node, a member's slot. */
const ITEM_BYTES = 64;
const NODE_BYTES = 64;
const SLOT_BYTES = 48;

export interface Sample {
  ns: number;
  /** By group. */
  groups: GroupSample[];
}

export interface GroupSample extends ScanCounters {
  pagesVolatile: number;
  generalProfit: number;
  cpuSeconds: number;
  metadataBytes: number;
}

export interface GroupRate {
  pagesToScan: number;
  weight: number;
}

/** A step of the schedule, with members and groups by number. */
export type Step =
  | { ns: number; group: number; pagesToScan: number | undefined; weight: number | undefined }
  | { ns: number; member: number; group: number };

export interface Plan {
  scenario: Scenario;
  changes: readonly Change[];
  /** Ascending in time. */
  steps: readonly Step[];
  /** By group. */
  rates: GroupRate[];
}

/** Runs until the scenario's end; `turn` is called now and then. */
export async function run(
  world: World,
  plan: Plan,
  turn: (ns: number) => Promise<void> | undefined,
): Promise<Sample[]> {
  const clock = new Run(world, plan);
  while (clock.next()) {
    const waiting = turn(clock.ns);
    if (waiting) await waiting;
  }
  return clock.samples;
}

class Run {
  readonly samples: Sample[] = [];
  ns = 0;
  private change = 0;
  private step = 0;
  private sampleAt = 0;
  private readonly wakeAt: number[];
  /** With one thread: visits that the groups' shares were cut by, so far. */
  private readonly carried: number[];
  private calm: { merged: string; passes: number }[];

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
  ) {
    const { rates, scenario } = plan;
    this.wakeAt = scenario.scanner.threads === "one" ? [0] : rates.map(() => 0);
    this.carried = rates.map(() => 0);
    this.calm = rates.map(() => ({ merged: "", passes: 0 }));
  }

  /** Goes to the next instant at which something happens; false: it was the last. */
  next(): boolean {
    const { changes, steps, scenario } = this.plan;
    const { until } = scenario;
    const times = [...this.wakeAt, this.sampleAt];
    if (this.change < changes.length) times.push(changes[this.change].ns);
    if (this.step < steps.length) times.push(steps[this.step].ns);
    this.ns = Math.min(...times);
    if (until.kind === "time" && this.ns > until.ns) return false;
    for (; this.change < changes.length && changes[this.change].ns <= this.ns; this.change++) {
      this.world.apply(changes[this.change]);
    }
    for (; this.step < steps.length && steps[this.step].ns <= this.ns; this.step++) this.apply(steps[this.step]);
    for (let thread = 0; thread < this.wakeAt.length; thread++) if (this.wakeAt[thread] <= this.ns) this.wake(thread);
    const ended = this.isAtEnd();
    if (this.sampleAt <= this.ns || ended) this.takeSample();
    return !ended;
  }

  private apply(step: Step): void {
    if ("member" in step) {
      this.world.move(step.member, step.group);
      return;
    }
    const rate = this.plan.rates[step.group];
    rate.pagesToScan = step.pagesToScan ?? rate.pagesToScan;
    rate.weight = step.weight ?? rate.weight;
  }

  private wake(thread: number): void {
    const { scanner } = this.plan.scenario;
    const groups = scanner.threads === "one" ? [...this.plan.rates.keys()] : [thread];
    const before = scanner.cpu === "modelled" ? this.cpuOf(groups) : 0;
    const shares = scanner.threads === "one" ? this.shares() : [this.plan.rates[thread].pagesToScan];
    groups.forEach((group, i) => {
      if (shares[i] > 0) this.world.scan(group, shares[i], this.ns);
    });
    const took = scanner.cpu === "modelled" ? (this.cpuOf(groups) - before) * 1e9 : 0;
    this.wakeAt[thread] = this.ns + Math.max(1, Math.round(scanner.sleep_millisecs * MILLISECOND + took));
  }

  /** Each group's part of one thread's visits: N * pages_to_scan * weight / total weight; what is cut is carried over. */
  private shares(): number[] {
    const { rates, scenario } = this.plan;
    const active = rates.map((_, group) => this.world.membersIn(group) > 0);
    const count = active.filter(Boolean).length;
    const total = rates.reduce((sum, { weight }, group) => sum + (active[group] ? weight : 0), 0);
    return rates.map(({ weight }, group) => {
      if (!active[group] || total === 0) return 0;
      const exact = (count * scenario.scanner.pages_to_scan * weight) / total + this.carried[group];
      const share = Math.floor(exact + 1e-9);
      this.carried[group] = Math.max(0, exact - share);
      return share;
    });
  }

  private cpuOf(groups: readonly number[]): number {
    return groups.reduce((sum, group) => sum + cpuSeconds(this.world.counters(group), this.plan.scenario), 0);
  }

  private isAtEnd(): boolean {
    const { until } = this.plan.scenario;
    const { rates } = this.plan;
    if (until.kind === "time") return false;
    if (this.change < this.plan.changes.length || this.step < this.plan.steps.length) return false;
    return rates.every((_, group) => {
      const { fullScans, pagesShared, pagesSharing, zeroPages } = this.world.counters(group);
      if (this.world.membersIn(group) === 0 || !this.isScanned(group)) return true;
      if (until.kind === "passes") return fullScans >= until.passes;
      const merged = `${pagesShared} ${pagesSharing} ${zeroPages}`;
      const calm = this.calm[group];
      if (calm.merged !== merged) this.calm[group] = { merged, passes: fullScans };
      return fullScans - this.calm[group].passes >= REST_PASSES;
    });
  }

  private isScanned(group: number): boolean {
    const { scanner } = this.plan.scenario;
    const { pagesToScan, weight } = this.plan.rates[group];
    return scanner.threads === "one" ? scanner.pages_to_scan > 0 && weight > 0 : pagesToScan > 0;
  }

  private takeSample(): void {
    const { scenario, rates } = this.plan;
    const groups = rates.map((_, group) => sampleOf(this.world.counters(group), this.world.membersIn(group), scenario));
    this.samples.push({ ns: this.ns, groups });
    while (this.sampleAt <= this.ns) this.sampleAt += scenario.sample;
  }
}

function sampleOf(counters: ScanCounters, members: number, scenario: Scenario): GroupSample {
  const { pagesShared, pagesSharing, pagesUnshared, zeroPages, items, stableNodeChains } = counters;
  return {
    ...counters,
    pagesVolatile: Math.max(0, items - pagesShared - pagesSharing - pagesUnshared),
    generalProfit: (pagesSharing + zeroPages) * scenario.page_size - items * ITEM_BYTES,
    cpuSeconds: cpuSeconds(counters, scenario),
    metadataBytes: items * ITEM_BYTES + (pagesShared + stableNodeChains) * NODE_BYTES + members * SLOT_BYTES,
  };
}

/** The scanner's work in seconds of one CPU, by the scenario's prices. */
function cpuSeconds(counters: ScanCounters, { cost }: Scenario): number {
  const { pagesScanned, pagesSkipped, checksums, compares, merges, cowBreaks } = counters;
  const microseconds =
    pagesScanned * cost.visit_us +
    pagesSkipped * cost.skip_us +
    checksums * cost.checksum_us +
    compares * cost.compare_us +
    merges * cost.merge_us +
    cowBreaks * cost.cow_us;
  return microseconds / 1e6;
}

/** All groups together; full_scans: the least. */
export function sumOf(groups: readonly GroupSample[]): GroupSample {
  const [first, ...rest] = groups;
  return rest.reduce((sum, one) => {
    const added = Object.entries(sum).map(([key, value]) => [key, value + one[key as keyof GroupSample]]);
    return { ...(Object.fromEntries(added) as GroupSample), fullScans: Math.min(sum.fullScans, one.fullScans) };
  }, first);
}
