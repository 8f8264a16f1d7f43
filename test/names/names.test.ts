// Names are data: whatever members, labels, groups and runs are called, every result has their names exactly.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { readSpectra } from "pagekin";
import { describe, expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { inFolder, test } from "../support/folder.js";
import { cellOf, hostileNames, inTable, ODD_NAMES } from "../support/names.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectScenarioRefused, expectSourcesRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const RUNS = { numRuns: 6 };

/** Writes a trace of a member that holds content 0, which all have, and one of its own. */
const traceOf = (number: number) =>
  `page_bytes,page,fingerprint\n4096,0,00\n4096,1,${(number + 1).toString(16).padStart(4, "0")}\n`;

/** Traces, and an inventory that gives each member two labels: a group of its own, and its name backwards. */
function writeWorld(folder: string, names: readonly string[], labels: readonly [string, string]): void {
  const rows = names.map((name, i) => {
    writeFileSync(path.join(folder, `m${i}.csv`), traceOf(i));
    return [`m${i}.csv`, name, `${name}!`, name].map(cellOf).join();
  });
  const header = ["path", "member", ...labels].map(cellOf).join();
  writeFileSync(path.join(folder, "i.csv"), [header, ...rows, ""].join("\n"));
}

const isLabel = (name: string) => name.trim() === name && !["member", "path", "time_s"].includes(name);

describe("analyze, compare and a saved spectrum have names exactly", () => {
  async function expectExact(names: readonly string[], labels: readonly [string, string]): Promise<void> {
    await inFolder(async (folder) => {
      writeWorld(folder, names, labels);
      const read = (...args: string[]) => succeed([...args, "--json"], { cwd: folder });
      const summary = JSON.parse(await read("analyze", "--inventory", "i.csv", "--out", "a"));
      const members = summary.worlds[0].sizes[0].members;
      expect(members.map(({ member }: { member: string }) => member)).toEqual(names);
      for (const [i, { labels: found }] of members.entries())
        expect(Object.entries(found)).toEqual(
          expect.arrayContaining([
            [labels[0], `${names[i]}!`],
            [labels[1], names[i]],
          ]),
        );
      const self = rowsOf(path.join(folder, "a"), "self.csv");
      expect(self.map((row) => [row.member, row[inTable(labels[1])]])).toEqual(
        names.map((name) => [inTable(name), inTable(name)]),
      );
      const sizes = rowsOf(path.join(folder, "a"), "page_sizes.csv");
      expect(sizes.map((row) => [row.member, row.all_members])).toEqual([
        ...names.map((name) => [inTable(name), "false"]),
        ["*", "true"],
      ]);
      const pairs = rowsOf(path.join(folder, "a"), "pairs.csv").map((row) => [row.member_a, row.member_b]);
      expect(pairs).toEqual(names.flatMap((a, i) => names.slice(i + 1).map((b) => [inTable(a), inTable(b)])));
      const manifest = JSON.parse(readFileSync(path.join(folder, "a", "manifest.json"), "utf8"));
      expect(manifest.sources.map(({ member }: { member: string }) => member)).toEqual(names);
      const [spectrum] = await readSpectra(path.join(folder, "a", "spectrum.parquet"));
      expect(spectrum.members.map(({ member }) => member)).toEqual(names);
      expect(spectrum.members.map((one) => Object.getOwnPropertyDescriptor(one.labels, labels[1])?.value)).toEqual(
        names,
      );
      const rows = await query(
        `SELECT members FROM ${quote(path.join(folder, "a", "spectrum.parquet"))} WHERE len(members) = ${names.length}`,
      );
      // DuckDB's JSON ends texts at a zero byte, and loses a byte order mark.
      if (!names.some((name) => /[\0\ufeff]/.test(name))) expect(rows.map(({ members }) => members)).toEqual([names]);

      const policies = [`by:${labels[1]}`, "per-member"].flatMap((policy) => ["--policy", policy]);
      await succeed(["compare", "--inventory", "i.csv", ...policies, "--out", "c", "--quiet"], { cwd: folder });
      await succeed(["compare", "a/spectrum.parquet", ...policies, "--out", "s", "--quiet"], { cwd: folder });
      for (const file of ["policies.csv", "groups.csv", "members.csv", "merges.csv"])
        expect(readFileSync(path.join(folder, "s", file), "utf8")).toBe(
          readFileSync(path.join(folder, "c", file), "utf8"),
        );
      const grouped = rowsOf(path.join(folder, "c"), "members.csv");
      for (const row of grouped) expect(row.group).toBe(row.member);
      expect(grouped.slice(0, names.length).map((row) => [row.group, row.group_number])).toEqual(
        names.map((name, i) => [inTable(name), String(i + 1)]),
      );
    });
  }

  test("odd ones, all in one world", async () => {
    await expectExact(ODD_NAMES, ["__proto__", "constructor"]);
    await expectExact(["a", "b"], ["=x", "toString"]);
  });

  test("any", async () => {
    const world = fc.tuple(
      hostileNames(5),
      hostileNames(2).filter((labels) => labels.every(isLabel)),
    );
    // No text on a command line has a zero byte.
    const possible = world.filter(([, labels]) => !labels.join("").includes("\0"));
    await fc.assert(
      fc.asyncProperty(possible, ([names, [a, b]]) => expectExact(names, [a, b])),
      RUNS,
    );
  });
});

test("the trace of a member has its name exactly, whatever its file is called", async () => {
  const expectTraced = (names: readonly string[]) =>
    inFolder(async (folder) => {
      writeFileSync(path.join(folder, "x.raw"), dumpOf([TINY, 0, TINY + 1, TINY + 2]));
      const rows = names.map((name) => `x.raw,${cellOf(name)}\n`);
      writeFileSync(path.join(folder, "i.csv"), `path,member\n${rows.join("")}`);
      const args = ["fingerprint", "--inventory", "i.csv", "--out", "t", "--json"];
      const { files } = JSON.parse(await succeed(args, { cwd: folder }));
      const traces = files.filter((file: string) => file.endsWith(".parquet")).map((file: string) => `t/${file}`);
      expect(traces).toHaveLength(names.length);
      const out = await succeed(["analyze", ...traces, "--page-size", "4k", "--out", "a", "--json"], { cwd: folder });
      const members = JSON.parse(out).worlds.flatMap((world: { sizes: { members: { member: string }[] }[] }) =>
        world.sizes[0].members.map(({ member }) => member),
      );
      expect(members).toEqual(names);
    });
  await expectTraced(ODD_NAMES);
  await fc.assert(fc.asyncProperty(hostileNames(4), expectTraced), RUNS);
});

describe("a replay has names exactly", () => {
  async function expectReplayed(names: readonly string[], runs: readonly string[]): Promise<void> {
    await inFolder(async (folder) => {
      writeWorld(folder, names, ["g", "h"]);
      // JSON is YAML, but for a key __proto__, which it writes as any other.
      const keys = (own: readonly string[], value: unknown) => Object.fromEntries(own.map((name) => [name, value]));
      const scenario = {
        ...{ inventory: "i.csv", policy: "by:h", until: "2s", controller: "reclaim-rate", redistribute: "group" },
        groups: keys(names, { pages_to_scan: 7 }),
        members: keys(names, { memory: 8192, workload: { kind: "cached-random-read", working_set: "1m" } }),
        runs: keys(runs, { seed: 2 }),
      };
      writeFileSync(path.join(folder, "s.yaml"), JSON.stringify(scenario));
      const out = JSON.parse(await succeed(["replay", "s.yaml", "--out", "r", "--json"], { cwd: folder }));
      const found = new Set(out.runs.map(({ run }: { run: string }) => run));
      expect(found).toEqual(new Set(runs));
      for (const { groups } of out.runs) expect(groups).toEqual(names);
      const at = (file: string) => rowsOf(path.join(folder, "r"), file);
      expect(new Set(at("runs.csv").map(({ run }) => run))).toEqual(new Set(runs.map(inTable)));
      const ofRun = (file: string) =>
        at(file).filter(({ run, time_s = "1" }) => run === inTable(runs[0]) && time_s === "1");
      const groups = names.map((name, i) => [inTable(name), String(i + 1)]);
      expect(ofRun("samples.csv").map((row) => [row.group, row.group_number])).toEqual([...groups, ["*", ""]]);
      const members = names.map((name, i) => [inTable(name), inTable(name), String(i + 1)]);
      for (const file of ["memory.csv", "guarantee.csv"])
        expect(ofRun(file).map((row) => [row.member, row.group, row.group_number])).toEqual([
          ...members,
          ["*", "*", ""],
        ]);
      for (const { lower_bound_bytes } of ofRun("guarantee.csv").slice(0, -1)) expect(lower_bound_bytes).toBe("8192");
      expect(ofRun("throughput.csv").map(({ member }) => member)).toEqual(names.map(inTable));
      for (const row of at("decisions.csv")) {
        expect(row.subject_kind).toBe("group");
        expect(row.subject).toBe(inTable(names[Number(row.group_number) - 1]));
      }
    });
  }

  test("odd ones", () => expectReplayed(ODD_NAMES, ["__proto__", "constructor", "one group", "=x", "b", "10", "9"]));

  test("any", async () => {
    await fc.assert(fc.asyncProperty(hostileNames(4), hostileNames(2), expectReplayed), RUNS);
  });

  test("keys that look like numbers are names as they are written, and keep their order", async ({ folder }) => {
    writeWorld(folder, ["a"], ["g", "h"]);
    const yaml = "inventory: i.csv\nuntil: 1s\nruns: {007: {seed: 1}, 1e3: {seed: 2}, b: {seed: 3}, 2: {seed: 4}}\n";
    writeFileSync(path.join(folder, "s.yaml"), yaml);
    await succeed(["replay", "s.yaml", "--out", "r", "--quiet"], { cwd: folder });
    expect(rowsOf(path.join(folder, "r"), "runs.csv").map(({ run }) => run)).toEqual(["007", "1e3", "b", "2"]);
  });
});

test("two groups of one name are told apart by their numbers", async ({ folder }) => {
  ["a", "b", "c"].forEach((_, i) => {
    writeFileSync(path.join(folder, `m${i}.csv`), traceOf(i));
  });
  writeFileSync(path.join(folder, "i.csv"), "path,member,t\nm0.csv,a,private\nm1.csv,b,private\nm2.csv,c,c\n");
  writeFileSync(path.join(folder, "p.csv"), "member\na\n");
  const args = [
    "compare",
    "--inventory",
    "i.csv",
    "--policy",
    "private:p.csv,by:t",
    "--add",
    "c",
    "--out",
    "o",
    "--quiet",
  ];
  await succeed(args, { cwd: folder });
  const at = (file: string) =>
    rowsOf(path.join(folder, "o"), file).filter(({ zero_pages = "counted" }) => zero_pages === "counted");
  expect(at("groups.csv").map((row) => [row.group, row.group_number])).toEqual([
    ["private", "1"],
    ["private", "2"],
    ["c", "3"],
  ]);
  expect(at("members.csv").map((row) => [row.member, row.group_number])).toEqual([
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
  ]);
  expect(
    at("merges.csv")
      .map((row) => [row.group_a_number, row.group_b_number])
      .sort(),
  ).toEqual([
    ["1", "2"],
    ["1", "3"],
    ["2", "3"],
  ]);
  expect(at("marginal.csv").map((row) => [row.group, row.group_number])).toEqual([
    ["private", "1"],
    ["private", "2"],
  ]);
});

test("processes of odd names come back from private.csv as the members that they are", async ({ folder }) => {
  writeWorld(folder, ODD_NAMES, ["g", "h"]);
  const thresholds = ["--min-resident", "4k", "--min-sharing", "0", "--sample", "1"];
  await succeed(["processes", "--inventory", "i.csv", ...thresholds, "--out", "p", "--quiet"], { cwd: folder });
  const listed = rowsOf(path.join(folder, "p"), "processes.csv").map(({ member }) => member);
  expect(listed.sort()).toEqual(ODD_NAMES.map(inTable).sort());
  const policy = ["--policy", "private:p/private.csv,per-member"];
  await succeed(["compare", "--inventory", "i.csv", ...policy, "--out", "c", "--quiet"], { cwd: folder });
  expect(new Set(rowsOf(path.join(folder, "c"), "members.csv").map(({ group }) => group))).toEqual(
    new Set(["private"]),
  );
});

test("on a terminal and through a pipe no name is more than text", async ({ folder }) => {
  writeWorld(folder, ODD_NAMES, ["g\u009b31m", "h\u202e"]);
  for (const command of ["analyze", "compare", "processes"])
    for (const form of [[], ["--json"]]) {
      const args = [command, "--inventory", "i.csv", "--out", `${command}${form.length}`, ...form];
      const lines = (await succeed(args, { cwd: folder })).split("\n");
      for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
});

describe("text that is not Unicode is refused, since two such names would look the same", () => {
  test("in an inventory, in a CSV trace, in a Parquet trace", async ({ folder }) => {
    const bad = Buffer.from([0x61, 0xff]);
    writeFileSync(path.join(folder, "x.csv"), traceOf(1));
    writeFileSync(path.join(folder, "i.csv"), Buffer.concat([Buffer.from("path,member\nx.csv,a\nx.csv,"), bad]));
    writeFileSync(
      path.join(folder, "t.csv"),
      Buffer.concat([Buffer.from("page_bytes,page,fingerprint,member\n4096,0,00,"), bad, Buffer.from("\n")]),
    );
    await expectSourcesRefused(folder, [], [/i\.csv: line 3: not UTF-8/], { inventory: "i.csv" });
    await expectSourcesRefused(folder, ["t.csv"], [/t\.csv: line 2: not UTF-8/]);
  });

  test("in a scenario", async ({ folder }) => {
    writeFileSync(path.join(folder, "x.csv"), traceOf(1));
    writeFileSync(path.join(folder, "s.yaml"), 'until: 1s\nsources: ["\\ud800=x.csv"]\n');
    await expectScenarioRefused(folder, "s.yaml", [/s\.yaml: line 2, column 11: this is not Unicode/]);
  });
});
