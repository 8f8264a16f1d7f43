// Small worlds that change: few contents, several snapshots of a member, events of all kinds.

import * as fc from "fast-check";
import type { Event, Pages, Snapshot } from "./scenario.js";

export interface ChangingWorld {
  snapshots: Snapshot[];
  events: Event[];
}

const CONTENTS = 6;
const TIMES_S = [0, 0.1, 0.33, 0.5, 0.9];
const MOST_PAGES = 9;

/** The zero page comes first, so that every world knows which content that is. */
const pages: fc.Arbitrary<Pages> = fc
  .array(fc.option(fc.nat(CONTENTS), { freq: 6 }), { maxLength: MOST_PAGES })
  .map((some) => [0, ...some]);

const snapshotsOf = (member: string) =>
  fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...TIMES_S), { minLength: 1, maxLength: 3 }),
      fc.array(pages, { minLength: 3 }),
    )
    .map(([times, all]): Snapshot[] =>
      times.sort((a, b) => a - b).map((timeS, i) => ({ member, timeS, pages: all[i] })),
    );

const eventOf = (members: readonly string[]): fc.Arbitrary<Event> =>
  fc
    .record({
      timeS: fc.nat(150).map((hundredths) => hundredths / 100),
      member: fc.constantFrom(...members),
      event: fc.oneof(
        { arbitrary: fc.constant<Event["event"]>("write"), weight: 12 },
        { arbitrary: fc.constant<Event["event"]>("drop"), weight: 4 },
        { arbitrary: fc.constantFrom<Event["event"]>("exit", "unmerge"), weight: 1 },
      ),
      page: fc.nat(MOST_PAGES + 3),
      content: fc.nat(CONTENTS),
    })
    .map(({ timeS, member, event, page, content }) => {
      if (event === "write") return { timeS, member, event, page, content };
      return event === "drop" ? { timeS, member, event, page } : { timeS, member, event };
    });

/** The snapshots of members of these names, and what happens to them, in the order of time. */
export const changingWorld = (members: readonly string[]): fc.Arbitrary<ChangingWorld> =>
  fc.record({
    snapshots: fc.tuple(...members.map(snapshotsOf)).map((all) => all.flat()),
    events: fc.array(eventOf(members), { maxLength: 40 }).map((all) => all.sort((a, b) => a.timeS - b.timeS)),
  });

/** Settings of a scanner whose batches are small. */
export const scanner: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({
    rules: fc.constantFrom("linux-6.1", "linux-6.11"),
    pages_to_scan: fc.integer({ min: 1, max: 12 }),
    smart_scan: fc.boolean(),
    use_zero_pages: fc.boolean(),
    max_page_sharing: fc.integer({ min: 2, max: 5 }),
    stable_node_chains_prune_millisecs: fc.constantFrom(0, 100, 2000),
    cpu: fc.constantFrom("free", "modelled"),
  }),
  fc.record({
    rules: fc.constantFrom("linux-2.6.36", "linux-3.6"),
    pages_to_scan: fc.integer({ min: 1, max: 12 }),
    cpu: fc.constantFrom("free", "modelled"),
  }),
);

/** What a member holds in the end, if it does not exit. */
export function lastPages(member: string, { snapshots, events }: ChangingWorld): Pages {
  const pages: (number | null)[] = [];
  const happens = [
    ...snapshots.filter((one) => one.member === member),
    ...events.filter((one) => one.member === member),
  ].sort((a, b) => a.timeS - b.timeS);
  let here = false;
  for (const one of happens) {
    if ("pages" in one) {
      here = true;
      pages.length = 0;
      pages.push(...one.pages);
    } else if (here && one.page !== undefined) {
      while (pages.length <= one.page) pages.push(null);
      pages[one.page] = one.content ?? null;
    }
  }
  return pages;
}
