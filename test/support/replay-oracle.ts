// What the tables of `replay` must hold of a still world: the counters from a ksmd with maps in place of trees, and from these
// all that is derived. Columns without a closed form are named.

import * as fc from "fast-check";
import { expect } from "vitest";
import { Fraction } from "./fraction.js";
import { NaiveKsmd, type NaiveRules } from "./naive-ksmd.js";
import { writeGroups } from "./policy-worlds.js";
import { type Pages, replay, writeLabels, writeSnapshots } from "./scenario.js";
import { formatTime, type Row, rate } from "./table.js";

/** What depends on the shape of trees: recordings of the real ksmd stand for it. What is derived of them is checked as such. */
const BY_TREES = ["compares", "cpu_s"] as const;

const PAGE = 4096;
const SLEEP_MS = 20;
const UNTIL_MS = 2000;

interface ReplayMember {
  name: string;
  group: string;
  tenant: string;
  pages: Pages;
  /** When it comes. */
  fromMs: number;
  memory: number | undefined;
  /** Bytes above `base` that its workload reads. */
  workingSet: number | undefined;
}

export interface ReplayCase {
  /** In the order of their coming. */
  members: ReplayMember[];
  speeds: Record<string, number>;
  rules: NaiveRules;
  sampleMs: number;
  everyMs: number;
  kind: "none" | "equal" | "group" | "entitlement";
  otherBytes: number | undefined;
  /** Whether the run of one group is one of the scenario's own. */
  namedReference: boolean;
}

const GROUPS = ["g", "h i", "k"];
const BASE = 8 * PAGE;
const [HIT_US, MISS_US] = [4, 150];

const content = fc.oneof(
  { arbitrary: fc.nat(6), weight: 5 },
  { arbitrary: fc.integer({ min: 7, max: 60 }), weight: 2 },
);
const pages: fc.Arbitrary<Pages> = fc
  .tuple(content, fc.array(fc.option(content, { freq: 6 }), { maxLength: 14 }))
  .map(([first, rest]) => [first, ...rest]);

const member = fc.record({
  group: fc.constantFrom(...GROUPS),
  tenant: fc.constantFrom("red", "blue", ""),
  pages,
  fromMs: fc.oneof(
    { arbitrary: fc.constant(0), weight: 3 },
    fc.nat(150).map((tens) => 10 * tens),
  ),
  memory: fc.option(fc.nat(200_000), { nil: undefined }),
  workingSet: fc.option(fc.integer({ min: 1, max: 40 * PAGE }), { nil: undefined }),
});

const rules: fc.Arbitrary<NaiveRules> = fc.oneof(
  fc.constantFrom("linux-2.6.36" as const, "linux-3.6" as const).map((name) => ({
    ...{ rules: name, maxPageSharing: Infinity, useZeroPages: false, smartScan: false },
  })),
  fc.record({
    rules: fc.constantFrom("linux-6.1" as const, "linux-6.11" as const),
    maxPageSharing: fc.integer({ min: 2, max: 5 }),
    useZeroPages: fc.boolean(),
    smartScan: fc.boolean(),
  }),
);

export const replayCase: fc.Arbitrary<ReplayCase> = fc
  .record({
    members: fc.array(member, { minLength: 1, maxLength: 6 }),
    speeds: fc.record(Object.fromEntries(GROUPS.map((group) => [group, fc.integer({ min: 0, max: 9 })]))),
    rules,
    sampleMs: fc.constantFrom(20, 100, 200),
    everyMs: fc.constantFrom(100, 200, 400),
    kind: fc.constantFrom("none" as const, "equal" as const, "group" as const, "entitlement" as const),
    otherBytes: fc.option(fc.nat(100_000), { nil: undefined }),
    namedReference: fc.boolean(),
  })
  .map((given) => ({
    ...given,
    // Where a content has several frames it is the tree's shape that says which pages share one.
    kind: given.kind === "entitlement" && given.rules.maxPageSharing < Infinity ? "group" : given.kind,
    members: [...given.members].sort((a, b) => a.fromMs - b.fromMs).map((one, i) => ({ ...one, name: `m ${i}` })),
  }));

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const present = ({ pages: own }: ReplayMember) => own.filter((one) => one !== null).length;

type Counters = ReturnType<NaiveKsmd["counters"]>;
const savedOf = ({ pages_sharing, ksm_zero_pages }: Counters) => pages_sharing + ksm_zero_pages;

interface Moment {
  ms: number;
  /** By group. */
  counters: Counters[];
  here: ReplayMember[];
  /** By group, then by member in the order of their coming. */
  entitlements: Fraction[][];
}

