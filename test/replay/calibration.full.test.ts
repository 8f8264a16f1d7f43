// The replay's work against what the real ksmd did pass by pass, and its modelled CPU time against the time that ksmd took
// (test/support/ksmd/README.md).

import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { inFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { shuffledAsPython } from "../support/python-shuffle.js";
import { fingerprint } from "../support/recording.js";
import { type Row, rowsOf } from "../support/table.js";

const TIMING = rowsOf(fileURLToPath(new URL("../support/ksmd", import.meta.url)), "timing.csv");

const upTo = (count: number, first = 1) => Array.from({ length: count }, (_, i) => first + i);
const unique = (count: number) => upTo(count);
const pairs = (count: number) => shuffledAsPython([...upTo(count / 2), ...upTo(count / 2)], 1);
const same = (count: number, id: number) => new Array<number>(count).fill(id);

interface Mix {
  ids: () => number[];
  scanner?: Record<string, number | boolean>;
  /** Mixes of the same contents that begin to differ later in the page: the same work, at another price. */
  also?: string[];
  /** The row that covers two passes. */
  double?: number;
}

const MIXES: Record<string, Mix> = {
  "unique-1000": { ids: () => unique(1000) },
  "unique-10000": { ids: () => unique(10_000) },
  "unique-100000": {
    ids: () => unique(100_000),
    also: ["unique-100000-differ-at-2048", "unique-100000-differ-at-4080"],
  },
  "smart-unique-100000": { ids: () => unique(100_000), scanner: { smart_scan: true }, double: 5 },
  "pairs-10000": { ids: () => pairs(10_000) },
  "pairs-100000": { ids: () => pairs(100_000), also: ["pairs-100000-differ-at-4080"] },
  "equal-100000-max256": { ids: () => same(100_000, 1) },
  "equal-100000-nolimit": { ids: () => same(100_000, 1), scanner: { max_page_sharing: 1_000_000 } },
  "zero-100000-zero1": { ids: () => same(100_000, 0), scanner: { use_zero_pages: true } },
  "zero-100000-zero0": { ids: () => same(100_000, 0) },
  "stable100000-plus-unique-100000": { ids: () => [...pairs(100_000), ...upTo(50_000, 500_000)] },
};
/** Left out since it takes long: 300,000 pages. */
const LEFT_OUT = ["unique-300000"];

/** What one pass did, or some passes together. */
interface Work {
  visited: number;
  skipped: number;
  checksums: number;
  compares: number;
  merges: number;
  /** Modelled. */
  microseconds: number;
}

const sum = (works: readonly Work[], of: keyof Work) => works.reduce((total, work) => total + work[of], 0);

function together(works: readonly Work[]): Work {
  return {
    visited: sum(works, "visited"),
    skipped: sum(works, "skipped"),
    checksums: sum(works, "checksums"),
    compares: sum(works, "compares"),
    merges: sum(works, "merges"),
    microseconds: sum(works, "microseconds"),
  };
}

/** Replays a mix, a pass each 20 ms; gives the state after each pass. */
async function replayed(folder: string, mix: Mix, passes: number): Promise<Row[]> {
  const rows = mix.ids().map((id, page) => `4096,${page},${fingerprint(id)},${id === 0}\n`);
  writeFileSync(path.join(folder, "trace.csv"), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
  const scenario = {
    sources: ["m=trace.csv"],
    until: `${passes} passes`,
    sample: "20ms",
    scanner: { pages_to_scan: 1_000_000, smart_scan: false, ...mix.scanner },
  };
  writeFileSync(path.join(folder, "scenario.yaml"), JSON.stringify(scenario)); // JSON is YAML
  await succeed(["replay", "scenario.yaml", "--out", "out", "--force", "--quiet"], { cwd: folder });
  return rowsOf(path.join(folder, "out"), "samples.csv").filter(({ group }) => group === "*");
}

/** What each pass of a replay did. */
async function workOf(folder: string, mix: Mix, passes: number): Promise<Work[]> {
  const states = (await replayed(folder, mix, passes)).map(
    (row): Work => ({
      visited: Number(row.pages_scanned),
      skipped: Number(row.pages_skipped),
      checksums: Number(row.checksums),
      compares: Number(row.compares),
      merges: Number(row.merges),
      microseconds: Number(row.cpu_s) * 1e6,
    }),
  );
  return states.map((now, i) => {
    const before = i === 0 ? together([]) : states[i - 1];
    const grown = Object.entries(now).map(([kind, value]) => [kind, value - before[kind as keyof Work]]);
    return Object.fromEntries(grown);
  });
}

/** The recorded passes of a mix, and the work that the replay does in each. */
interface Recorded {
  row: Row;
  work: Work;
}

async function replayMix(name: string): Promise<Recorded[]> {
  const mix = MIXES[name];
  const rows = TIMING.filter((row) => row.mix === name);
  const works = await inFolder((folder) => workOf(folder, mix, rows.length + (mix.double ? 1 : 0)));
  const double = (mix.double ?? works.length + 1) - 1;
  return rows.map((row, i) => ({
    row,
    work: together(works.slice(i > double ? i + 1 : i, i >= double ? i + 2 : i + 1)),
  }));
}

const replays = new Map<string, Promise<Recorded[]>>();

/** Each mix is replayed once, for whichever test asks first. */
function recordedOf(name: string): Promise<Recorded[]> {
  const replay = replays.get(name) ?? replayMix(name);
  replays.set(name, replay);
  return replay;
}

test.for(Object.entries(MIXES))("%s: the work of each pass", async ([name, { also = [] }]) => {
  const works = (await recordedOf(name)).map(({ work: { microseconds: _, ...work } }) => work);
  for (const one of [name, ...also]) {
    const rows = TIMING.filter((row) => row.mix === one);
    expect(works).toEqual(
      rows.map((row) => ({
        visited: Number(row.visited),
        skipped: Number(row.skipped),
        checksums: Number(row.checksums),
        compares: Number(row.stable_compares) + Number(row.unstable_compares),
        merges: Number(row.merges),
      })),
    );
  }
});

// Passes that do the same differ by up to 30 % in the recordings themselves.
test("the modelled CPU time is near that of ksmd", async () => {
  const known = new Set([...Object.entries(MIXES).flatMap(([name, { also }]) => [name, ...(also ?? [])]), ...LEFT_OUT]);
  expect(TIMING.filter(({ mix }) => !known.has(mix))).toEqual([]);
  // A pass over zero pages that are merged visits none: it is free here, and nearly so in the kernel.
  const passes = (await Promise.all(Object.keys(MIXES).map(recordedOf))).flat();
  const errors = passes
    .filter(({ work }) => work.visited + work.skipped > 0)
    .map(({ row, work }) => ({
      pass: `${row.mix} ${row.pass}`,
      error: work.microseconds / (Number(row.cpu_ns) / 1000) - 1,
    }));
  const sizes = errors.map(({ error }) => Math.abs(error)).sort((a, b) => a - b);
  expect(sizes.length).toBe(55);
  expect(sizes[sizes.length >> 1]).toBeLessThan(0.15);
  expect(sizes.filter((size) => size <= 0.3).length).toBeGreaterThanOrEqual(48);
  expect(errors.filter(({ error }) => Math.abs(error) > 0.45)).toEqual([]);
});
