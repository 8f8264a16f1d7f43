// pagekin processes on sources: ranks, rates, thresholds, and the group that other commands take.

import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { elfCore, processNotes } from "../support/dumps/elf.js";
import { test, textsIn } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused } from "../support/refused.js";
import { onlyRow, type Row, rate, rowsOf } from "../support/table.js";

const TRACES = fileURLToPath(new URL("../../traces/", import.meta.url));
const INVENTORY = path.join(TRACES, "processes.csv");
const COLUMNS =
  "pid,name,resident_pages,sampled_pages,self_sharing_rate,inter_sharing_rate,rate_low,rate_high,selected";

async function ranked(folder: string, ...args: string[]): Promise<Row[]> {
  await succeed(["processes", ...args, "--out", "out", "--quiet"], { cwd: folder });
  return rowsOf(path.join(folder, "out"), "processes.csv");
}

const selectedOf = (rows: readonly Row[]) => rows.filter(({ selected }) => selected === "true").map(({ name }) => name);
const groupOf = (folder: string) => rowsOf(path.join(folder, "out"), "private.csv").map(({ member }) => member);

/** A page of 4 KiB by number; 0 is the zero page. */
const page = (number: number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : TINY + 4 * number + i));
const pages = (...numbers: number[]) => dumpOf(numbers.flatMap(page));
const span = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describe("with all contents in the sample", () => {
  test("the numbers are those of analyze, and of a query over the traces", async ({ folder }) => {
    const rows = await ranked(folder, "--inventory", INVENTORY, "--sample", "1");
    await succeed(["analyze", "--inventory", INVENTORY, "--out", "all", "--quiet"], { cwd: folder });
    const self = rowsOf(path.join(folder, "all"), "self.csv");
    const counted = await query(
      `WITH held AS (SELECT DISTINCT member, fingerprint FROM read_parquet(${quote(path.join(TRACES, "*.parquet"))})
         WHERE page_bytes = 4096 AND member IN ('python1', 'python2', 'perl', 'browser')),
       holders AS (SELECT fingerprint, count(*) AS members FROM held GROUP BY fingerprint)
       SELECT member, count(*) FILTER (members > 1)::DOUBLE AS shared FROM held JOIN holders USING (fingerprint) GROUP BY member`,
    );
    const shared = Object.fromEntries(counted.map((row) => [row.member, Number(row.shared)]));
    expect(rows.map(({ name }) => name)).toEqual(["browser", "perl", "python2", "python1"]);
    for (const row of rows) {
      const { pages: resident, self_saved_pages, self_sharing_rate } = onlyRow(self, { member: row.name });
      const both = rate(Number(self_saved_pages) + shared[row.name], Number(resident));
      expect(row).toMatchObject({ resident_pages: resident, sampled_pages: resident, self_sharing_rate });
      expect(row).toMatchObject({ inter_sharing_rate: rate(shared[row.name], Number(resident)), pid: "" });
      expect(row).toMatchObject({ rate_low: both, rate_high: both });
    }
    const [header] = textsIn(path.join(folder, "out"))["processes.csv"].split("\n");
    expect(header.startsWith(`${COLUMNS},`)).toBe(true);
  });

  test("dumps and their compressed forms give what their traces give, whatever threads and memory", async ({
    folder,
  }) => {
    await succeed(["fingerprint", ...(await dumps(folder)), "--page-size", "4k", "--out", "traces"], { cwd: folder });
    const traces = ["a", "b", "c"].map((name) => `traces/${name}.parquet`);
    for (const sample of ["1", "0.3"]) {
      const expected = await ranked(folder, "--sample", sample, "a.raw", "b.raw", "c.raw");
      for (const how of [
        ["--workers", "3"],
        ["--max-memory", "1m"],
      ])
        expect(await ranked(folder, "--sample", sample, ...how, "a.raw", "b.raw", "c.raw")).toEqual(expected);
      expect(await ranked(folder, "--sample", sample, ...traces)).toEqual(expected);
    }
  });
});

