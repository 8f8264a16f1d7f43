// SEMMA's decision maker against a twin with a balloon and a host of its own.

import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { randomNumbers } from "../support/random.js";
import { decision, fromMs, PAGE, type Pages, type Replayed, replay, type World } from "../support/replayed.js";

const SLEEP_MS = 40;
/** A sample between two wake-ups: what a decision sees is what the sample before it has. */
const SAMPLE_MS = 20;

interface Settings {
  every: number;
  per_vm: boolean;
  ur: [number, number];
  muh: [number, number];
  balloon_step: number;
  balloon_takes: "zero-first" | "highest";
  scan_step: number;
  scan_min: number;
  scan_max: number;
}

const DEFAULTS: Settings = {
  every: 2,
  per_vm: true,
  ur: [0.7, 0.8],
  muh: [0.6, 0.8],
  balloon_step: 16 * 2 ** 20,
  balloon_takes: "zero-first",
  scan_step: 100,
  scan_min: 64,
  scan_max: 1250,
};

interface UsageRow {
  timeS: number;
  vm: string;
  muv: number;
  mup: number;
  muh: number;
}

const usageCsv = (rows: readonly UsageRow[]) =>
  `time_s,vm,muv_bytes,mup_bytes,muh_rate\n${rows.map(({ timeS, vm, muv, mup, muh }) => `${timeS},${vm},${muv},${mup},${muh}\n`).join("")}`;

/** A guest's pages, and those that its balloon has. */
class Guest {
  contents: (number | undefined)[] = [];
  /** In the order in which they were taken. */
  readonly taken: number[] = [];

  held(): number[] {
    return this.contents.flatMap((content, page) =>
      content === undefined || this.taken.includes(page) ? [] : [content],
    );
  }

  inflate(pages: number, takes: Settings["balloon_takes"]): void {
    for (let left = pages; left > 0; left--) {
      const free = [...this.contents.keys()].filter(
        (page) => this.contents[page] !== undefined && !this.taken.includes(page),
      );
      const zero = takes === "zero-first" ? free.filter((page) => this.contents[page] === 0) : [];
      const page = Math.max(...(zero.length > 0 ? zero : free));
      if (page >= 0) this.taken.push(page);
    }
  }

  deflate(pages: number): void {
    for (let left = pages; left > 0; left--) this.taken.pop();
  }
}

interface Expected {
  decisions: string[];
  /** By decision, just before it: what guests have, by group. */
  held: Map<string, number[]>[];
}

/** Everything that SEMMA decides. muhAt: how full the host is at a decision. */
function twin(
  { sources, scenario }: World,
  settings: Settings,
  groupOf: (member: string) => string,
  muhAt: (timeS: number) => number | undefined,
  usage?: readonly UsageRow[],
): Expected {
  const { until, scanner } = scenario as { until: number; scanner: { pages_to_scan: number; threads?: string } };
  const snapshots = Object.entries(sources).map(([source, pages]) => {
    const [member, timeS] = source.split("@");
    return { member, timeS: Number(timeS), pages };
  });
  const names = [...new Set(snapshots.map(({ member }) => member))];
  const groups = [...new Set(names.map(groupOf))];
  const guests = new Map<string, Guest>();
  const subjects = scanner.threads === "one" ? ["scanner"] : groups;
  const speeds = new Map(subjects.map((subject) => [subject, scanner.pages_to_scan]));
  const expected: Expected = { decisions: [], held: [] };
  const pagesOfStep = Math.floor(settings.balloon_step / PAGE);
  const note = (...cells: Parameters<typeof decision>) => {
    if (cells[3] !== cells[4]) expected.decisions.push(decision(...cells));
  };
  for (let timeS = settings.every; timeS <= until; timeS += settings.every) {
    for (const { member, pages } of snapshots.filter(
      (one) => one.timeS > timeS - settings.every && one.timeS <= timeS,
    )) {
      const guest = guests.get(member) ?? new Guest();
      guest.contents = [...pages];
      guests.set(member, guest);
    }
    if (timeS === settings.every) {
      for (const { member, pages } of snapshots.filter((one) => one.timeS === 0)) {
        const guest = new Guest();
        guest.contents = [...pages];
        guests.set(member, guest);
      }
    }
    const here = names.filter((name) => guests.has(name));
    const guest = (name: string) => guests.get(name) ?? new Guest();
    expected.held.push(
      new Map(
        groups.map((group) => [
          group,
          here.filter((name) => groupOf(name) === group).flatMap((name) => guest(name).held()),
        ]),
      ),
    );
    const ratios = here.map((name) => {
      if (!usage) {
        const held = guest(name).held();
        return held.filter((content) => content !== 0).length / held.length;
      }
      const row = usage.filter((one) => one.vm === name && one.timeS <= timeS).pop();
      return row && row.muv / (row.mup - guest(name).taken.length * PAGE);
    });
    const muh = muhAt(timeS);
    const scan = () => {
      for (const [subject, from] of speeds) {
        if (!(scanner.threads === "one" || here.some((name) => groupOf(name) === subject))) continue;
        let to = from;
        if (muh !== undefined && muh > settings.muh[1]) to = Math.min(settings.scan_max, from + settings.scan_step);
        if (muh !== undefined && muh < settings.muh[0]) to = Math.max(settings.scan_min, from - settings.scan_step);
        note(timeS, subject, "pages_to_scan", from, to);
        speeds.set(subject, to);
      }
    };
    here.forEach((name, i) => {
      const ratio = ratios[i];
      const from = guest(name).taken.length * PAGE;
      if (ratio !== undefined && ratio > settings.ur[1]) {
        guest(name).deflate(pagesOfStep);
        note(timeS, name, "deflate", from, guest(name).taken.length * PAGE);
      }
      if (ratio !== undefined && ratio < settings.ur[0]) {
        guest(name).inflate(pagesOfStep, settings.balloon_takes);
        note(timeS, name, "inflate", from, guest(name).taken.length * PAGE);
      }
      if (settings.per_vm) scan();
    });
    if (!settings.per_vm) scan();
  }
  return expected;
}

