// What all tables of `analyze` and `compare` must hold, from whole pages as strings; and whether the library, the command line,
// traces and saved spectra come to that.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { analyze, type Comparison, comparePolicies, parsePolicies, readSpectra, type Spectrum, spectra } from "pagekin";
import { expect } from "vitest";
import { comparisonTables } from "../../src/report/policy-tables.js";
import { analysisTables } from "../../src/report/tables.js";
import type { Table } from "../../src/text/write-csv.js";
import { hasHosts, twinGrowth, twinHosts } from "./capacity-twin.js";
import {
  hasPages,
  mapOptions,
  type OracleCase,
  writeCsvTraces,
  writeDumps,
  writeTraceInventory,
} from "./oracle-worlds.js";
import { succeed } from "./pagekin.js";
import {
  type PolicyWorld,
  TABLES,
  type TwinPolicy,
  twinMarginals,
  twinTables as twinPolicyTables,
  withFractions,
} from "./policy-twin.js";
import { groupsIn, writeGroups } from "./policy-worlds.js";
import { expectSpectrum, SPECTRUM } from "./spectrum.js";
import { formatTime, parseCsv, type Row, rowsIn, toCsv } from "./table.js";
import { LEDGER_HEADER, ledgerOf, pagesIn, twinTables } from "./twin.js";
import {
  byValue,
  esxSalting,
  isExcluded,
  mostSaved,
  oneGroup,
  optIn,
  perMember,
  similar,
  withExcluded,
  withPrivate,
} from "./twin-groupings.js";

/** Texts of tables by the names of their files. */
type Texts = Record<string, string>;

const textOf = (all: readonly Table[]): Texts =>
  Object.fromEntries(all.map(({ file, pieces }) => [file, [...pieces].join("")]));

/** All records, the header among them; how fields are quoted is not looked at. */
const records = (texts: Texts) =>
  Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, parseCsv(text)]));

/** What `analyze` writes of the dumps. */
function analyzeTexts(given: OracleCase, files: readonly string[], maps: boolean): Texts {
  const snapshots = given.worlds.flatMap(({ timeS, members }) => members.map((member) => ({ timeS, member })));
  const ledger = snapshots.map(({ timeS, member }, i) => {
    const [format] = member.form(maps).split(".");
    return [formatTime(timeS), member.name, files[i], format, "physical", ...ledgerOf(member, format === "raw")];
  });
  return {
    ...twinTables(given.worlds, given.pageSizes, given.labelNames),
    "ledger.csv": toCsv(LEDGER_HEADER, ledger),
  };
}

const comparedTexts = (comparisons: readonly Comparison[], given: OracleCase): Texts => {
  const { kernel, labelNames, added } = given;
  const asked = { hasKernel: kernel !== undefined, hasAdded: added.length > 0, hasHosts: hasHosts(given) };
  return textOf(comparisonTables(comparisons, { labelNames, ...asked }));
};

/** The worlds with a number for each content, 0 for the zero page. */
function policyWorlds({ worlds, pageBytes, labelNames }: OracleCase): PolicyWorld[] {
  const numbers = new Map([["\0".repeat(pageBytes), 0]]);
  const numberOf = (content: string) => {
    const number = numbers.get(content) ?? numbers.size;
    numbers.set(content, number);
    return number;
  };
  return worlds.map(({ timeS, members }) => ({
    timeS,
    pageBytes,
    members: members.map((member) => ({
      name: member.name,
      labels: Object.fromEntries(labelNames.map((label, i) => [label, member.labels[i]])),
      pages: pagesIn(member, pageBytes).map(numberOf),
    })),
  }));
}