interface Course {
  name: string;
  policy: string;
  groups: string[];
  groupOf: (member: ReplayMember) => string;
  /** At each wake-up. */
  moments: Map<number, Moment>;
}

function courseOf(
  given: ReplayCase,
  name: string,
  policy: string,
  groupOf: Course["groupOf"],
  speedOf: (group: string) => number,
): Course {
  const groups = [...new Set(given.members.map(groupOf))];
  const ksmds = groups.map(() => new NaiveKsmd(given.rules));
  const coming = [...given.members];
  const here: ReplayMember[] = [];
  const moments = new Map<number, Moment>();
  for (let ms = 0; ms <= UNTIL_MS; ms += SLEEP_MS) {
    while (coming.length > 0 && coming[0].fromMs <= ms) {
      const [next] = coming.splice(0, 1);
      here.push(next);
      ksmds[groups.indexOf(groupOf(next))].enter(next.pages);
    }
    for (const [i, ksmd] of ksmds.entries()) ksmd.batch(speedOf(groups[i]));
    const entitlements = ksmds.map((ksmd) =>
      ksmd
        .entitlements()
        .map((parts) =>
          parts.reduce((total, { over, under }) => total.plus(new Fraction(over, under)), new Fraction(0)),
        ),
    );
    moments.set(ms, { ms, counters: ksmds.map((ksmd) => ksmd.counters()), here: [...here], entitlements });
  }
  return { name, policy, groups, groupOf, moments };
}

const every = (course: Course, periodMs: number): Moment[] =>
  [...course.moments.values()].filter(({ ms }) => ms % periodMs === 0);

const timeOf = ({ ms }: Moment) => formatTime(ms / 1000);

/** Parts in whole pages, what is left of them to the first. */
function whole(total: number, parts: readonly Fraction[]): number[] {
  const own = parts.map((part) => Number(part.whole()));
  return own.map((part, i) => (i === 0 ? part + total - sum(own) : part));
}

/** Pages that each member that is there is given. */
function given(course: Course, moment: Moment, kind: ReplayCase["kind"]): number[] {
  const { here, counters, entitlements } = moment;
  const saved = counters.map(savedOf);
  const placeOf = (one: ReplayMember) => course.groups.indexOf(course.groupOf(one));
  if (kind === "none") return here.map(() => 0);
  if (kind === "equal") {
    const total = sum(saved);
    return whole(
      total,
      here.map(() => new Fraction(total, here.length)),
    );
  }
  const ofGroup = (one: ReplayMember) => here.filter((other) => placeOf(other) === placeOf(one));
  if (kind === "entitlement") {
    const parts = here.map((one) => entitlements[placeOf(one)][ofGroup(one).indexOf(one)]);
    return whole(sum(saved), parts);
  }
  return here.map((one) => {
    const own = ofGroup(one);
    const parts = own.map(() => new Fraction(saved[placeOf(one)], own.length));
    return whole(saved[placeOf(one)], parts)[own.indexOf(one)];
  });
}

const memoryOf = (one: ReplayMember) => one.memory ?? present(one) * PAGE;

/** The bytes that members have at each time at which memory is given out. */
const memories = (course: Course, { everyMs, kind }: ReplayCase) =>
  every(course, everyMs).map((moment) => {
    const pagesGiven = given(course, moment, kind);
    return { moment, bytes: moment.here.map((one, i) => memoryOf(one) + pagesGiven[i] * PAGE) };
  });

function sampleRows(course: Course, { sampleMs }: ReplayCase): Row[] {
  const rowOf = (moment: Moment, group: string, number: string, counters: Counters): Row => ({
    ...{ run: course.name, time_s: timeOf(moment), group, group_number: number },
    ...Object.fromEntries(Object.entries(counters).map(([column, value]) => [column, String(value)])),
    // Nobody writes.
    cow_breaks: "0",
  });
  return every(course, sampleMs).flatMap((moment) => {
    const { counters } = moment;
    const columns = Object.keys(counters[0]) as (keyof Counters)[];
    const all = Object.fromEntries(
      columns.map((column) => {
        const values = counters.map((one) => one[column]);
        return [column, column === "full_scans" ? Math.min(...values) : sum(values)];
      }),
    ) as unknown as Counters;
    const own = course.groups.map((group, i) => rowOf(moment, group, String(i + 1), counters[i]));
    return [...own, rowOf(moment, "*", "", all)];
  });
}