/** MUH of a replayed host: what was used just before a decision. */
function hostOf(replayed: Replayed): (timeS: number) => number {
  const used = new Map(
    replayed.rows("host").map((row) => [row.time_s, Number(row.used_bytes) / Number(row.host_bytes)]),
  );
  return (timeS) => used.get(String(fromMs(Math.round(1000 * timeS) - SAMPLE_MS))) ?? Number.NaN;
}

/** Pages that a scanner at rest has merged away: all but one of each content. */
const merged = (held: readonly number[]) => held.length - new Set(held).size;

/** Pages of a guest: some zero, some that others have, some of its own. */
function randomPages(random: (end: number) => number, pages: number, zeroPercent: number): Pages {
  return Array.from({ length: pages }, () => {
    if (random(100) < zeroPercent) return 0;
    return random(2) === 0 ? 1 + random(40) : 1000 + random(1_000_000);
  });
}

/** Guests that use little of their memory, then more, then little again; c comes later. */
function guestsOf(seed: number): Record<string, Pages> {
  const random = randomNumbers(seed);
  return {
    "a@0": randomPages(random, 100, 70),
    "b@0": randomPages(random, 60, 25),
    "c@3.5": randomPages(random, 80, 50),
    "a@9.5": randomPages(random, 100, 5),
    "b@11.5": randomPages(random, 60, 90),
    "c@13.5": randomPages(random, 80, 0),
    "a@17.5": randomPages(random, 120, 40),
  };
}

const GROUPS: Record<string, string> = { a: "x", b: "y", c: "x" };
const files = { "groups.csv": "member,group\na,x\nb,y\nc,x\n" };
const MEMORY = 240 * PAGE;

const VARIANTS: [what: string, own: Partial<Settings>, more?: object][] = [
  ["per VM, a thread for each group", {}],
  ["once a period", { per_vm: false }],
  ["per VM, one thread", {}, { threads: "one" }],
  ["once a period, one thread", { per_vm: false, scan_step: 30 }, { threads: "one" }],
  ["from the highest page down", { balloon_takes: "highest" }],
  ["other thresholds", { ur: [0.5, 0.9], muh: [0.5, 0.7] }],
  ["speeds at their bounds at once", { scan_step: 5000, scan_min: 80, scan_max: 120 }],
  ["every second, in large steps", { every: 1, balloon_step: 40 * PAGE, scan_min: 60, scan_step: 33 }],
];

