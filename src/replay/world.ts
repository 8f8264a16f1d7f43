// The world of a replay: what members hold now, and the scanner that looks at it.

import { ABSENT, type ScanCounters, Scanner, type ScannerRules } from "../core/scanner.js";
import type { Change, Member } from "./members.js";

/** Where a member stands. */
interface Living {
  /** The scanner's number of its first page, and of its registration (0: none yet). */
  base: number;
  registration: number;
  /** It is registered, and neither unmerged nor at its end. */
  mergeable: boolean;
  group: number;
  /** By slot: the content now. */
  contents: Uint32Array;
}

export class World {
  private readonly scanner: Scanner;
  private readonly living: Living[];
  /** The scanner's first page that no registration has. */
  private nextPage = 1;

  /** groupOf: by member; moves: how often each member will change its group; off: nothing is ever registered. */
  constructor(
    module: WebAssembly.Module,
    private readonly members: readonly Member[],
    groupOf: ArrayLike<number>,
    groups: number,
    moves: readonly number[],
    rules: ScannerRules,
    private readonly off: boolean,
  ) {
    const pages = members.reduce((sum, { pages }, i) => sum + pages.length * (1 + moves[i]), 0);
    const registrations = moves.reduce((sum, count) => sum + 1 + count, 0);
    this.scanner = new Scanner(module, pages, registrations, groups, rules);
    this.living = members.map(({ pages }, member) => ({
      base: 0,
      registration: 0,
      mergeable: false,
      group: groupOf[member],
      contents: new Uint32Array(pages.length).fill(ABSENT),
    }));
  }

  /** Members that are registered in a group. */
  membersIn(group: number): number {
    return this.living.filter((one) => one.mergeable && one.group === group).length;
  }

  apply(change: Change): void {
    const one = this.living[change.member];
    if (change.kind === "snapshot") this.toSnapshot(one, change.member, change.snapshot);
    else if (change.kind === "write") this.write(one, change.slot, change.content);
    else if (change.kind === "drop") this.drop(one, change.slot);
    else this.leave(one, change.kind);
  }

  private toSnapshot(one: Living, member: number, snapshot: number): void {
    const { contents } = this.members[member].snapshots[snapshot];
    for (let slot = 0; slot < contents.length; slot++) {
      if (contents[slot] === one.contents[slot]) continue;
      if (contents[slot] === ABSENT) this.drop(one, slot);
      else this.write(one, slot, contents[slot]);
    }
    if (snapshot === 0) this.register(one);
  }

  private write(one: Living, slot: number, content: number): void {
    one.contents[slot] = content;
    if (one.mergeable) this.scanner.write(one.base + slot, content, one.group);
  }

  private drop(one: Living, slot: number): void {
    one.contents[slot] = ABSENT;
    if (one.mergeable) this.scanner.drop(one.base + slot, one.group);
  }

  private register(one: Living): void {
    if (this.off) return;
    one.base = this.nextPage;
    this.nextPage += one.contents.length;
    for (let slot = 0; slot < one.contents.length; slot++) {
      if (one.contents[slot] !== ABSENT) this.scanner.write(one.base + slot, one.contents[slot], one.group);
    }
    one.registration = this.scanner.enter(one.base, this.nextPage, one.group);
    one.mergeable = true;
  }

  private leave(one: Living, kind: "exit" | "unmerge"): void {
    if (kind === "exit") one.contents.fill(ABSENT);
    if (one.registration > 0) this.scanner[kind](one.registration);
    one.mergeable = false;
  }

  /** A member goes to another group: unmerged there, registered here. */
  move(member: number, group: number): void {
    const one = this.living[member];
    if (one.group === group) return;
    const { mergeable } = one;
    if (mergeable) this.leave(one, "unmerge");
    one.group = group;
    if (mergeable) this.register(one);
  }

  scan(group: number, pages: number, ns: number): void {
    this.scanner.batch(group, pages, ns / 1e6);
  }

  counters(group: number): ScanCounters {
    return this.scanner.counters(group);
  }
}
