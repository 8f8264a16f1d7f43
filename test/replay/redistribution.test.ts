// Memory that is given back, what members can count on, and what workloads make of it: recomputed from the counters, from
// the worlds, and from one another.

import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { PAGE, type Pages, type Replayed, reclaimed, replay, type World } from "../support/replayed.js";
import type { Row } from "../support/table.js";

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** b comes late, c goes early, and pages that are shared are written. */
const SOURCES: Record<string, Pages> = {
  "a@0": [...range(1, 60), ...range(1, 13), ...zeros(20)],
  "c@0": [...range(1, 37), ...range(500, 10), 7, 7, 7],
  "d@0": [...range(100, 30), ...zeros(5)],
  "e@0": [...range(100, 41), 7, 7],
  "b@2.5": [...range(20, 50), ...range(100, 20), ...zeros(3)],
};
const GROUPS = "member,group\na,red\nb,red\nc,red\nd,blue\ne,blue\n";
const NUMBER_OF: Record<string, string> = { red: "1", blue: "2" };
const GROUP_OF: Record<string, string> = { a: "red", b: "red", c: "red", d: "blue", e: "blue" };
const HERE: Record<string, [fromS: number, toS: number]> = {
  a: [0, Infinity],
  b: [2.5, Infinity],
  c: [0, 6.3],
  d: [0, Infinity],
  e: [0, Infinity],
};
const EVENTS = `time_s,member,event,page,fingerprint\n${[
  ...range(0, 12).map((page) => `4.05,a,write,${page},${String(page).padStart(32, "f")}`),
  ...range(3, 5).map((page) => `5.15,e,drop,${page},`),
  "6.3,c,exit,,",
].join("\n")}\n`;

/** Bytes that members were promised: all pages of their first snapshots, unless it is said. */
const GIVEN: Record<string, number> = { a: 100 * PAGE, d: 3 * PAGE + 5 };
const memoryOf = (member: string) => GIVEN[member] ?? firstOf(member).length * PAGE;
function firstOf(member: string): Pages {
  return Object.entries(SOURCES).find(([source]) => source.startsWith(`${member}@`))?.[1] ?? [];
}

const worldOf = (redistribute: unknown, more: object = {}): World => ({
  sources: SOURCES,
  scenario: {
    policy: "groups:groups.csv",
    until: "8.2s",
    sample: "50ms",
    events: "events.csv",
    members: { a: { memory: GIVEN.a }, d: { memory: GIVEN.d } },
    scanner: { pages_to_scan: 40, sleep_millisecs: 100, smart_scan: false, max_page_sharing: 1000 },
    redistribute,
    ...more,
  },
  files: { "groups.csv": GROUPS, "events.csv": EVENTS },
});