describe("decisions and balloons", () => {
  test.for(VARIANTS)("%s", async ([, own, threads = {}], { folder }) => {
    const settings: Settings = { ...DEFAULTS, balloon_step: 9 * PAGE + 1, ...own };
    const { every, ...rest } = settings;
    const world: World = {
      sources: guestsOf(7),
      scenario: {
        policy: "groups:groups.csv",
        until: 22,
        sample: fromMs(SAMPLE_MS),
        host: { memory: MEMORY, other: 20 * PAGE },
        controller: { kind: "semma", every: `${every}s`, ...rest },
        scanner: { pages_to_scan: 100, sleep_millisecs: SLEEP_MS, smart_scan: false, ...threads },
      },
      files,
    };
    const replayed = await replay(folder, world);
    const { decisions, held } = twin(world, settings, (member) => GROUPS[member], hostOf(replayed));
    expect(replayed.decisions()).toEqual(decisions);
    const counts = ["inflate", "deflate", "pages_to_scan"].map((action) =>
      decisions.filter((one) => one.includes(action)),
    );
    for (const some of counts) expect(some.length).toBeGreaterThan(0);
    // A taken page is not there, whatever snapshots say later, and one that is given back has what it should hold by now.
    const samples = new Map(replayed.rows("samples").map((row) => [`${row.time_s} ${row.group}`, row]));
    const used = new Map(replayed.rows("host").map((row) => [row.time_s, row.used_bytes]));
    held.forEach((byGroup, i) => {
      const before = String(fromMs(1000 * every * (i + 1) - SAMPLE_MS));
      for (const [group, contents] of byGroup) {
        const row = samples.get(`${before} ${group}`);
        // A frame that only one page is left of still counts as shared.
        expect(Number(row?.pages_shared) + Number(row?.pages_unshared)).toBe(new Set(contents).size);
        expect(row).toMatchObject({ pages_sharing: String(merged(contents)), pages_volatile: "0" });
      }
      const frames = [...byGroup.values()].reduce((sum, contents) => sum + new Set(contents).size, 0);
      expect(used.get(before)).toBe(String((20 + frames) * PAGE));
    });
  });
});

describe("measured usage", () => {
  const K = 1024;
  const USAGE: UsageRow[] = [
    { timeS: 0, vm: "a", muv: 100 * K, mup: 400 * K, muh: 0.5 },
    { timeS: 0, vm: "b", muv: 180 * K, mup: 240 * K, muh: 0.7 },
    { timeS: 5, vm: "a", muv: 390 * K, mup: 400 * K, muh: 0.9 },
    { timeS: 7.5, vm: "c", muv: 10 * K, mup: 100 * K, muh: 0.81 },
    { timeS: 12, vm: "c", muv: 95 * K, mup: 100 * K, muh: 0.3 },
    { timeS: 12, vm: "a", muv: 200 * K, mup: 400 * K, muh: 0.61 },
    { timeS: 20, vm: "b", muv: 0, mup: 240 * K, muh: 0.2 },
  ];

  test.for([true, false])("per_vm: %s", async (perVm, { folder }) => {
    const settings: Settings = { ...DEFAULTS, per_vm: perVm, balloon_step: 5 * PAGE, scan_step: 40 };
    const world: World = {
      sources: guestsOf(11),
      scenario: {
        policy: "groups:groups.csv",
        until: 22,
        sample: "1s",
        usage: "usage.csv",
        // The file says how full the host is, whatever is known of it.
        host: { memory: MEMORY },
        controller: { kind: "semma", per_vm: perVm, balloon_step: 5 * PAGE, scan_step: 40 },
        scanner: { pages_to_scan: 100, sleep_millisecs: SLEEP_MS },
      },
      // Rows need not be in the order of time.
      files: { ...files, "usage.csv": usageCsv([...USAGE.slice(4), ...USAGE.slice(0, 4)]) },
    };
    const replayed = await replay(folder, world);
    const muhAt = (timeS: number) => USAGE.filter((row) => row.timeS <= timeS).pop()?.muh;
    // Of two rows of one time the last in the file counts: here they are in the order of the file.
    const { decisions } = twin(world, settings, (member) => GROUPS[member], muhAt, USAGE);
    expect(replayed.decisions()).toEqual(decisions);
    expect(decisions.length).toBeGreaterThan(10);
  });

  test("a balloon larger than the memory that was measured is let down", async ({ folder }) => {
    const usage = [
      { timeS: 0, vm: "a", muv: PAGE, mup: 100 * PAGE, muh: 0.7 },
      { timeS: 5, vm: "a", muv: 9 * PAGE, mup: 10 * PAGE, muh: 0.7 },
    ];
    const scenario = {
      until: 6,
      usage: "usage.csv",
      controller: { kind: "semma", balloon_step: 20 * PAGE },
      scanner: { rules: "off" },
    };
    const sources = { "a@0": Array.from({ length: 100 }, (_, page) => page) };
    const replayed = await replay(folder, { sources, scenario, files: { "usage.csv": usageCsv(usage) } });
    const to = [20, 40, 20].map((pages) => String(pages * PAGE));
    expect(replayed.rows("decisions").map(({ action, to: pages }) => [action, pages])).toEqual([
      ["inflate", to[0]],
      ["inflate", to[1]],
      ["deflate", to[2]],
    ]);
  });

  test("a balloon stays as it is while it is not known what its guest uses; the host's rate counts", async ({
    folder,
  }) => {
    const scenario = {
      until: 8,
      usage: "usage.csv",
      controller: { kind: "semma", balloon_step: 3 * PAGE, scan_step: 40 },
      scanner: { pages_to_scan: 100, sleep_millisecs: SLEEP_MS },
    };
    const sources = { "a@0": Array.from({ length: 100 }, (_, page) => page) };
    const rows = [`0,a,${PAGE},${100 * PAGE},0.7`, `3,a,,${100 * PAGE},0.7`, "5,a,,,0.9", `7,a,${PAGE},,0.7`];
    const usage = `time_s,vm,muv_bytes,mup_bytes,muh_rate\n${rows.join("\n")}\n`;
    const replayed = await replay(folder, { sources, scenario, files: { "usage.csv": usage } });
    // Decisions are at 2, 4, 6 and 8 s.
    expect(replayed.rows("decisions").map((row) => [row.time_s, row.action, row.to])).toEqual([
      ["2", "inflate", String(3 * PAGE)],
      ["6", "pages_to_scan", "140"],
    ]);
  });
});

