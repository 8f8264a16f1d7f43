// Several runs of one scenario: their names and order, and what runs.csv says of them, reckoned again from samples.csv.

import path from "node:path";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { type ChangingWorld, changingWorld, lastPages } from "../support/changing-worlds.js";
import { runs } from "../support/compare.js";
import { inFolder, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { replay, type Scenario, samplesOf, writeEvents, writeLabels, writeSnapshots } from "../support/scenario.js";
import { onlyRow, type Row, rowsOf } from "../support/table.js";

const TENANTS = { a: "t", b: "u", c: "t", d: "u", e: "v" };
const MEMBERS = Object.keys(TENANTS);
const POLICIES = ["one-group", "by:tenant", "per-member", "similar:2"];

/** Writes a world, in which nobody exits; gives the keys that name it. */
function writeWorld(folder: string, world: ChangingWorld): Scenario {
  writeEvents(folder, world.events);
  const inventory = writeLabels(folder, "tenant", TENANTS);
  const events = world.events.length > 0 ? { events: "events.csv" } : {};
  return { sources: writeSnapshots(folder, world.snapshots), inventory, ...events };
}

const worlds = changingWorld(MEMBERS).map(
  ({ snapshots, events }): ChangingWorld => ({ snapshots, events: events.filter(({ event }) => event !== "exit") }),
);

/** A run's samples of all groups together: when, and how many pages were saved. */
function courseOf(tables: Record<string, Row[]>, run: string) {
  return samplesOf(tables, "*", run).map(({ time_s, pages_sharing, ksm_zero_pages }) => ({
    timeS: Number(time_s),
    saved: Number(pages_sharing) + Number(ksm_zero_pages),
  }));
}

type Course = ReturnType<typeof courseOf>;

const endOf = (course: Course) => course[course.length - 1];

/** Until a time; what is saved at the end stays. */
function pageSecondsOf(course: Course, untilS: number): number {
  return course.reduce((sum, { timeS, saved }, i) => sum + saved * ((course[i + 1]?.timeS ?? untilS) - timeS), 0);
}

const three = (text: string) => expect(Number(text));

/** A row of runs.csv after the samples of its run and of its reference. */
function expectRow(row: Row, tables: Record<string, Row[]>, reference: Course): void {
  const course = courseOf(tables, row.run);
  const last = samplesOf(tables, "*", row.run).slice(-1)[0];
  const { timeS, saved } = endOf(course);
  expect(row).toMatchObject({
    time_s: String(timeS),
    saved_pages: String(saved),
    time_to_90_s: saved === 0 ? "" : String(course.find((one) => one.saved >= 0.9 * saved)?.timeS),
    cpu_s: last.cpu_s,
    cow_breaks: last.cow_breaks,
    metadata_bytes: last.metadata_bytes,
    isolation_cost_pages: String(endOf(reference).saved - saved),
  });
  three(row.saved_page_seconds).toBeCloseTo(pageSecondsOf(course, timeS), 2);
  const later = Math.max(timeS, endOf(reference).timeS);
  three(row.lost_page_seconds).toBeCloseTo(pageSecondsOf(reference, later) - pageSecondsOf(course, later), 2);
  if (saved === 0) expect(row.cpu_us_per_saved_page).toBe("");
  // samples.csv has whole microseconds.
  else expect(Math.abs(Number(row.cpu_us_per_saved_page) - (Number(last.cpu_s) * 1e6) / saved)).toBeLessThan(1);
}

test("vary: every combination in order, and what each comes to", async () => {
  const until = fc.constantFrom("rest", "2s", "12 passes");
  const scanner = fc.record({ use_zero_pages: fc.boolean(), max_page_sharing: fc.integer({ min: 2, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(worlds, until, scanner, (world, until, scanner) =>
      inFolder(async (folder) => {
        const keys = writeWorld(folder, world);
        const pages = [3, 30];
        const vary = { policy: POLICIES, "scanner.pages_to_scan": pages };
        const tables = await replay(folder, { ...keys, until, scanner, sample: "130ms", vary });
        const named = POLICIES.flatMap((policy) =>
          pages.map((count) => ({ policy, count, run: `policy=${policy},scanner.pages_to_scan=${count}` })),
        );
        expect(tables["runs.csv"].map(({ run }) => run)).toEqual(named.map(({ run }) => run));
        expect([...new Set(tables["samples.csv"].map(({ run }) => run))]).toEqual(named.map(({ run }) => run));
        const exposed = await exposures(folder, world);
        for (const { policy, count, run } of named) {
          const row = onlyRow(tables["runs.csv"], { run });
          const reference = `policy=one-group,scanner.pages_to_scan=${count}`;
          expect(row).toMatchObject({ policy, reference, "setting:policy": policy });
          expect(row["setting:scanner.pages_to_scan"]).toBe(String(count));
          expectRow(row, tables, courseOf(tables, reference));
          // The groups of similar are made of the first contents, and compare would make others of the last ones.
          if (policy !== "similar:2") expect(row).toMatchObject(exposed(policy));
        }
      }),
    ),
    { ...runs(4), seed: 1 },
  );
});

/** What policies expose in the end, after `compare`. */
async function exposures(folder: string, world: ChangingWorld) {
  const last = MEMBERS.map((member) => ({ member, timeS: 1000, pages: lastPages(member, world) }));
  const policies = POLICIES.slice(0, 3).flatMap((text) => ["--policy", text]);
  const options = ["--inventory", "labels.csv", "--out", "compared", "--quiet"];
  await succeed(["compare", ...writeSnapshots(folder, last), ...policies, ...options], { cwd: folder });
  // The labels' inventory lists no sources: there is one time.
  const scores = rowsOf(path.join(folder, "compared"), "policies.csv");
  return (policy: string) => {
    const { exposed_contents, exposed_pages, exposed_pairs } = onlyRow(scores, { policy, zero_pages: "counted" });
    return { exposed_contents, exposed_pages, exposed_pairs };
  };
}

describe("runs by name", () => {
  const [world] = fc.sample(worlds, { numRuns: 1, seed: 4 });

  test("each replaces whole keys of the scenario", async ({ folder }) => {
    const keys = { ...writeWorld(folder, world), until: "3s" };
    const own: Record<string, Scenario> = {
      same: {},
      "two words, and a comma": { policy: "by:tenant" },
      other: { scanner: { rules: "linux-6.1" }, until: "1s" },
      rates: { policy: "by:tenant", groups: { t: { pages_to_scan: 7 } } },
    };
    const base = { ...keys, scanner: { pages_to_scan: 4 } };
    const tables = await replay(folder, { ...base, runs: own });
    expect(tables["runs.csv"].map(({ run }) => run)).toEqual(Object.keys(own));
    for (const [run, replaced] of Object.entries(own)) {
      const alone = await replay(folder, { ...base, ...replaced }, "alone");
      const nameless = (rows: readonly Row[]) => rows.map(({ run: _, ...row }) => row);
      const samples = tables["samples.csv"].filter((row) => row.run === run);
      expect(nameless(samples)).toEqual(nameless(alone["samples.csv"]));
    }
  });

  test("isolation cost is against the first run of one group, where none has the same settings", async ({ folder }) => {
    const tables = await replay(folder, {
      ...{ ...writeWorld(folder, world), sample: "100ms", until: "5s" },
      runs: {
        tenants: { policy: "by:tenant", groups: { t: { pages_to_scan: 9 } } },
        fast: { scanner: { pages_to_scan: 30 } },
        slow: { scanner: { pages_to_scan: 3 } },
      },
    });
    for (const row of tables["runs.csv"]) {
      const reference = row.run === "tenants" ? "fast" : row.run;
      expect(row.reference).toBe(reference);
      expectRow(row, tables, courseOf(tables, reference));
    }
  });

  test("without a run of one group, isolation cost is against one at the speed of all groups", async ({ folder }) => {
    const keys = { ...writeWorld(folder, world), sample: "100ms" };
    const scanner = { pages_to_scan: 4, smart_scan: false };
    const tables = await replay(folder, {
      ...{ ...keys, scanner, until: "5s" },
      runs: {
        tenants: { policy: "by:tenant", groups: { t: { pages_to_scan: 9 } } },
        members: { policy: "per-member" },
      },
    });
    expect(tables["runs.csv"].map(({ run }) => run)).toEqual(["tenants", "members"]);
    // Three groups of 9, 4 and 4 pages, or five of 4.
    for (const [run, pagesToScan] of [
      ["tenants", 17],
      ["members", 20],
    ] as const) {
      const one = await replay(
        folder,
        { ...keys, until: "5s", scanner: { ...scanner, pages_to_scan: pagesToScan } },
        `one-${run}`,
      );
      const row = onlyRow(tables["runs.csv"], { run });
      expect(row.reference).toBe("one group");
      expectRow(row, tables, courseOf(one, "main"));
    }
  });
});