/** Policies of all kinds, with the files that they need in a folder. */
function policiesOf(folder: string, given: OracleCase, worlds: readonly PolicyWorld[]): TwinPolicy[] {
  const { groups, named, count, tenantLabel } = given;
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const entries = Object.entries(groups).map(([name, group]): [string, string] => [quoted(name), quoted(group)]);
  writeGroups(folder, "groups.csv", new Map(entries));
  writeGroups(folder, "private.csv", new Map(["elsewhere", ...named].map((name) => [quoted(name), ""])));
  const byOs = byValue(({ labels }) => labels.os);
  const policies: TwinPolicy[] = [
    { text: "one-group", groups: oneGroup },
    { text: "per-member", groups: perMember },
    { text: "zero-only", groups: "zero-only" },
    { text: "by:os", groups: byOs },
    { text: "groups:groups.csv", groups: byValue(({ name }) => groups[name]) },
    ...[0, 1, 2].map((mode) => ({
      text: `esx-salting:${mode}`,
      groups: (world: PolicyWorld) => esxSalting(mode, world),
    })),
    { text: "opt-in:agreed", groups: (world) => optIn("agreed", tenantLabel, world) },
    {
      text: "excluded:agreed",
      groups: (world) => withExcluded("agreed", world, oneGroup),
      excludes: isExcluded("agreed"),
    },
    {
      text: "excluded:agreed,private:private.csv,by:os",
      groups: (world) => withExcluded("agreed", world, (others) => withPrivate(named, others, byOs)),
      excludes: isExcluded("agreed"),
    },
    { text: "private:private.csv,by:os", groups: (world) => withPrivate(named, world, byOs) },
    { text: `similar:${count}`, groups: (world, zeroPages) => similar(count, world, zeroPages) ?? [] },
  ];
  // A member at the margin leaves one less behind a private group.
  const rest = worlds.map(({ members }) => members.filter(({ name }) => !named.includes(name)).length);
  if (rest.every((members) => members === 0 || members > count)) {
    policies.push({
      text: `private:private.csv,similar:${count}`,
      groups: (world, zeroPages) => withPrivate(named, world, (others) => similar(count, others, zeroPages) ?? []),
    });
  }
  return policies;
}

/** A check of compare's tables, whichever way they came about. */
function compareChecker(folder: string, given: OracleCase) {
  const worlds = policyWorlds(given);
  const policies = policiesOf(folder, given, worlds);
  const best = `best:${given.count}`;
  const check = (texts: Texts) => {
    const found = Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, rowsIn(text)]));
    const groupsFound = (world: PolicyWorld, zeroPages: string) =>
      groupsIn(found["members.csv"], world, zeroPages, best);
    // Many groupings may save most: it is checked of the one found that it is one of these.
    const itsBest: TwinPolicy = {
      text: best,
      groups: groupsFound,
      mostSaved: (world, zeroPages) => mostSaved(world, zeroPages).get(given.count) ?? -1,
    };
    const expected = twinPolicyTables(worlds, [...policies, itsBest], given);
    for (const row of expected.policies) if (row.policy === best) expect(row.saved_pages).toBe(row.most_saved_pages);
    const exact: Record<string, Row[]> = Object.fromEntries(TABLES.map((table) => [`${table}.csv`, expected[table]]));
    exact["growth.csv"] = twinGrowth(worlds);
    if (hasHosts(given)) exact["hosts.csv"] = twinHosts(worlds, policies, given);
    const { "marginal.csv": marginal, "hosts.csv": hosts, ...rest } = found;
    // The best grouping of a host's members is not the one that was found of all.
    const others = hosts ? { ...rest, "hosts.csv": hosts.filter(({ policy }) => policy !== best) } : rest;
    const fractions = Object.entries(others).map(([file, rows]) => [file, withFractions(rows, exact[file] ?? [])]);
    expect(Object.fromEntries(fractions)).toEqual(exact);
    expect(marginal?.filter(({ policy }) => policy !== best)).toEqual(
      given.added.length > 0 ? twinMarginals(worlds, policies, given.added) : undefined,
    );
  };
  return { texts: [...policies.map(({ text }) => text), best], check };
}

async function comparedByLibrary(
  folder: string,
  given: OracleCase,
  texts: readonly string[],
  all: readonly Spectrum[],
): Promise<Texts> {
  const { labelNames, tenantLabel, entitlement, kernel, added } = given;
  const policies = await parsePolicies(texts, {
    labelNames,
    tenantLabel,
    limits: { together: [], apart: [], maxGroup: Infinity },
    readRows: async (file) => rowsIn(readFileSync(path.join(folder, file), "utf8")),
  });
  const hosts = { isLabelled: labelNames.includes("host"), memoryBytes: given.hostBytes };
  const settings = {
    ...{ policies, entitlement, tenantLabel, kernel, add: added },
    hosts: hasHosts(given) ? hosts : undefined,
  };
  const comparisons: Comparison[] = [];
  for (const spectrum of all)
    if (spectrum.pageBytes === given.pageBytes) comparisons.push(...(await comparePolicies(spectrum, settings)));
  return comparedTexts(comparisons, given);
}

