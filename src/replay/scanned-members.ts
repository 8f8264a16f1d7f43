// What members hold now, and the scanner that looks at it.

import { ABSENT, type ScanCounters, Scanner, type ScannerRules } from "../core/scanner.js";
import type { MemberContents } from "./contents-now.js";
import type { Change, ReplayMember } from "./members.js";

/** Where a member stands. */
interface Living {
  /** From its first snapshot to its exit. */
  here: boolean;
  group: number;
  /** By slot: the content now, as the guest has it. */
  contents: Uint32Array;
  /** Pages that it has of the host's memory, and how many of them are zero. */
  pages: number;
  zeroPages: number;
  balloon: BalloonPages;
  /** Where the scanner has its pages; undefined: it is not registered, or was unmerged, or has ended. */
  place: ScannerPlace | undefined;
  /** Where it had them before; the scan may not have come by yet. */
  former: ScannerPlace[];
}

/** Pages that were taken from a guest, in this order, and by slot. */
interface BalloonPages {
  slots: number[];
  taken: Uint8Array;
}

/** The scanner's number of a member's first page, and of its registration. */
interface ScannerPlace {
  base: number;
  registration: number;
}

export class ScannedMembers {
  private readonly scanner: Scanner;
  private readonly living: Living[];
  /** The scanner's first page that no registration has. */
  private nextPage = 1;

  /** groupOf: by member; groups: how many there may ever be; off: nothing is ever registered. */
  constructor(
    module: WebAssembly.Module,
    readonly members: readonly ReplayMember[],
    groupOf: ArrayLike<number>,
    groups: number,
    rules: ScannerRules,
    private readonly off: boolean,
  ) {
    const pages = members.reduce((sum, member) => sum + member.pages.length, 0);
    this.scanner = new Scanner(module, off ? 0 : pages, members.length, groups, rules);
    this.living = members.map((member, number) => ({
      here: false,
      group: groupOf[number],
      contents: new Uint32Array(member.pages.length).fill(ABSENT),
      pages: 0,
      zeroPages: 0,
      balloon: { slots: [], taken: new Uint8Array(member.pages.length) },
      place: undefined,
      former: [],
    }));
  }

  /** Members that are there, by number. */
  membersHere(): number[] {
    return this.living.flatMap(({ here }, member) => (here ? [member] : []));
  }

  groupOf(member: number): number {
    return this.living[member].group;
  }

  /** Members that are registered in a group. */
  registeredIn(group: number): number {
    return this.living.reduce((sum, one) => sum + (one.place && one.group === group ? 1 : 0), 0);
  }

  /** Pages that a member has of the host's memory, and the zero pages among them. */
  pagesOf(member: number): { pages: number; zeroPages: number } {
    return this.living[member];
  }

  /** What members that are there hold now; pages that a balloon took are not there. */
  contentsNow(): (MemberContents & { member: number })[] {
    return this.membersHere().map((member) => {
      const { contents, balloon } = this.living[member];
      const { name, labels } = this.members[member];
      const held = contents.map((content, slot) => (balloon.taken[slot] ? ABSENT : content));
      return { member, name, labels, contents: held };
    });
  }

  /** Frames that members have, of which several pages share some. */
  frames(groups: number): number {
    let frames = this.living.reduce((sum, { pages }) => sum + pages, 0);
    for (let group = 0; group < groups; group++) frames -= this.counters(group).savedFrames;
    return frames;
  }

  /** A member's proportional part of what its group has reclaimed, in pages. */
  entitlement(member: number): number {
    const { place } = this.living[member];
    return place ? this.scanner.shareOf(place.registration) : 0;
  }

  apply(change: Change): void {
    const one = this.living[change.member];
    const begins = change.kind === "snapshot" && change.snapshot === 0;
    if (!one.here && !begins) return;
    if (change.kind === "snapshot") this.toSnapshot(one, change.member, change.snapshot);
    else if (change.kind === "write") this.write(one, change.slot, change.content);
    else if (change.kind === "drop") this.drop(one, change.slot);
    else if (change.kind === "exit") this.exit(one);
    else this.unmerge(one);
  }

  private toSnapshot(one: Living, member: number, snapshot: number): void {
    const { contents } = this.members[member].snapshots[snapshot];
    for (let slot = 0; slot < contents.length; slot++) {
      if (contents[slot] === one.contents[slot]) continue;
      if (contents[slot] === ABSENT) this.drop(one, slot);
      else this.write(one, slot, contents[slot]);
    }
    if (snapshot > 0) return;
    one.here = true;
    this.register(one);
  }

