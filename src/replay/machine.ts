// The machine of a run, as controllers see it: members and groups as they are scanned, the settings of the scanner, and what
// was decided.

import type { Controller, EndedPass, Machine, MemberUsage, Speed } from "./controllers/controller.js";
import type { Decision, TimedDecision } from "./course.js";
import type { ReplayMember } from "./members.js";
import { cpuSecondsOf, reclaimedOf } from "./sample.js";
import type { ScannedGroups } from "./scanned-groups.js";
import type { ScannedMembers } from "./scanned-members.js";
import type { Scenario } from "./scenario/schema.js";
import type { UsageRow } from "./usage-file.js";

/** Bytes that a member was promised: the scenario's, or all pages of its first snapshot. */
export function memoryOf(member: ReplayMember, { members, page_size: pageBytes }: Scenario): number {
  return members.get(member.name)?.memory ?? member.firstPages * pageBytes;
}

export class RunningMachine implements Machine {
  ns = 0;
  readonly decisions: TimedDecision[] = [];
  /** Of the one thread that serves all groups. */
  pagesToScan: number;
  readonly pageBytes: number;
  readonly hostBytes: number | undefined;
  private sleep: number;
  private running: boolean;
  private usageRows = 0;
  private readonly latest = new Map<string, UsageRow>();
  private hostRate: number | undefined;

  constructor(
    readonly scanned: ScannedMembers,
    readonly groups: ScannedGroups,
    private readonly scenario: Scenario,
    private readonly usageFile: readonly UsageRow[] | undefined,
  ) {
    const { scanner, host, page_size: pageBytes } = scenario;
    this.pageBytes = pageBytes;
    this.hostBytes = host?.memory;
    this.pagesToScan = scanner.pages_to_scan;
    this.sleep = scanner.sleep_millisecs;
    this.running = scanner.run === 1;
  }

  decide({ decide }: Controller): void {
    const rows = this.usageFile ?? [];
    for (; this.usageRows < rows.length && rows[this.usageRows].ns <= this.ns; this.usageRows++) {
      const row = rows[this.usageRows];
      this.latest.set(row.vm, row);
      this.hostRate = row.muhRate;
    }
    decide?.(this);
  }

  private note(decision: Decision): void {
    this.decisions.push({ ns: this.ns, ...decision });
  }

  usedBytes(): number {
    return (this.scenario.host?.other ?? 0) + this.scanned.frames(this.groups.names.length) * this.pageBytes;
  }

  committedBytes(): number {
    return this.members().reduce((sum, member) => sum + memoryOf(this.scanned.members[member], this.scenario), 0);
  }

  hostUtilization(): number | undefined {
    if (this.usageFile) return this.hostRate;
    return this.hostBytes === undefined ? undefined : this.usedBytes() / this.hostBytes;
  }

  members(): readonly number[] {
    return this.scanned.membersHere();
  }

  memberName(member: number): string {
    return this.scanned.members[member].name;
  }

  usage(member: number): MemberUsage | undefined {
    if (!this.usageFile) {
      const { pages, zeroPages } = this.scanned.pagesOf(member);
      return { usedBytes: (pages - zeroPages) * this.pageBytes, physicalBytes: pages * this.pageBytes };
    }
    const row = this.latest.get(this.memberName(member));
    if (row?.muvBytes === undefined || row.mupBytes === undefined) return undefined;
    // The file knows nothing of this run's balloons, which may be larger.
    return { usedBytes: row.muvBytes, physicalBytes: Math.max(0, row.mupBytes - this.balloonBytes(member)) };
  }

  balloonBytes(member: number): number {
    return this.scanned.balloonPages(member) * this.pageBytes;
  }

  inflate(member: number, bytes: number, zeroFirst: boolean, reason: string): void {
    this.setBalloon(member, "inflate", reason, (pages) => this.scanned.inflate(member, pages, zeroFirst), bytes);
  }

  deflate(member: number, bytes: number, reason: string): void {
    this.setBalloon(member, "deflate", reason, (pages) => this.scanned.deflate(member, pages), bytes);
  }

  private setBalloon(
    member: number,
    action: "inflate" | "deflate",
    reason: string,
    set: (pages: number) => void,
    bytes: number,
  ): void {
    const from = this.balloonBytes(member);
    set(Math.floor(bytes / this.pageBytes));
    const to = this.balloonBytes(member);
    if (to !== from) this.note({ subject: this.memberName(member), kind: "member", action, from, to, reason });
  }

  speeds(): readonly Speed[] {
    const { names, rates } = this.groups;
    const groups = names.flatMap((_, group) => (this.scanned.registeredIn(group) > 0 ? [group] : []));
    if (this.scenario.scanner.threads === "one") {
      return [{ subject: "scanner", groups, pagesToScan: this.pagesToScan }];
    }
    return groups.map((group) => this.speedOf(group, rates[group].pagesToScan));
  }

  private speedOf(group: number, pagesToScan: number): Speed {
    return { subject: this.groups.names[group], group, groups: [group], pagesToScan };
  }

  setSpeed({ subject, group: own, groups, pagesToScan: from }: Speed, to: number, reason: string): boolean {
    if (to === from) return false;
    if (this.scenario.scanner.threads === "one") this.pagesToScan = to;
    else for (const group of groups) this.groups.rates[group].pagesToScan = to;
    this.note({
      ...{ subject, kind: own === undefined ? "scanner" : "group", group: own },
      ...{ action: "pages_to_scan", from, to, reason },
    });
    return true;
  }

  passEnded(controller: Controller, group: number, pass: Omit<EndedPass, "speed">): void {
    controller.passEnded?.(this, { speed: this.speedOf(group, this.groups.rates[group].pagesToScan), ...pass });
  }

  sleepMillisecs(): number {
    return this.sleep;
  }

  setSleep(to: number, reason: string): void {
    if (to === this.sleep) return;
    this.note({ subject: "scanner", kind: "scanner", action: "sleep_millisecs", from: this.sleep, to, reason });
    this.sleep = to;
  }

  isRunning(): boolean {
    return this.running;
  }

  setRunning(to: boolean, reason: string): void {
    if (to === this.running) return;
    this.note({
      subject: "scanner",
      kind: "scanner",
      action: "run",
      from: Number(this.running),
      to: Number(to),
      reason,
    });
    this.running = to;
  }

  reclaimedPages(groups: readonly number[]): number {
    return groups.reduce((sum, group) => sum + reclaimedOf(this.scanned.counters(group)), 0);
  }

  cpuSeconds(groups: readonly number[]): number {
    return groups.reduce((sum, group) => sum + cpuSecondsOf(this.scanned.counters(group), this.scenario), 0);
  }
}