/** Analyzes the worlds by the library, from dumps and CSV traces, and compares policies on their spectra. */
export async function checkLibrary(folder: string, given: OracleCase): Promise<void> {
  const files = writeDumps(folder, given, false);
  const { pageSizes, labelNames, verify } = given;
  const options = { pageSizes, inventory: path.join(folder, "dumps.csv") };
  const expected = analyzeTexts(given, files, false);
  // The library's results are the engine's own; its types leave out what tables and scripts do not need.
  const tablesOf = (results: unknown) => analysisTables(results as Parameters<typeof analysisTables>[0], labelNames);
  expect(records(textOf(tablesOf(await analyze([], { ...options, verify }))))).toEqual(records(expected));

  if (given.alsoTraces && hasPages(given)) {
    writeCsvTraces(folder, given);
    const traces = await analyze([], { pageSizes, inventory: path.join(folder, "csv-traces.csv") });
    expect(withoutLedger(textOf(tablesOf(traces)))).toEqual(withoutLedger(expected));
  }

  const { texts, check } = compareChecker(folder, given);
  const all = await spectra([], options);
  check(await comparedByLibrary(folder, given, texts, all));
}

/** All but the ledger: a trace that another program made says nothing of bytes. */
function withoutLedger(texts: Texts) {
  const { "ledger.csv": _, ...others } = records(texts);
  return others;
}

/** The files of a result folder but the manifest and the spectrum. */
function textsIn(folder: string): Texts {
  const files = readdirSync(folder).filter((file) => file !== "manifest.json" && file !== SPECTRUM);
  return Object.fromEntries(files.map((file) => [file, readFileSync(path.join(folder, file), "utf8")]));
}

/** The same by the command line, from dumps, from their traces, and from the spectrum that it saves of these. */
export async function checkCommands(folder: string, given: OracleCase): Promise<void> {
  const { pageSizes, labelNames, pageBytes, entitlement, tenantLabel, kernel, added } = given;
  const files = writeDumps(folder, given, true);
  const maps = mapOptions(given);
  const expected = analyzeTexts(given, files, true);
  const run = (command: string, out: string, ...args: string[]) =>
    succeed([command, ...args, "--out", out, "--quiet"], { cwd: folder });
  const sizes = ["--page-size", pageSizes.join()];
  await run("analyze", "analyzed", "--inventory", path.join(folder, "dumps.csv"), ...maps, ...sizes);
  expect(records(textsIn(path.join(folder, "analyzed")))).toEqual(records(expected));

  await expectSpectrum(path.join(folder, "analyzed"), given.worlds, pageSizes, labelNames);

  if (hasPages(given)) {
    await run("fingerprint", "traces", "--inventory", "dumps.csv", ...maps, ...sizes);
    writeTraceInventory(folder, "traces", given);
    await run("analyze", "from-traces", "--inventory", "traces.csv", ...sizes);
    const ofTraces = textsIn(path.join(folder, "from-traces"));
    expect(withoutLedger(ofTraces)).toEqual(withoutLedger(expected));
    const bytesOf = (text: string) => rowsIn(text).map(({ source: _, format: __, ...bytes }) => bytes);
    expect(bytesOf(ofTraces["ledger.csv"])).toEqual(bytesOf(expected["ledger.csv"]));
    const [own, other] = ["analyzed", "from-traces"].map((out) => readFileSync(path.join(folder, out, SPECTRUM)));
    expect(other.equals(own)).toBe(true);
  }

  const { texts, check } = compareChecker(folder, given);
  const saved = path.join(folder, "analyzed", SPECTRUM);
  writeDumps(folder, given, false);
  const inventory = path.join(folder, "dumps.csv");
  expect(await readSpectra(saved)).toEqual(await spectra([], { pageSizes, inventory }));
  const options = [
    ...["--page-size", String(pageBytes), "--entitlement", entitlement],
    ...texts.flatMap((text) => ["--policy", text]),
    ...added.flatMap((member) => ["--add", member]),
    ...(given.hostBytes === undefined ? [] : ["--host-memory", String(given.hostBytes)]),
    ...(tenantLabel === "os" ? ["--tenant-label", "os"] : []),
    ...(kernel ? ["--max-page-sharing", String(kernel.maxPageSharing)] : []),
    ...(kernel?.useZeroPages ? ["--use-zero-pages"] : []),
  ];
  await run("compare", "compared", saved, ...options);
  const compared = textsIn(path.join(folder, "compared"));
  check(compared);
  // Asked for this size alone, a dump without such a page is refused.
  if (!hasPages({ ...given, pageSizes: [pageBytes] })) return;
  await run("compare", "of-dumps", "--inventory", "dumps.csv", ...options);
  expect(textsIn(path.join(folder, "of-dumps"))).toEqual(compared);
}