  private write(one: Living, slot: number, content: number): void {
    const before = one.contents[slot];
    one.contents[slot] = content;
    if (one.balloon.taken[slot]) return;
    count(one, before, -1);
    count(one, content, 1);
    if (one.place) this.scanner.write(one.place.base + slot, content, one.group);
  }

  private drop(one: Living, slot: number): void {
    const before = one.contents[slot];
    one.contents[slot] = ABSENT;
    if (one.balloon.taken[slot]) return;
    count(one, before, -1);
    if (one.place) this.scanner.drop(one.place.base + slot, one.group);
  }

  private register(one: Living): void {
    if (this.off) return;
    const place = this.placeFor(one);
    const { contents, balloon, group } = one;
    for (let slot = 0; slot < contents.length; slot++) {
      if (contents[slot] === ABSENT || balloon.taken[slot]) continue;
      this.scanner.write(place.base + slot, contents[slot], group);
    }
    const { base, registration } = place;
    one.place = { base, registration: this.scanner.enter(base, base + contents.length, group, registration) };
  }

  /** Where a member's pages were before and nothing is left of them, or a new place (registration 0). */
  private placeFor(one: Living): ScannerPlace {
    const free = one.former.findIndex(({ registration }) => this.scanner.isGone(registration));
    if (free >= 0) return one.former.splice(free, 1)[0];
    const base = this.nextPage;
    this.nextPage += one.contents.length;
    this.scanner.reservePages(this.nextPage - 1);
    return { base, registration: 0 };
  }

  private exit(one: Living): void {
    one.here = false;
    one.contents.fill(ABSENT);
    one.balloon = { slots: [], taken: one.balloon.taken.fill(0) };
    one.pages = 0;
    one.zeroPages = 0;
    if (one.place) this.scanner.exit(one.place.registration);
    for (const { registration } of one.former) this.scanner.exit(registration);
    one.place = undefined;
  }

  private unmerge(one: Living): void {
    if (!one.place) return;
    this.scanner.unmerge(one.place.registration);
    one.former.push(one.place);
    one.place = undefined;
  }

  /** A member goes to another group: unmerged there, registered here. */
  move(member: number, group: number): void {
    const one = this.living[member];
    if (one.group === group) return;
    const registered = one.place !== undefined;
    this.unmerge(one);
    one.group = group;
    if (registered) this.register(one);
  }

  balloonPages(member: number): number {
    return this.living[member].balloon.slots.length;
  }

  /** Takes so many pages from a guest, if it has them: zero pages first if asked for, then from the highest address down. */
  inflate(member: number, pages: number, zeroFirst: boolean): void {
    const one = this.living[member];
    const { contents, balloon } = one;
    let left = pages;
    const take = (suits: (content: number) => boolean) => {
      for (let slot = contents.length - 1; slot >= 0 && left > 0; slot--) {
        if (contents[slot] === ABSENT || balloon.taken[slot] || !suits(contents[slot])) continue;
        balloon.taken[slot] = 1;
        balloon.slots.push(slot);
        count(one, contents[slot], -1);
        if (one.place) this.scanner.drop(one.place.base + slot, one.group);
        left--;
      }
    };
    if (zeroFirst) take((content) => content === 0);
    take(() => true);
  }

  /** Gives pages back with what they hold now, the last taken first. */
  deflate(member: number, pages: number): void {
    const one = this.living[member];
    const { contents, balloon } = one;
    for (const slot of balloon.slots.splice(Math.max(0, balloon.slots.length - pages)).reverse()) {
      balloon.taken[slot] = 0;
      if (contents[slot] === ABSENT) continue;
      count(one, contents[slot], 1);
      if (one.place) this.scanner.write(one.place.base + slot, contents[slot], one.group);
    }
  }

  scan(group: number, pages: number, ns: number): void {
    this.scanner.batch(group, pages, ns / 1e6);
  }

  counters(group: number): ScanCounters {
    return this.scanner.counters(group);
  }
}

function count(one: Living, content: number, change: 1 | -1): void {
  if (content === ABSENT) return;
  one.pages += change;
  if (content === 0) one.zeroPages += change;
}
