// host.csv: the frames that members really have, by a count of its own: pages that were merged have one frame together until
// they are written.

import { expect } from "vitest";
import { test } from "../support/folder.js";
import { randomNumbers } from "../support/random.js";
import { fingerprint, PAGE, type Pages, replay } from "../support/replayed.js";

const OTHER = 12_345;
const GROUPS: Record<string, string> = { a: "x", b: "x", c: "y", d: "y" };

interface Event {
  timeS: number;
  member: string;
  event: "write" | "drop" | "exit" | "unmerge";
  page?: number;
  content?: number;
}

/** Pages of members, and the frame of each: its number, or `zero` for the kernel's own zero page. */
class Machine {
  private readonly pages = new Map<string, { member: string; content: number; frame: number | "zero" }>();
  private readonly unmerged = new Set<string>();
  private frames = 0;

  constructor(private readonly zeroFrame: boolean) {}

  write(member: string, page: number, content: number): void {
    this.pages.set(`${member} ${page}`, { member, content, frame: this.frames++ });
  }

  drop(member: string, page: number): void {
    this.pages.delete(`${member} ${page}`);
  }

  exit(member: string): void {
    for (const [key, page] of this.pages) if (page.member === member) this.pages.delete(key);
  }

  unmerge(member: string): void {
    this.unmerged.add(member);
    for (const page of this.pages.values()) if (page.member === member) page.frame = this.frames++;
  }

  /** What some passes of a scanner do. */
  merge(): void {
    const frames = new Map<string, number | "zero">();
    for (const page of this.pages.values()) {
      if (this.unmerged.has(page.member)) continue;
      const key = `${GROUPS[page.member]} ${page.content}`;
      const frame = this.zeroFrame && page.content === 0 ? "zero" : page.frame;
      page.frame = frames.get(key) ?? frame;
      frames.set(key, page.frame);
    }
  }

  held(): number {
    const frames = new Set([...this.pages.values()].map(({ frame }) => frame));
    frames.delete("zero");
    return frames.size;
  }
}

/** Much that is equal, in a group and across groups. */
function worldOf(seed: number): Record<string, Pages> {
  const random = randomNumbers(seed);
  const pages = (count: number) => Array.from({ length: count }, () => (random(5) === 0 ? 0 : 1 + random(25)));
  return { a: pages(40), b: pages(30), c: pages(35), d: pages(50) };
}

/** Writes of the same and of other contents, drops and new pages, in the middle of the seconds that end in 5. */
function eventsOf(seed: number): Event[] {
  const random = randomNumbers(seed);
  const events: Event[] = [];
  for (const round of [5, 15, 25, 35]) {
    for (let i = 1; i <= 45; i++) {
      const timeS = (50 * round + i) / 50;
      const member = "abcd"[random(4)];
      const page = random(55);
      if (random(5) === 0) events.push({ timeS, member, event: "drop", page });
      else events.push({ timeS, member, event: "write", page, content: random(30) });
    }
  }
  events.push({ timeS: 26, member: "b", event: "exit" }, { timeS: 36, member: "d", event: "unmerge" });
  return events.sort((one, other) => one.timeS - other.timeS);
}

test.for([
  [1, false],
  [2, true],
  [3, true],
] as const)("frames are counted at each moment (world %s, zero frame: %s)", async ([seed, zeroFrame], { folder }) => {
  const world = worldOf(seed);
  const events = eventsOf(100 + seed);
  const rows = events.map(({ timeS, member, event, page = "", content }) =>
    [timeS, member, event, page, content === undefined ? "" : fingerprint(content)].join(),
  );
  const replayed = await replay(folder, {
    sources: Object.fromEntries(Object.entries(world).map(([member, pages]) => [`${member}@0`, pages])),
    scenario: {
      policy: "groups:groups.csv",
      until: "44s",
      sample: "20ms",
      host: { memory: "1m", other: OTHER },
      events: "events.csv",
      // A pass each second: at rest long before the next events, and between two passes only events matter.
      scanner: { pages_to_scan: 1000, sleep_millisecs: 1000, smart_scan: false, use_zero_pages: zeroFrame },
    },
    files: {
      "groups.csv": `member,group\n${Object.entries(GROUPS)
        .map((row) => `${row.join()}\n`)
        .join("")}`,
      "events.csv": `time_s,member,event,page,fingerprint\n${rows.join("\n")}\n`,
    },
  });
  const used = new Map(replayed.rows("host").map((row) => [row.time_s, Number(row.used_bytes)]));
  const machine = new Machine(zeroFrame);
  for (const [member, pages] of Object.entries(world)) {
    pages.forEach((content, page) => {
      machine.write(member, page, content ?? 0);
    });
  }
  expect(used.size).toBe(44 * 50 + 1);
  const gone = new Set<string>();
  let next = 0;
  let checked = 0;
  for (let tick = 0; tick <= 44 * 50; tick++) {
    const timeS = tick / 50;
    // Four passes after the last event everything is at rest.
    if (tick % 500 === 4 * 50 + 25) machine.merge();
    for (; next < events.length && events[next].timeS <= timeS; next++) {
      const { member, event, page = 0, content = 0 } = events[next];
      if (gone.has(member)) continue;
      if (event === "write") machine.write(member, page, content);
      else if (event === "drop") machine.drop(member, page);
      else machine[event](member);
      if (event === "exit") gone.add(member);
    }
    // From that rest to the next wake-up after the events.
    const second = timeS % 10;
    if (second < 4.5 || second >= 5.99) continue;
    expect([timeS, used.get(String(timeS))]).toEqual([timeS, OTHER + PAGE * machine.held()]);
    checked++;
  }
  expect(checked).toBeGreaterThan(250);
  expect(next).toBe(events.length);
});
