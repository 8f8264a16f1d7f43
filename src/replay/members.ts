// The members of a replay: their pages in a row, what these hold at each snapshot, and what happens when.

import { ABSENT } from "../core/scanner.js";

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

/** What happens to a member at a time; changes of one time keep their order: snapshots, then events. */
export type Change =
  | { ns: number; kind: "snapshot"; member: number; snapshot: number }
  | { ns: number; kind: "write"; member: number; slot: number; content: number }
  | { ns: number; kind: "drop"; member: number; slot: number }
  | { ns: number; kind: "exit" | "unmerge"; member: number };

/** Members in the order of their first snapshots' sources. events: all that may come, of any run. */
export function membersOf(snapshots: readonly ReplaySnapshot[], events: readonly ReplayEvent[]): ReplayMember[] {
  const byName = new Map<string, ReplaySnapshot[]>();
  for (const snapshot of snapshots) byName.set(snapshot.member, [...(byName.get(snapshot.member) ?? []), snapshot]);
  const written = new Map<string, number[]>();
  for (const { member, event, page } of events) {
    if (event === "write") written.set(member, [...(written.get(member) ?? []), page]);
  }
  return [...byName].map(([name, own]) => {
    const pages = unionOf(
      own.map((snapshot) => snapshot.pages),
      written.get(name) ?? [],
    );
    const ordered = [...own].sort((a, b) => a.ns - b.ns);
    return {
      name,
      labels: own[0].labels,
      pages,
      firstPages: ordered[0].pages.length,
      snapshots: ordered.map((snapshot) => ({ ns: snapshot.ns, contents: aligned(snapshot, pages) })),
    };
  });
}

function unionOf(snapshots: readonly Float64Array[], written: readonly number[]): Float64Array {
  // The snapshots of a machine mostly have the same pages.
  const lists = [...new Set(snapshots)];
  if (lists.length === 1 && written.length === 0) return lists[0];
  const all = new Set<number>(written);
  for (const list of lists) for (const page of list) all.add(page);
  return Float64Array.from(all).sort();
}

/** A snapshot's contents by slot. */
function aligned({ pages, contents }: ReplaySnapshot, slots: Float64Array): Uint32Array {
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
function slotOf({ pages }: ReplayMember, page: number): number | undefined {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pages[middle] < page) low = middle + 1;
    else high = middle;
  }
  return pages[low] === page ? low : undefined;
}

/** All changes in the order in which they happen. random: numbers from 0 to 1, for changes that are spread. */
export function changesOf(
  members: readonly ReplayMember[],
  events: readonly ReplayEvent[],
  spread: boolean,
  random: () => number,
): Change[] {
  const changes: Change[] = [];
  for (const [member, { snapshots }] of members.entries()) {
    for (const [snapshot, { ns }] of snapshots.entries()) {
      if (spread && snapshot > 0) changes.push(...spreadChanges(members[member], member, snapshot, random));
      else changes.push({ ns, kind: "snapshot", member, snapshot });
    }
  }
  const numbers = new Map(members.map(({ name }, number) => [name, number]));
  for (const { ns, member, event, page, content } of events) {
    const number = numbers.get(member) ?? 0;
    if (event === "exit" || event === "unmerge") {
      changes.push({ ns, kind: event, member: number });
      continue;
    }
    const slot = slotOf(members[number], page);
    if (slot === undefined) continue; // a drop of a page that was never there
    if (event === "write") changes.push({ ns, kind: "write", member: number, slot, content });
    else changes.push({ ns, kind: "drop", member: number, slot });
  }
  return changes.sort((a, b) => a.ns - b.ns);
}

/** The pages in which a snapshot differs from the one before, each at a time between the two. */
function spreadChanges({ snapshots }: ReplayMember, member: number, snapshot: number, random: () => number): Change[] {
  const [before, after] = [snapshots[snapshot - 1], snapshots[snapshot]];
  const changes: Change[] = [];
  for (let slot = 0; slot < after.contents.length; slot++) {
    const content = after.contents[slot];
    if (content === before.contents[slot]) continue;
    const ns = after.ns - Math.floor(random() * (after.ns - before.ns));
    changes.push(
      content === ABSENT ? { ns, kind: "drop", member, slot } : { ns, kind: "write", member, slot, content },
    );
  }
  return changes;
}
