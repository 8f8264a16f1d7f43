// What happens to members, and when: in columns, since changes that are spread may be as many as pages.

import { ABSENT } from "../core/scanner.js";
import type { Pause } from "../system/pace.js";
import { sortInTurns } from "../system/turns.js";
import { type ReplayEvent, type ReplayMember, slotOf } from "./members.js";

/** In the order in which they happen; those of one time keep theirs: snapshots, then events. */
export interface Changes {
  count: number;
  ns: Float64Array;
  kinds: Uint8Array;
  members: Uint32Array;
  /** Of a write or a drop the slot, of a snapshot its number. */
  places: Uint32Array;
  /** Of a write; content numbers. */
  contents: Uint32Array;
}

export const CHANGE = { snapshot: 0, write: 1, drop: 2, exit: 3, unmerge: 4 } as const;

type Kind = (typeof CHANGE)[keyof typeof CHANGE];

/** Changes between two pauses. */
const STEP = 65536;

/** All changes of a run. random: numbers from 0 to 1, for changes that are spread. */
export async function changesOf(
  members: readonly ReplayMember[],
  events: readonly ReplayEvent[],
  spread: boolean,
  random: () => number,
  pause: Pause,
): Promise<Changes> {
  const list = new ChangeList();
  const rest = async () => {
    const turn = list.count % STEP === 0 ? pause() : undefined;
    if (turn) await turn;
  };
  for (const [member, { snapshots }] of members.entries()) {
    for (const [number, { ns }] of snapshots.entries()) {
      if (spread && number > 0) {
        const [before, after] = [snapshots[number - 1], snapshots[number]];
        for (let slot = 0; slot < after.contents.length; slot++) {
          const content = after.contents[slot];
          if (content === before.contents[slot]) continue;
          const at = ns - Math.floor(random() * (ns - before.ns));
          list.add(at, content === ABSENT ? CHANGE.drop : CHANGE.write, member, slot, content);
          if (list.count % STEP === 0) await rest();
        }
      } else {
        list.add(ns, CHANGE.snapshot, member, number);
      }
      await rest();
    }
  }
  const numbers = new Map(members.map(({ name }, number) => [name, number]));
  for (const { ns, member, event, page, content } of events) {
    const number = numbers.get(member) ?? 0;
    if (event === "exit" || event === "unmerge") list.add(ns, CHANGE[event], number);
    else {
      const slot = slotOf(members[number], page);
      if (slot === undefined) continue; // a drop of a page that was never there
      list.add(ns, CHANGE[event], number, slot, content);
    }
    if (list.count % STEP === 0) await rest();
  }
  return list.sorted(pause);
}

class ChangeList {
  count = 0;
  private columns = columnsFor(1024);

  add(ns: number, kind: Kind, member: number, place = 0, content = 0): void {
    if (this.count === this.columns.ns.length) {
      const old = this.columns;
      this.columns = columnsFor(2 * this.count);
      for (const key of KEYS) this.columns[key].set(old[key]);
    }
    const { ns: times, kinds, members, places, contents } = this.columns;
    times[this.count] = ns;
    kinds[this.count] = kind;
    members[this.count] = member;
    places[this.count] = place;
    contents[this.count++] = content;
  }

  async sorted(pause: Pause): Promise<Changes> {
    const { count, columns } = this;
    const { ns } = columns;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    await sortInTurns(order, (a, b) => ns[a] - ns[b], pause);
    const changes = columnsFor(count);
    for (const key of KEYS) {
      const [from, to] = [columns[key], changes[key]];
      for (let i = 0; i < count; i++) to[i] = from[order[i]];
      const turn = pause();
      if (turn) await turn;
    }
    return { count, ...changes };
  }
}

const columnsFor = (count: number) => ({
  ns: new Float64Array(count),
  kinds: new Uint8Array(count),
  members: new Uint32Array(count),
  places: new Uint32Array(count),
  contents: new Uint32Array(count),
});

const KEYS = ["ns", "kinds", "members", "places", "contents"] as const;
