// The members of a replay: their pages in a row, and what these hold at each snapshot.

import { ABSENT } from "../core/scanner.js";
import type { Pause } from "../system/pace.js";
import { sortInTurns } from "../system/turns.js";

/** A member's snapshot: page numbers, ascending, and contents (numbers in the kernel's order). */
export interface ReplaySnapshot {
  member: string;
  labels: Readonly<Record<string, string>>;
  ns: number;
  pages: Float64Array;
  contents: Uint32Array;
}

export interface ReplayEvent {
  ns: number;
  member: string;
  event: "write" | "drop" | "exit" | "unmerge";
  /** Of a write or a drop. */
  page: number;
  /** Of a write. */
  content: number;
}

/** A member with all pages that it ever has, by slot. */
export interface ReplayMember {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Page numbers, ascending. */
  pages: Float64Array;
  /** How many its first snapshot has. */
  firstPages: number;
  snapshots: { ns: number; contents: Uint32Array }[];
}

/** Members in the order of their first snapshots' sources. events: all that may come, of any run. */
export async function membersOf(
  snapshots: readonly ReplaySnapshot[],
  events: readonly ReplayEvent[],
  pause: Pause,
): Promise<ReplayMember[]> {
  const byName = listsBy(snapshots, ({ member }) => member);
  const written = listsBy(
    events.filter(({ event }) => event === "write"),
    ({ member }) => member,
  );
  const members: ReplayMember[] = [];
  for (const [name, own] of byName) {
    const lists = [...new Set(own.map((snapshot) => snapshot.pages))];
    const more = written.get(name) ?? [];
    if (more.length > 0) lists.push(Float64Array.from(more, ({ page }) => page));
    const pages = await unionOf(lists, pause);
    const ordered = [...own].sort((a, b) => a.ns - b.ns);
    const aligned = [];
    for (const snapshot of ordered) {
      aligned.push({ ns: snapshot.ns, contents: alignedTo(pages, snapshot) });
      const turn = pause();
      if (turn) await turn;
    }
    members.push({ name, labels: own[0].labels, pages, firstPages: ordered[0].pages.length, snapshots: aligned });
  }
  return members;
}

/** Items by key, in their order. */
function listsBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const lists = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const list = lists.get(key);
    if (list) list.push(item);
    else lists.set(key, [item]);
  }
  return lists;
}

/** Each page of some lists once, ascending. The snapshots of a machine mostly have the same list. */
async function unionOf(lists: readonly Float64Array[], pause: Pause): Promise<Float64Array> {
  if (lists.length === 1) return lists[0];
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0));
  let count = 0;
  for (const list of lists) {
    all.set(list, count);
    count += list.length;
  }
  await sortInTurns(all, undefined, pause);
  count = 0;
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[count++] = all[i];
  return all.slice(0, count);
}

/** A snapshot's contents by slot. */
function alignedTo(slots: Float64Array, { pages, contents }: ReplaySnapshot): Uint32Array {
  if (pages.length === slots.length) return contents;
  const all = new Uint32Array(slots.length).fill(ABSENT);
  let slot = 0;
  for (let i = 0; i < pages.length; i++) {
    while (slots[slot] !== pages[i]) slot++;
    all[slot] = contents[i];
  }
  return all;
}

/** The slot of a page; undefined if the member never has it. */
export function slotOf({ pages }: ReplayMember, page: number): number | undefined {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pages[middle] < page) low = middle + 1;
    else high = middle;
  }
  return pages[low] === page ? low : undefined;
}