function hostRows(course: Course, { sampleMs, otherBytes = 0 }: ReplayCase, hostBytes: number): Row[] {
  return every(course, sampleMs).map((moment) => {
    const frames = sum(moment.here.map(present)) - sum(moment.counters.map(savedOf));
    const used = String(otherBytes + frames * PAGE);
    return { run: course.name, time_s: timeOf(moment), used_bytes: used, host_bytes: String(hostBytes) };
  });
}

/** Groups are numbered from 1 as their members come. */
const numberOf = (course: Course, one: ReplayMember) => String(course.groups.indexOf(course.groupOf(one)) + 1);

function memoryRows(course: Course, all: ReplayCase): Row[] {
  return memories(course, all).flatMap(({ moment, bytes }) => {
    const reclaimed = moment.counters.map((counters) => savedOf(counters) * PAGE);
    const keys = { run: course.name, time_s: timeOf(moment) };
    const own = moment.here.map((one, i) => ({
      ...keys,
      member: one.name,
      group: course.groupOf(one),
      group_number: numberOf(course, one),
      memory_bytes: String(bytes[i]),
      reclaimed_bytes: String(reclaimed[course.groups.indexOf(course.groupOf(one))]),
    }));
    const total = { memory_bytes: String(sum(bytes)), reclaimed_bytes: String(sum(reclaimed)) };
    return [...own, { ...keys, member: "*", group: "*", group_number: "", ...total }];
  });
}

/** Of amounts that last alike, but for the last one, which is there at the end alone. */
function spreadRow(amounts: readonly number[]): Row {
  const lasting = [...amounts.slice(0, -1)].sort((a, b) => a - b);
  const at = (percent: number) => lasting[Math.max(0, Math.ceil((percent * lasting.length) / 100) - 1)] ?? amounts[0];
  const quantiles = [5, 25, 50, 75, 95].map((percent) => [
    `p${String(percent).padStart(2, "0")}_bytes`,
    String(at(percent)),
  ]);
  return {
    min_bytes: String(Math.min(...amounts)),
    ...Object.fromEntries(quantiles),
    max_bytes: String(Math.max(...amounts)),
  };
}

function guaranteeRows(course: Course, all: ReplayCase): Row[] {
  const times = memories(course, all);
  const own = all.members.map((one) => {
    const amounts = times.flatMap(({ moment, bytes }) =>
      moment.here.includes(one) ? [bytes[moment.here.indexOf(one)]] : [],
    );
    return {
      ...{ run: course.name, member: one.name, group: course.groupOf(one), group_number: numberOf(course, one) },
      lower_bound_bytes: String(memoryOf(one)),
      ...spreadRow(amounts),
      break_all_bytes: "",
    };
  });
  const most = Math.max(...times.map(({ moment }) => sum(moment.counters.map(savedOf)) * PAGE));
  return [
    ...own,
    {
      ...{ run: course.name, member: "*", group: "*", group_number: "" },
      lower_bound_bytes: String(sum(all.members.map(memoryOf))),
      ...spreadRow(times.map(({ bytes }) => sum(bytes))),
      break_all_bytes: String(most),
    },
  ];
}

const perSecond = (bytes: number, workingSet: number) => {
  const hits = Math.min(1, Math.max(0, (bytes - BASE) / workingSet));
  return { hits, reads: 1e6 / (hits * HIT_US + (1 - hits) * MISS_US) };
};

function throughputRows(course: Course, all: ReplayCase): Row[] {
  return all.members.flatMap((one) => {
    const { workingSet } = one;
    if (workingSet === undefined) return [];
    const alone = perSecond(memoryOf(one), workingSet).reads;
    const reads: number[] = [];
    return memories(course, all).flatMap(({ moment, bytes }) => {
      const place = moment.here.indexOf(one);
      if (place < 0) return [];
      const now = perSecond(bytes[place], workingSet);
      reads.push(now.reads);
      return [
        {
          ...{ run: course.name, time_s: timeOf(moment), member: one.name, memory_bytes: String(bytes[place]) },
          ...{ hit_ratio: rate(now.hits, 1), throughput_per_s: now.reads.toFixed(3) },
          ...{ normalized: rate(now.reads, alone), mean_normalized: rate(sum(reads), alone * reads.length) },
        },
      ];
    });
  });
}