/** The rows of memory.csv by time: those of members, and that of all. */
function byTime(replayed: Replayed): Map<string, { members: Row[]; all: Row }> {
  const times = new Map<string, Row[]>();
  for (const row of replayed.rows("memory")) times.set(row.time_s, [...(times.get(row.time_s) ?? []), row]);
  return new Map(
    [...times].map(([timeS, rows]) => [timeS, { members: rows.slice(0, -1), all: rows[rows.length - 1] }]),
  );
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** Whole pages of parts, which are given over a common number; what is left of the total goes to the first. */
function whole(total: number, parts: readonly number[], over: number): number[] {
  const pages = parts.map((part) => Math.floor(part / over));
  return pages.map((one, i) => (i === 0 ? one + total - sum(pages) : one));
}

/** In the order of the sources. */
const ORDER = ["a", "c", "d", "e", "b"];
const isHere = (member: string, timeS: number) => HERE[member][0] <= timeS && timeS < HERE[member][1];

type Give = (here: string[], saved: Record<string, number>) => Record<string, number>;

const GIVE: Record<string, Give> = {
  none: () => ({}),
  equal: (here, saved) => {
    const total = sum(Object.values(saved));
    const given = whole(
      total,
      here.map(() => total),
      here.length,
    );
    return Object.fromEntries(here.map((member, i) => [member, given[i]]));
  },
  group: (here, saved) =>
    Object.fromEntries(
      Object.entries(saved).flatMap(([group, pages]) => {
        const own = here.filter((member) => GROUP_OF[member] === group);
        const given = whole(
          pages,
          own.map(() => pages),
          own.length,
        );
        return own.map((member, i) => [member, given[i]]);
      }),
    ),
};

describe("at every period, from the counters at that time:", () => {
  test.for(["none", "equal", "group"])("%s", async (kind, { folder }) => {
    const redistribute = kind === "equal" ? { kind, every: "350ms" } : kind;
    const replayed = await replay(folder, worldOf(redistribute));
    const samples = replayed.rows("samples");
    const rows = byTime(replayed);
    const every = kind === "equal" ? 350 : 1000;
    const times = Array.from({ length: Math.floor(8200 / every) + 1 }, (_, i) => String((i * every) / 1000));
    expect([...rows.keys()]).toEqual(times);
    let most = 0;
    for (const [time, { members, all }] of rows) {
      const timeS = Number(time);
      const here = ORDER.filter((member) => isHere(member, timeS));
      const saved = Object.fromEntries(
        ["red", "blue"].map((group) => {
          const sample = samples.find((row) => row.time_s === time && row.group === group);
          return [group, sample ? reclaimed(sample) : Number.NaN];
        }),
      );
      const given = GIVE[kind](here, saved);
      const expected = here.map((member) => ({
        run: "main",
        time_s: time,
        member,
        group: GROUP_OF[member],
        memory_bytes: String(memoryOf(member) + (given[member] ?? 0) * PAGE),
        reclaimed_bytes: String(saved[GROUP_OF[member]] * PAGE),
        group_number: NUMBER_OF[GROUP_OF[member]],
      }));
      expect(members).toEqual(expected);
      const total = sum(Object.values(saved)) * PAGE;
      const memory = sum(members.map((row) => Number(row.memory_bytes)));
      expect(all).toEqual({
        ...{ run: "main", time_s: time, member: "*", group: "*" },
        ...{ memory_bytes: String(memory), reclaimed_bytes: String(total), group_number: "" },
      });
      if (kind !== "none") expect(memory - sum(here.map(memoryOf))).toBe(total);
      most = Math.max(most, total);
    }
    expect(most).toBeGreaterThan(50 * PAGE);
  });
});

describe("entitlement at rest", () => {
  /** Divisible by all numbers of copies in these worlds. */
  const OVER = 27720;

  /** Each page's part of what is saved: (k - 1) / k of k equal ones in the group; all of it for what is the zero frame. */
  function partsOf(held: Record<string, Pages>, zeroFrame: boolean): Record<string, number> {
    const copies = new Map<string, number>();
    const key = (member: string, content: number | undefined) => `${GROUP_OF[member]} ${content}`;
    for (const [member, pages] of Object.entries(held)) {
      for (const content of pages) copies.set(key(member, content), (copies.get(key(member, content)) ?? 0) + 1);
    }
    return Object.fromEntries(
      Object.entries(held).map(([member, pages]) => {
        const parts = pages.map((content) => {
          if (zeroFrame && content === 0) return OVER;
          const count = copies.get(key(member, content)) ?? 1;
          return OVER - OVER / count;
        });
        return [member, sum(parts)];
      }),
    );
  }

  // No content is in one group more than 12 times.
  const held: Record<string, Pages> = {
    a: [...range(1, 60), ...range(1, 13), ...zeros(4)],
    c: [...range(1, 37), ...range(500, 10), 7, 7, 7],
    d: [...range(100, 30), ...zeros(5)],
    e: [...range(100, 41), 7, 7],
    b: [...range(20, 50), ...range(100, 20), ...zeros(3)],
  };

  test.for([false, true])("zero pages are the zero frame: %s", async (zeroFrame, { folder }) => {
    const world = worldOf("entitlement", { events: undefined, sample: "1s" });
    const { scanner } = world.scenario as { scanner: object };
    const replayed = await replay(folder, {
      ...world,
      sources: Object.fromEntries(Object.entries(held).map(([member, pages]) => [`${member}@0`, pages])),
      scenario: { ...world.scenario, members: {}, scanner: { ...scanner, use_zero_pages: zeroFrame } },
    });
    const parts = Object.values(partsOf(held, zeroFrame));
    const total = Math.round(sum(parts) / OVER);
    const pages = whole(total, parts, OVER);
    const last = byTime(replayed).get("8");
    expect(last?.all.reclaimed_bytes).toBe(String(total * PAGE));
    const expected = Object.entries(held).map(([member, own], i) => [member, String((own.length + pages[i]) * PAGE)]);
    expect(last?.members.map((row) => [row.member, row.memory_bytes])).toEqual(expected);
  });

  test("what is written is taken back at the next period, and all that is reclaimed is given out", async ({
    folder,
  }) => {
    const replayed = await replay(folder, worldOf({ kind: "entitlement", every: "50ms" }));
    const given = ({ members }: { members: Row[] }) =>
      sum(members.map((row) => Number(row.memory_bytes) - memoryOf(row.member)));
    const rows = byTime(replayed);
    // Until a scan finds out, what a member had that has gone is nobody's.
    const settled = [...rows].filter(([time]) => Number(time) < 6.3 || Number(time) > 7.5);
    for (const [, one] of settled) expect(given(one)).toBe(Number(one.all.reclaimed_bytes));
    for (const [time, { members }] of rows) {
      expect(members.map(({ member }) => member)).toEqual(ORDER.filter((member) => isHere(member, Number(time))));
    }
    const memoryAt = (time: string) => rows.get(time)?.members.find((row) => row.member === "a")?.memory_bytes;
    expect(Number(memoryAt("5"))).toBeLessThan(Number(memoryAt("4")));
  });
});

/** Nanoseconds; times of these worlds are whole microseconds. */
const nanoseconds = (timeS: string) => BigInt(Math.round(Number(timeS) * 1e6)) * 1000n;

/** The least amount that covers a part (in per cent) of the time. */
function quantile(amounts: readonly { bytes: number; ns: bigint }[], percent: bigint): number {
  const total = amounts.reduce((all, { ns }) => all + ns, 0n);
  const candidates = amounts.map(({ bytes }) => bytes).sort((a, b) => a - b);
  const covered = (most: number) => amounts.reduce((all, { bytes, ns }) => (bytes <= most ? all + ns : all), 0n);
  return candidates.find((bytes) => covered(bytes) * 100n >= percent * total) ?? Number.NaN;
}

describe("guarantee.csv", () => {
  const ENDS: [until: string, endS: string][] = [
    ["8.2s", "8.2"],
    ["8s", "8"],
    ["30 passes", ""],
  ];

  test.for(ENDS)("until %s", async ([until, endS], { folder }) => {
    const replayed = await replay(folder, worldOf({ kind: "group", every: "2s" }, { until, sample: "7s" }));
    const times = byTime(replayed);
    const samples = replayed.rows("samples");
    const end = nanoseconds(endS || samples[samples.length - 1].time_s);
    const instants = [...times.keys()];
    const lasting = (bytesAt: (time: string) => string | undefined) =>
      instants.flatMap((time, i) => {
        const bytes = bytesAt(time);
        const next = i + 1 < instants.length ? nanoseconds(instants[i + 1]) : end;
        return bytes === undefined ? [] : [{ bytes: Number(bytes), ns: next - nanoseconds(time) }];
      });
    const spread = (amounts: { bytes: number; ns: bigint }[]) => {
      const [p05, p25, p50, p75, p95] = [5n, 25n, 50n, 75n, 95n].map((percent) => String(quantile(amounts, percent)));
      const all = amounts.map(({ bytes }) => bytes);
      return {
        ...{ min_bytes: String(Math.min(...all)), p05_bytes: p05, p25_bytes: p25, p50_bytes: p50 },
        ...{ p75_bytes: p75, p95_bytes: p95, max_bytes: String(Math.max(...all)) },
      };
    };
    const members = ORDER.map((member) => ({
      ...{ run: "main", member, group: GROUP_OF[member], lower_bound_bytes: String(memoryOf(member)) },
      ...spread(lasting((time) => times.get(time)?.members.find((row) => row.member === member)?.memory_bytes)),
      ...{ break_all_bytes: "", group_number: NUMBER_OF[GROUP_OF[member]] },
    }));
    const all = {
      ...{ run: "main", member: "*", group: "*", lower_bound_bytes: String(sum(ORDER.map(memoryOf))) },
      ...spread(lasting((time) => times.get(time)?.all.memory_bytes)),
      break_all_bytes: String(Math.max(...[...times.values()].map((one) => Number(one.all.reclaimed_bytes)))),
      group_number: "",
    };
    expect(replayed.rows("guarantee")).toEqual([...members, all]);
    expect(Number(members[0].max_bytes)).toBeGreaterThan(Number(members[0].min_bytes));
  });
});

describe("throughput.csv", () => {
  const CURVE: [number, number][] = [
    [100_000, 0.9],
    [300_000, 0.75],
    [420_000, 0.2],
    [600_000, 0.05],
  ];
  const curveCsv = `memory_bytes,miss_ratio\n${[2, 0, 3, 1].map((i) => `${CURVE[i].join()}\n`).join("")}`;
  const hits = { kind: "cached-random-read", base: "64k", working_set: "512k" };
  const workloads = {
    a: hits,
    b: { kind: "cached-random-read", working_set: 300_000, hit_us: 2.5, miss_us: 80 },
    e: { kind: "cached-random-read", curve: "curve.csv", miss_us: 1000 },
  };
  type Name = keyof typeof workloads;

  const missRatio = (bytes: number): number => {
    if (bytes <= CURVE[0][0]) return CURVE[0][1];
    for (const [i, [to, after]] of CURVE.entries()) {
      if (bytes > to) continue;
      const [from, before] = CURVE[i - 1];
      return before + ((after - before) * (bytes - from)) / (to - from);
    }
    return CURVE[CURVE.length - 1][1];
  };
  const hitRatio: Record<Name, (bytes: number) => number> = {
    a: (bytes) => Math.min(1, Math.max(0, (bytes - 65_536) / 524_288)),
    b: (bytes) => Math.min(1, bytes / 300_000),
    e: (bytes) => 1 - missRatio(bytes),
  };
  const COSTS: Record<Name, [hitUs: number, missUs: number]> = { a: [1, 100], b: [2.5, 80], e: [1, 1000] };
  const perSecond = (member: Name, bytes: number) => {
    const hit = hitRatio[member](bytes);
    return 1_000_000 / (hit * COSTS[member][0] + (1 - hit) * COSTS[member][1]);
  };

  /** What a run's rows must be. baseline: reads a second of a member at a time. */
  function expected(replayed: Replayed, run: string, baseline: (member: Name, timeS: number) => number): Row[] {
    const memory = replayed.rows("memory").filter((row) => row.run === run);
    // Members in the order of the sources.
    return (["a", "e", "b"] as const).flatMap((member) => {
      let own = 0;
      let other = 0;
      return memory
        .filter((row) => row.member === member)
        .map((row) => {
          const bytes = Number(row.memory_bytes);
          const rate = perSecond(member, bytes);
          const base = baseline(member, Number(row.time_s));
          own += rate;
          other += base;
          return {
            ...{ run, time_s: row.time_s, member, memory_bytes: row.memory_bytes },
            ...{ hit_ratio: hitRatio[member](bytes).toFixed(6), throughput_per_s: rate.toFixed(3) },
            ...{ normalized: (rate / base).toFixed(6), mean_normalized: (own / other).toFixed(6) },
          };
        });
    });
  }

  const settings = (more: object = {}) =>
    Object.fromEntries(
      Object.entries(workloads).map(([member, workload]) => [
        member,
        { ...(GIVEN[member] ? { memory: GIVEN[member] } : {}), workload: { ...workload, ...more } },
      ]),
    );
  const own = { members: { ...settings(), d: { memory: GIVEN.d } } };
  const alone = (member: Name) => perSecond(member, memoryOf(member));

  test("beside the member's own memory, with a curve and without", async ({ folder }) => {
    const world = worldOf({ kind: "group", every: "500ms" }, own);
    const replayed = await replay(folder, { ...world, files: { ...world.files, "curve.csv": curveCsv } });
    const rows = expected(replayed, "main", alone);
    expect(rows.length).toBeGreaterThan(30);
    expect(new Set(rows.map((row) => row.hit_ratio)).size).toBeGreaterThan(10);
    expect(replayed.rows("throughput")).toEqual(rows);
    const lasts = ["a", "e", "b"].map((member) => rows.filter((row) => row.member === member).pop()?.mean_normalized);
    const [{ mean_throughput: mean }] = replayed.rows("runs");
    expect(Number(mean)).toBeCloseTo(sum(lasts.map(Number)) / 3, 5);
  });

  test("where nothing is given back, memory stays what was promised", async ({ folder }) => {
    const world = worldOf(undefined, own);
    const replayed = await replay(folder, { ...world, files: { ...world.files, "curve.csv": curveCsv } });
    expect(replayed.rows("throughput")).toEqual(expected(replayed, "main", alone));
    expect(new Set(replayed.rows("throughput").map((row) => row.normalized))).toEqual(new Set(["1.000000"]));
  });

  test("beside another run, which gives memory out less often", async ({ folder }) => {
    const runs = {
      shared: { policy: "one-group", redistribute: { kind: "equal", every: "2s" }, ...own },
      apart: { redistribute: { kind: "group", every: "500ms" }, members: settings({ baseline: "shared" }) },
    };
    const world = worldOf("none", { runs });
    const replayed = await replay(folder, { ...world, files: { ...world.files, "curve.csv": curveCsv } });
    const shared = replayed.rows("memory").filter((row) => row.run === "shared");
    const baseline = (member: Name, timeS: number) => {
      const rows = shared.filter((row) => row.member === member);
      // b comes at 2.5 s and has memory of its own from 4 s on in that run.
      const row = rows.filter((one) => Number(one.time_s) <= timeS).pop() ?? rows[0];
      return perSecond(member, Number(row.memory_bytes));
    };
    const apart = expected(replayed, "apart", baseline);
    expect(replayed.rows("throughput")).toEqual([...expected(replayed, "shared", alone), ...apart]);
    expect(new Set(apart.map((row) => row.normalized)).size).toBeGreaterThan(10);
  });

  test("a member that the other run never had is beside nothing", async ({ folder }) => {
    const runs = { short: { until: "2s", ...own }, long: { members: settings({ baseline: "short" }) } };
    const world = worldOf("equal", { runs });
    const replayed = await replay(folder, { ...world, files: { ...world.files, "curve.csv": curveCsv } });
    const rows = replayed.rows("throughput").filter((row) => row.run === "long" && row.member === "b");
    expect(rows.length).toBeGreaterThan(4);
    for (const row of rows) expect(row).toMatchObject({ normalized: "", mean_normalized: "" });
    expect(replayed.rows("runs").every((row) => Number(row.mean_throughput) > 0)).toBe(true);
  });
});
