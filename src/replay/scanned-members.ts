// What members hold now, and the scanner that looks at it.

import type { ScanCounters } from "../core/counts.js";
import { ABSENT, Scanner, type ScannerRules } from "../core/scanner.js";
import type { Pause } from "../system/pace.js";
import { inTurns } from "../system/turns.js";
import { CHANGE, type Changes } from "./changes.js";
import type { MemberContents } from "./contents-now.js";
import type { ReplayMember } from "./members.js";

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
  /** From these slots on nothing is left to take: nothing at all, and no zero page. */
  end: number;
  zeroEnd: number;
}

/** The scanner's number of a member's first page, and of its registration. */
interface ScannerPlace {
  base: number;
  registration: number;
}

/** Pages that are visited between two pauses. */
const STEP_VISITS = 512;
/** The scanner counts the pages of a batch in 32 bits. Its pass ends before. */
const MOST_VISITS = 2 ** 32 - 1;

export class ScannedMembers {
  private readonly scanner: Scanner;
  private readonly living: Living[];
  /** The scanner's first page that no registration has. */
  private nextPage = 1;
  /** By group: members that are registered. */
  private readonly registered: number[] = [];
  private entered: number[] = [];

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
      balloon: { slots: [], taken: new Uint8Array(member.pages.length), end: 0, zeroEnd: 0 },
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
    return this.registered[group] ?? 0;
  }

  /** Whether the scan has nothing to do in a group: no member, and nothing of one that has ended. */
  isEmpty(group: number): boolean {
    return this.scanner.isEmpty(group);
  }

  /** Groups in which members were registered since it was asked last. */
  takeEntered(): number[] {
    const { entered } = this;
    if (entered.length > 0) this.entered = [];
    return entered;
  }

  /** Pages that a member has of the host's memory, and the zero pages among them. */
  pagesOf(member: number): { pages: number; zeroPages: number } {
    return this.living[member];
  }

  /** What members that are there hold now; pages that a balloon took are not there. */
  async contentsNow(pause: Pause): Promise<(MemberContents & { member: number })[]> {
    const now: (MemberContents & { member: number })[] = [];
    for (const member of this.membersHere()) {
      const { contents, balloon } = this.living[member];
      const { name, labels } = this.members[member];
      const held = contents.slice();
      for (const slot of balloon.slots) held[slot] = ABSENT;
      now.push({ member, name, labels, contents: held });
      const turn = pause();
      if (turn) await turn;
    }
    return now;
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

  /** Lets a change happen, by its number. */
  apply({ kinds, members, places, contents }: Changes, change: number, pause: Pause): Promise<void> | undefined {
    const [kind, place] = [kinds[change], places[change]];
    const one = this.living[members[change]];
    if (kind === CHANGE.snapshot) {
      return one.here || place === 0 ? this.toSnapshot(one, members[change], place, pause) : undefined;
    }
    if (!one.here) return undefined;
    if (kind === CHANGE.write) this.write(one, place, contents[change]);
    else if (kind === CHANGE.drop) this.drop(one, place);
    else if (kind === CHANGE.exit) this.exit(one);
    else this.unmerge(one);
    return undefined;
  }

  private async toSnapshot(one: Living, member: number, snapshot: number, pause: Pause): Promise<void> {
    const { contents } = this.members[member].snapshots[snapshot];
    await inTurns(contents.length, pause, (from, to) => {
      for (let slot = from; slot < to; slot++) {
        if (contents[slot] === one.contents[slot]) continue;
        if (contents[slot] === ABSENT) this.drop(one, slot);
        else this.write(one, slot, contents[slot]);
      }
    });
    if (snapshot > 0) return;
    one.here = true;
    await this.register(one, pause);
  }

  private write(one: Living, slot: number, content: number): void {
    const before = one.contents[slot];
    one.contents[slot] = content;
    if (one.balloon.taken[slot]) return;
    canBeTaken(one, slot);
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

  private async register(one: Living, pause: Pause): Promise<void> {
    if (this.off) return;
    const place = this.placeFor(one);
    const { contents, balloon, group } = one;
    await inTurns(contents.length, pause, (from, to) => {
      for (let slot = from; slot < to; slot++) {
        if (contents[slot] === ABSENT || balloon.taken[slot]) continue;
        this.scanner.write(place.base + slot, contents[slot], group);
      }
    });
    const { base, registration } = place;
    one.place = { base, registration: this.scanner.enter(base, base + contents.length, group, registration) };
    this.registered[group] = this.registeredIn(group) + 1;
    this.entered.push(group);
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
    one.balloon = { slots: [], taken: one.balloon.taken.fill(0), end: 0, zeroEnd: 0 };
    one.pages = 0;
    one.zeroPages = 0;
    if (one.place) this.scanner.exit(one.place.registration);
    for (const { registration } of one.former) this.scanner.exit(registration);
    this.leave(one);
  }

  private unmerge(one: Living): void {
    if (!one.place) return;
    this.scanner.unmerge(one.place.registration);
    one.former.push(one.place);
    this.leave(one);
  }

  private leave(one: Living): void {
    if (one.place) this.registered[one.group]--;
    one.place = undefined;
  }

  /** A member goes to another group: unmerged there, registered here. */
  async move(member: number, group: number, pause: Pause): Promise<void> {
    const one = this.living[member];
    if (one.group === group) return;
    const registered = one.place !== undefined;
    this.unmerge(one);
    one.group = group;
    if (registered) await this.register(one, pause);
  }

  balloonPages(member: number): number {
    return this.living[member].balloon.slots.length;
  }

  /** Takes so many pages from a guest, if it has them: zero pages first if asked for, then from the highest address down. */
  inflate(member: number, pages: number, zeroFirst: boolean): void {
    const one = this.living[member];
    const { contents, balloon } = one;
    let left = pages;
    /** Takes what is below a slot; gives the slot from which on it has gone through. */
    const take = (end: number, onlyZero: boolean): number => {
      let slot = end;
      while (slot > 0 && left > 0) {
        slot--;
        if (contents[slot] === ABSENT || balloon.taken[slot] || (onlyZero && contents[slot] !== 0)) continue;
        balloon.taken[slot] = 1;
        balloon.slots.push(slot);
        count(one, contents[slot], -1);
        if (one.place) this.scanner.drop(one.place.base + slot, one.group);
        left--;
      }
      return slot;
    };
    if (zeroFirst) balloon.zeroEnd = take(balloon.zeroEnd, true);
    balloon.end = take(balloon.end, false);
  }

  /** Gives pages back with what they hold now, the last taken first. */
  deflate(member: number, pages: number): void {
    const one = this.living[member];
    const { contents, balloon } = one;
    for (const slot of balloon.slots.splice(Math.max(0, balloon.slots.length - pages)).reverse()) {
      balloon.taken[slot] = 0;
      if (contents[slot] === ABSENT) continue;
      canBeTaken(one, slot);
      count(one, contents[slot], 1);
      if (one.place) this.scanner.write(one.place.base + slot, contents[slot], one.group);
    }
  }

  /** Visits at most so many pages of a group; gives how many. */
  scan(group: number, pages: number, ns: number, pause: Pause): number | Promise<number> {
    const most = Math.min(pages, MOST_VISITS);
    return most <= STEP_VISITS ? this.scanner.batch(group, most, ns / 1e6) : this.scanInTurns(group, most, ns, pause);
  }

  private async scanInTurns(group: number, pages: number, ns: number, pause: Pause): Promise<number> {
    for (let visited = 0; visited < pages; ) {
      const step = Math.min(STEP_VISITS, pages - visited);
      const done = this.scanner.batch(group, step, ns / 1e6);
      visited += done;
      if (done < step) return visited;
      const turn = pause();
      if (turn) await turn;
    }
    return pages;
  }

  counters(group: number): ScanCounters {
    return this.scanner.counters(group);
  }
}

/** A balloon may take this slot, which it may have passed over before. */
function canBeTaken({ balloon }: Living, slot: number): void {
  balloon.end = Math.max(balloon.end, slot + 1);
  balloon.zeroEnd = Math.max(balloon.zeroEnd, slot + 1);
}

function count(one: Living, content: number, change: 1 | -1): void {
  if (content === ABSENT) return;
  one.pages += change;
  if (content === 0) one.zeroPages += change;
}