/** What tenants of one group hold in common in the end. */
function exposureOf({ groupOf }: Course, { members }: ReplayCase) {
  const tenantOf = (one: ReplayMember) => one.tenant || `member ${one.name}`;
  const exposed = { contents: new Set<number>(), pages: 0, pairs: new Set<string>() };
  for (const group of new Set(members.map(groupOf))) {
    const own = members.filter((one) => groupOf(one) === group);
    for (const value of new Set(own.flatMap((one) => one.pages))) {
      if (value === null) continue;
      const holders = own.filter((one) => one.pages.includes(value));
      const tenants = [...new Set(holders.map(tenantOf))].sort();
      if (tenants.length < 2) continue;
      exposed.contents.add(value);
      exposed.pages += sum(holders.map((one) => one.pages.filter((page) => page === value).length));
      for (const a of tenants) for (const b of tenants) if (a < b) exposed.pairs.add(JSON.stringify([value, a, b]));
    }
  }
  return {
    exposed_contents: String(exposed.contents.size),
    exposed_pages: String(exposed.pages),
    exposed_pairs: String(exposed.pairs.size),
  };
}

function runRow(course: Course, reference: Course, all: ReplayCase, settings: Row): Row {
  const savedAlong = (one: Course) => every(one, all.sampleMs).map(({ counters }) => sum(counters.map(savedOf)));
  const pageSeconds = (saved: readonly number[]) => (sum(saved.slice(0, -1)) * all.sampleMs) / 1000;
  const [own, other] = [course, reference].map(savedAlong);
  const final = own[own.length - 1];
  const reached = own.findIndex((saved) => saved >= 0.9 * final);
  const throughputs = throughputRows(course, all);
  const means = all.members.flatMap(({ name }) => {
    const last = throughputs.filter((row) => row.member === name).pop();
    return last ? [Number(last.mean_normalized)] : [];
  });
  return {
    ...{ run: course.name, policy: course.policy, time_s: formatTime(UNTIL_MS / 1000), saved_pages: String(final) },
    saved_page_seconds: String(Number(pageSeconds(own).toFixed(3))),
    time_to_90_s: final > 0 ? formatTime((reached * all.sampleMs) / 1000) : "",
    cow_breaks: "0",
    metadata_bytes: String(sum(every(course, UNTIL_MS)[1].counters.map((one) => one.metadata_bytes))),
    ...exposureOf(course, all),
    reference: reference.name,
    reference_added: String(reference !== course && reference.name === "one group"),
    isolation_cost_pages: String(other[other.length - 1] - final),
    lost_page_seconds: String(Number((pageSeconds(other) - pageSeconds(own)).toFixed(3))),
    mean_throughput: means.length > 0 ? rate(sum(means), means.length) : "",
    ...settings,
  };
}

/** Of columns that are rounded: by how much two ways to reckon may differ. */
const ROUNDED: Record<string, number> = {
  ...{ hit_ratio: 1.1e-6, normalized: 1.1e-6, mean_normalized: 1.1e-6, mean_throughput: 2.1e-6 },
  ...{ throughput_per_s: 1.1e-3, saved_page_seconds: 1.1e-3, lost_page_seconds: 1.1e-3 },
};

function expectRows(table: string, found: readonly Row[], expected: readonly Row[]): void {
  const near = found.map((row, i) => {
    const close = Object.entries(ROUNDED).filter(([column, most]) => {
      const [a, b] = [row[column], expected[i]?.[column]];
      return a && b && Math.abs(Number(a) - Number(b)) <= most;
    });
    return { ...row, ...Object.fromEntries(close.map(([column]) => [column, expected[i][column]])) };
  });
  expect(near, table).toEqual(expected);
}

const without = (rows: readonly Row[], ...columns: string[]): Row[] =>
  rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => !columns.includes(column))));