describe("a balloon's pages", () => {
  const MUH = 0.7;
  /** Inflates at 2 and 4 s, holds, deflates at 8 and 10 s, two pages each. */
  const USAGE = [
    { timeS: 0, vm: "a", muv: 1, mup: 100 * PAGE, muh: MUH },
    { timeS: 5, vm: "a", muv: 72 * PAGE, mup: 104 * PAGE, muh: MUH },
    { timeS: 7, vm: "a", muv: 100 * PAGE, mup: 100 * PAGE, muh: MUH },
    { timeS: 11, vm: "a", muv: 75 * PAGE, mup: 100 * PAGE, muh: MUH },
  ];
  const scenario = {
    until: 14,
    sample: fromMs(SLEEP_MS),
    usage: "usage.csv",
    controller: { kind: "semma", balloon_step: 2 * PAGE },
    scanner: { pages_to_scan: 100, sleep_millisecs: SLEEP_MS, smart_scan: false },
    host: { memory: MEMORY },
  };
  const A: Pages = [11, 12, 0, 13, 0, 14];

  /** Counters just before a time. */
  const countBefore = (replayed: Replayed, timeS: number, column: string) =>
    Number(
      replayed
        .rows("samples")
        .find((row) => row.time_s === String(fromMs(1000 * timeS - SLEEP_MS)) && row.group === "*")?.[column],
    );

  test("zero pages first, then the highest; the last taken comes back first, with what it holds by then", async ({
    folder,
  }) => {
    // b has a page of each content that a's pages have at first, and of 15, which a's page 3 has later.
    const sources = { "a@0": A, "b@0": [11, 12, 13, 14, 15, 16], "a@6": [11, 12, 0, 15, 99, 14] };
    const replayed = await replay(folder, { sources, scenario, files: { "usage.csv": usageCsv(USAGE) } });
    const sharing = [2, 4, 6, 8, 10, 12].map((timeS) => countBefore(replayed, timeS, "pages_sharing"));
    // 4 and 2 are taken, then 5 and 3; 3 comes back as 15, and 5 as it was; then 2 as it was and 4 as 99.
    expect(sharing).toEqual([5, 4, 2, 2, 4, 4]);
    const contents = (timeS: number) =>
      countBefore(replayed, timeS, "pages_shared") + countBefore(replayed, timeS, "pages_unshared");
    expect([contents(10), contents(12)]).toEqual([6, 8]);
  });

  test("a page that comes back is as one never seen", async ({ folder }) => {
    const sources = { "a@0": A, "b@0": [11, 12, 13, 14, 13, 14] };
    const replayed = await replay(folder, { sources, scenario, files: { "usage.csv": usageCsv(USAGE) } });
    const at = (ms: number) => {
      const row = replayed.rows("samples").find(({ time_s, group }) => time_s === String(fromMs(ms)) && group === "*");
      return [Number(row?.pages_sharing), Number(row?.pages_volatile), Number(row?.full_scans)];
    };
    const [sharing, , passes] = at(8000 - SLEEP_MS);
    // Pages 3 and 5 merge with what b has in the second pass that sees them.
    expect(at(8000)).toEqual([sharing, 2, passes + 1]);
    expect(at(8000 + SLEEP_MS)).toEqual([sharing + 2, 0, passes + 2]);
  });

  test("a page that is gone when the balloon gives it back stays away, and the frames are the host's till then", async ({
    folder,
  }) => {
    const sources = { "a@0": [1, 2, 3, 4, 5, 6, 7, 8], "a@6": [1, 2, 3, 4, 5, undefined, 7, 8] };
    const off = { ...scenario, scanner: { rules: "off" } };
    const replayed = await replay(folder, { sources, scenario: off, files: { "usage.csv": usageCsv(USAGE) } });
    const used = [1, 3, 5, 7, 9, 11].map((timeS) => {
      const row = replayed.rows("host").find(({ time_s }) => time_s === String(timeS));
      return Number(row?.used_bytes) / PAGE;
    });
    // 7 and 6 are taken, then 5 and 4; of these only 4 comes back, then both others.
    expect(used).toEqual([8, 6, 4, 4, 5, 7]);
  });
});