/** Dumps of three members that share much. */
async function dumps(folder: string): Promise<string[]> {
  const files = {
    "a.raw": pages(0, 0, ...span(1, 300), ...span(1, 100)),
    "b.raw": pages(...span(200, 250), 0, ...Array(40).fill(7777)),
    "c.raw": pages(...span(1000, 200)),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  return Object.keys(files);
}

describe("a sample", () => {
  test("of a quarter comes near", async ({ folder }) => {
    const exact = await ranked(folder, "--inventory", INVENTORY, "--sample", "1");
    const rows = await ranked(folder, "--inventory", INVENTORY, "--sample", "0.25");
    for (const row of rows) {
      const truth = onlyRow(exact, { name: row.name });
      expect(row.resident_pages).toBe(truth.resident_pages);
      expect(Number(row.sampled_pages) / Number(row.resident_pages)).toBeLessThan(0.6);
      const [both, exactly] = [row, truth].map((one) => Number(one.self_sharing_rate) + Number(one.inter_sharing_rate));
      const width = Number(row.rate_high) - Number(row.rate_low);
      expect(width).toBeLessThan(0.04);
      // Twice what 95 of 100 samples keep to.
      expect(Math.abs(both - exactly)).toBeLessThan(width);
    }
  });

  test("holds all copies of a content or none, and every popular one counts", async ({ folder }) => {
    // Half of the pages are four contents, of which a sample has one or none.
    const tiles = [9001, 9002, 9003, 9004].flatMap((tile) => Array<number>(100).fill(tile));
    writeFileSync(path.join(folder, "tiles.raw"), pages(...tiles, ...span(1, 400)));
    const [row] = await ranked(folder, "--sample", "0.1", "tiles.raw");
    expect(Number(row.self_sharing_rate)).toBeCloseTo(396 / 800, 5);
  });

  test("of fingerprints of another tool knows their zero page exactly", async ({ folder }) => {
    // The same zero content whose fingerprint is not that of XXH3, marked in one of the files only.
    const rows = (prefix: string, zeros: number, mark: boolean) =>
      [...span(0, 60).map((i) => `4096,${i},${prefix}${i.toString(16).padStart(6, "0")},false`)]
        .concat(span(60, zeros).map((i) => `4096,${i},feedbeef,${mark}`))
        .join("\n");
    const header = "page_bytes,page,fingerprint,zero\n";
    writeFileSync(path.join(folder, "x.csv"), `${header}${rows("aa", 40, true)}\n`);
    writeFileSync(path.join(folder, "y.csv"), `${header}${rows("bb", 20, false)}\n`);
    for (const sample of ["0.004", "0.1", "1"]) {
      const [x, y] = await ranked(folder, "--sample", sample, "x.csv", "y.csv");
      expect([x.self_sharing_rate, y.self_sharing_rate]).toEqual([rate(39, 100), rate(19, 80)]);
      expect([x.inter_sharing_rate, y.inter_sharing_rate]).toEqual([rate(1, 100), rate(1, 80)]);
    }
  });
});

test("who reaches both thresholds is selected", async ({ folder }) => {
  const select = async (resident: string, sharing: string) => {
    const sizes = ["--min-resident", resident, "--min-sharing", sharing, "--sample", "1"];
    const names = selectedOf(await ranked(folder, "--inventory", INVENTORY, ...sizes));
    expect(groupOf(folder)).toEqual(names);
    return names;
  };
  // 14382, 7390, 6231 and 3986 pages; rates of 0.112085, 0.064682, 0.402985 and 0.179127.
  expect(await select("0", "0")).toEqual(["browser", "perl", "python2", "python1"]);
  expect(await select("16MiB", "0.1")).toEqual(["browser", "python2"]);
  expect(await select(String(6231 * 4096), "0.1")).toEqual(["browser", "python2"]);
  expect(await select(String(6231 * 4096 + 1), "0.1")).toEqual(["browser"]);
  expect(await select("0", "0.179")).toEqual(["python2", "python1"]);
  expect(await select("0", "0.18")).toEqual(["python2"]);
  // By default from 64 MiB: none of them.
  expect(selectedOf(await ranked(folder, "--inventory", INVENTORY))).toEqual([]);
  expect(groupOf(folder)).toEqual([]);
});

describe("the group", () => {
  const sources = ["python1", "python2", "perl", "browser"].map((name) => path.join(TRACES, `${name}.parquet`));

  test("is one that compare takes, and saves what the summary says", async ({ folder }) => {
    const sizes = ["--min-resident", "16m", "--sample", "1", "--json"];
    const summary = JSON.parse(await succeed(["processes", ...sources, ...sizes, "--out", "out"], { cwd: folder }));
    const policy = "private:out/private.csv,per-member";
    await succeed(["compare", ...sources, "--policy", policy, "--out", "scored"], { cwd: folder });
    const groups = rowsOf(path.join(folder, "scored"), "groups.csv");
    const own = onlyRow(groups, { group: "private", zero_pages: "counted" });
    expect(own).toMatchObject({ members: "2", pages: String(summary.private.pages) });
    expect(summary.private.saved_pages).toBeCloseTo(Number(own.saved_pages), 6);
    expect(summary.private).toMatchObject({ members: 2, pages: 14382 + 6231 });
    expect(summary.all).toMatchObject({ members: 4, pages: 31989 });
    expect(summary.all.saved_pages).toBeCloseTo(3319 + 1000, 6);
  });

  test("is one that replay takes", async ({ folder }) => {
    await ranked(folder, "--inventory", INVENTORY, "--min-resident", "16m", "--sample", "1");
    const scenario = { sources, page_size: "4k", policy: "private:out/private.csv,one-group", until: "1s" };
    writeFileSync(path.join(folder, "replay.yaml"), JSON.stringify(scenario));
    await succeed(["replay", "replay.yaml", "--out", "replayed", "--quiet"], { cwd: folder });
    const groups = rowsOf(path.join(folder, "replayed"), "samples.csv").map(({ group }) => group);
    expect(new Set(groups)).toEqual(new Set(["private", "all", "*"]));
  });
});

test("cores tell numbers and names; virtual machines are left out, by their names", async ({ folder }) => {
  const core = (pid: number, name: string, ...numbers: number[]) =>
    elfCore({ notes: processNotes({ pid, name }), loads: [{ vaddr: 0x400000, bytes: pages(...numbers) }] });
  writeFileSync(path.join(folder, "first.core"), core(41, "worker", 1, 2, 3, 3));
  writeFileSync(path.join(folder, "second.core"), core(42, "qemu-system-x86", 1, 2));
  writeFileSync(path.join(folder, "third.core"), core(43, "worker", 1, 9));
  copyFileSync(path.join(folder, "first.core"), path.join(folder, "firecracker.core"));
  const own = ["first.core", "second.core", "third.core", "qemu-system-arm=third.core"];
  const rows = await ranked(folder, "--sample", "1", ...own);
  expect(rows.map(({ pid, name, member }) => [pid, name, member])).toEqual([
    ["41", "worker", "first"],
    ["43", "worker", "third"],
    ["43", "worker", "qemu-system-arm"],
  ]);
  const traces = ["qemu-system-x86_64=first.core", "crosvm=third.core", "first.core"];
  await succeed(["fingerprint", ...traces, "--out", "traces"], { cwd: folder });
  const summary = await succeed(
    [
      "processes",
      "traces/qemu-system-x86_64.parquet",
      "traces/crosvm.parquet",
      "traces/first.parquet",
      "--out",
      "left",
    ],
    { cwd: folder },
  );
  expect(rowsOf(path.join(folder, "left"), "processes.csv").map(({ name }) => name)).toEqual(["first"]);
  expect(summary).toContain("left out: qemu-system-x86_64, crosvm");
  await expectRefused(folder, ["processes", "second.core"], [/only virtual machines/]);
});

test("the summary is a table of 80 columns, the largest first", async ({ folder }) => {
  await dumps(folder);
  const name = "a-process-with-a-very-long-name-that-no-table-of-80-columns-has-room-for";
  const args = ["a.raw", `${name}=b.raw`, "c.raw", "--min-resident", "1m"];
  const summary = await succeed(["processes", ...args, "--out", "out"], { cwd: folder });
  const lines = summary.split("\n").filter((line) => !line.startsWith("Note: "));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const names = lines.flatMap((line) => /^ {2}([* ]) {2}(\S+) +\d/.exec(line)?.slice(1, 3).join("") ?? []);
  expect(names).toEqual(["*a", expect.stringMatching(/^\*a-process-with-a.*\.\.\..*for$/), " c"]);
  const manifest = JSON.parse(textsIn(path.join(folder, "out"))["manifest.json"]);
  expect(manifest).toMatchObject({ files: ["processes.csv", "private.csv", "manifest.json"] });
  expect(manifest.options).toMatchObject({ sample: "0.1", "min-resident": "1m", "page-size": [4096] });
});

describe("refused are", () => {
  const wrong: [args: string[], says: RegExp][] = [
    [["a.raw", "--sample", "0"], /--sample is 0/],
    [["a.raw", "--sample", "1.5"], /--sample 1.5 is not a fraction/],
    [["a.raw", "--sample", "x"], /--sample x is not a fraction/],
    [["a.raw", "--min-sharing", "10%"], /--min-sharing 10% is not a fraction/],
    [["a.raw", "--min-resident", "much"], /--min-resident much is not a size/],
    [["a.raw", "--live"], /--live takes no sources/],
    [["--live", "--inventory", "a.csv"], /--live takes no sources/],
    [["a.raw", "--pid", "1"], /--pid goes with --live/],
    [["a.raw", "b@5=a.raw"], /of several times \(0, 5 s\)/],
    [[], /no input given/],
  ];

  test.for(wrong)("%s", async ([args, says], { folder }) => {
    writeFileSync(path.join(folder, "a.raw"), pages(1, 2));
    await expectRefused(folder, ["processes", ...args], [says]);
  });

  test("a trace without pages of 4 KiB", async ({ folder }) => {
    writeFileSync(path.join(folder, "a.raw"), pages(1, 2));
    await succeed(["fingerprint", "a.raw", "--page-size", "1k", "--out", "traces"], { cwd: folder });
    await expectRefused(folder, ["processes", "traces/a.parquet"], [/no pages of 4096 bytes/]);
  });
});