/** Replays a case by the command line and checks each table. */
export async function checkReplay(folder: string, all: ReplayCase): Promise<void> {
  const { members, speeds, sampleMs, everyMs, kind, otherBytes, namedReference } = all;
  const groupOf = (one: ReplayMember) => one.group;
  const grouped = courseOf(
    all,
    namedReference ? "grouped" : "main",
    "groups:groups.csv",
    groupOf,
    (name) => speeds[name],
  );
  const total = sum(grouped.groups.map((name) => speeds[name]));
  const one = courseOf(
    all,
    namedReference ? "one" : "one group",
    "one-group",
    () => "all",
    () => total,
  );

  const snapshots = members.map(({ name, pages: own, fromMs }) => ({ member: name, timeS: fromMs / 1000, pages: own }));
  writeGroups(folder, "groups.csv", new Map(members.map(({ name, group }) => [name, group])));
  const { rules: name, maxPageSharing, useZeroPages, smartScan } = all.rules;
  const later = { smart_scan: smartScan, max_page_sharing: maxPageSharing, use_zero_pages: useZeroPages };
  const scanner = { rules: name, sleep_millisecs: SLEEP_MS, ...(maxPageSharing < Infinity ? later : {}) };
  const ownGroups = Object.fromEntries(grouped.groups.map((group) => [group, { pages_to_scan: speeds[group] }]));
  const hostBytes = 2 ** 30;
  const tables = await replay(folder, {
    sources: writeSnapshots(folder, snapshots),
    inventory: writeLabels(folder, "tenant", Object.fromEntries(members.map((own) => [own.name, own.tenant]))),
    until: `${UNTIL_MS}ms`,
    sample: `${sampleMs}ms`,
    redistribute: { kind, every: `${everyMs}ms` },
    ...(otherBytes === undefined ? {} : { host: { memory: hostBytes, other: otherBytes } }),
    members: Object.fromEntries(
      members.map(({ name: own, memory, workingSet }) => [
        own,
        {
          ...(memory === undefined ? {} : { memory }),
          ...(workingSet === undefined
            ? {}
            : {
                workload: {
                  ...{ kind: "cached-random-read", working_set: workingSet, base: BASE },
                  ...{ hit_us: HIT_US, miss_us: MISS_US },
                },
              }),
        },
      ]),
    ),
    scanner,
    ...(namedReference
      ? {
          runs: {
            grouped: { policy: "groups:groups.csv", groups: ownGroups },
            one: { policy: "one-group", groups: { all: { pages_to_scan: total } } },
          },
        }
      : { policy: "groups:groups.csv", groups: ownGroups }),
  });

  const isOne = grouped.groups.length === 1;
  const shown = namedReference ? [grouped, one] : [grouped];
  const rowsOf = (rows: (course: Course) => Row[]) => shown.flatMap(rows);
  const workloads = rowsOf((course) => throughputRows(course, all));
  const settingsOf = (course: Course): Row => {
    if (!namedReference) return {};
    const own =
      course === grouped
        ? grouped.groups.map((group) => `${group}:{pages_to_scan:${speeds[group]}}`)
        : [`all:{pages_to_scan:${total}}`];
    return { "setting:policy": course.policy, "setting:groups": `{${own.join()}}` };
  };
  const expected: Record<string, Row[]> = {
    "samples.csv": rowsOf((course) => sampleRows(course, all)),
    ...(otherBytes === undefined ? {} : { "host.csv": rowsOf((course) => hostRows(course, all, hostBytes)) }),
    "memory.csv": rowsOf((course) => memoryRows(course, all)),
    "guarantee.csv": rowsOf((course) => guaranteeRows(course, all)),
    ...(members.some(({ workingSet }) => workingSet !== undefined) ? { "throughput.csv": workloads } : {}),
    // A run of one group is its own reference.
    "runs.csv": shown.map((course) => runRow(course, isOne ? course : one, all, settingsOf(course))),
  };
  expect(Object.keys(tables).sort()).toEqual(Object.keys(expected).sort());
  for (const [table, rows] of Object.entries(expected)) {
    if (table === "samples.csv") expectRows(table, without(tables[table], ...BY_TREES), rows);
    else if (table === "runs.csv") expectRows(table, without(tables[table], "cpu_s", "cpu_us_per_saved_page"), rows);
    else expectRows(table, tables[table], rows);
  }
  expectCosts(tables);
}

/** CPU time follows from the counters by the default prices; that of a run is that of its last sample. */
function expectCosts(tables: Record<string, Row[]>): void {
  for (const row of tables["samples.csv"]) {
    const count = (column: string) => Number(row[column]);
    expect(row.compares).toMatch(/^\d+$/);
    const least =
      (count("pages_scanned") * 0.39 +
        count("pages_skipped") * 0.28 +
        count("checksums") * 0.69 +
        count("compares") * 0.33 +
        count("merges") * 1.6) /
      1e6;
    // Besides, the bytes of equal pages: at most those of all nodes that were compared with.
    expect(count("cpu_s")).toBeGreaterThanOrEqual(least - 1e-6);
    expect(count("cpu_s")).toBeLessThanOrEqual(least + (count("compares") * PAGE * 0.11) / 1e9 + 1e-6);
  }
  for (const row of tables["runs.csv"]) {
    const last = tables["samples.csv"].filter(({ run, group }) => run === row.run && group === "*").pop();
    expect(row.cpu_s).toBe(last?.cpu_s);
    const saved = Number(row.saved_pages);
    if (saved === 0) expect(row.cpu_us_per_saved_page).toBe("");
    else expect(Math.abs(Number(row.cpu_us_per_saved_page) - (Number(row.cpu_s) * 1e6) / saved)).toBeLessThan(0.51);
  }
}
