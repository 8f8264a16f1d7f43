// What is mutated beside dumps: all other files that pagekin reads, and what reads each as the commands do.

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import {
  analyze,
  type CompareSettings,
  comparePolicies,
  interSharing,
  parsePolicies,
  readSpectra,
  type Spectrum,
  spectra,
} from "../../src/index.js";
import type { Scenario } from "../../src/replay/scenario/schema.js";
import { openScenario, replayScenario } from "../../src/scenarios/scenario-runs.js";
import { SpectrumWriter } from "../../src/spectrum/write.js";
import { Inputs } from "../../src/system/inputs.js";
import { readRows } from "../../src/text/read-csv.js";
import { TraceWriter } from "../../src/traces/parquet-write.js";
import { CASES, SCENARIOS } from "./input-texts.js";
import { footerOf, parquetPlaces, textPlaces } from "./places.js";
import type { Base, Subject } from "./subjects.js";

const NANOSECONDS = 1e9;
const PAGE = 4096;

/** How a replay that one instant of virtual time after the other makes long is told: what asks for more is not run. */
const MOST_TURNS = 20_000;

const texts = (...files: string[]) => files.map((text) => Buffer.from(text)).map(ofText);
const ofText = (bytes: Buffer): Base => ({ bytes, ...textPlaces(bytes) });

/** Writes what inputs name beside the one that is mutated. */
function writeOthers(folder: string): void {
  for (const [name, text] of Object.entries(CASES)) writeFileSync(path.join(folder, name), text);
  rmSync(path.join(folder, "case.csv"), { force: true });
  symlinkSync("case", path.join(folder, "case.csv"));
}

/** Numbers that cannot be counts. */
function refuseOdd(value: unknown, where = ""): void {
  if (typeof value === "number" && !(value >= 0 && value < Infinity)) throw new Error(`${where} is ${value}`);
  if (typeof value !== "object" || value === null) return;
  const entries = ArrayBuffer.isView(value) ? [...(value as Float64Array).entries()] : Object.entries(value);
  for (const [key, inner] of entries) refuseOdd(inner, `${where}.${key}`);
}

async function analyzed(sources: readonly string[], inventory?: string): Promise<void> {
  const results = await analyze(sources, inventory === undefined ? {} : { inventory });
  for (const { sharing } of results) {
    refuseOdd(sharing);
    refuseOdd(sharing.map(interSharing));
  }
}

/** Replays a scenario, or where that would take long goes as far as its runs are planned. */
async function replayed(file: string): Promise<void> {
  const opened = await openScenario(file);
  const times = opened.sources.snapshots.map(({ timeS }) => timeS * NANOSECONDS);
  const turns = opened.runs.map(({ scenario }) => turnsOf(scenario, Math.max(...times)));
  const planned = new Error("planned");
  const onStart = () => {
    if (turns.reduce((a, b) => a + b) > MOST_TURNS) throw planned;
  };
  try {
    await replayScenario(opened, { threads: 1, onBytes: () => {}, onStart });
  } catch (error) {
    if (error !== planned) throw error;
  }
}

/** Instants at which something happens at most, about. */
function turnsOf(scenario: Scenario, lastNs: number): number {
  const { until, sample, scanner, controller, regroup, redistribute, schedule, cost } = scenario;
  const every = [sample, regroup?.every, redistribute?.every, (controller as { every?: number })?.every];
  const sleepNs = scanner.sleep_millisecs * 1e6 || (cost.visit_us > 0 ? 1000 * cost.visit_us : 1);
  const period = Math.min(sleepNs, ...every.filter((ns) => ns !== undefined));
  const passes = until.kind === "passes" ? until.passes : 20;
  const end =
    until.kind === "time"
      ? until.ns
      : Math.max(lastNs, NANOSECONDS, regroup?.every ?? 0, ...schedule.map(({ at }) => at)) + passes * 50 * sleepNs;
  return end / period;
}

/** A scenario that names the file. */
const inScenario = (text: string) => async (folder: string) => {
  writeOthers(folder);
  const scenario = path.join(folder, "scenario.yaml");
  writeFileSync(scenario, text);
  return () => replayed(scenario);
};

const CONTEXT = {
  labelNames: ["tenant", "agreed", "salt"],
  tenantLabel: "tenant",
  limits: { together: [], apart: [], maxGroup: Infinity },
  readRows: (file: string, columns: readonly string[]) => readRows(file, new Inputs(), columns),
};

async function compared(all: readonly Spectrum[], policies: readonly string[]): Promise<void> {
  const settings: CompareSettings = {
    policies: await parsePolicies(policies, CONTEXT),
    entitlement: "shapley",
    tenantLabel: "tenant",
    kernel: { maxPageSharing: 2, useZeroPages: false },
    add: ["a"],
  };
  for (const spectrum of all)
    for (const { results } of await comparePolicies(spectrum, settings)) refuseOdd(results.map(({ score }) => score));
}

/** A policy that reads the file. */
const inPolicy = (policy: (file: string) => string) => async (folder: string) => {
  writeOthers(folder);
  const known = await spectra(["a.csv", "b.csv", "c.csv"].map((file) => path.join(folder, file)));
  return (file: string) => compared(known, [policy(file)]);
};

async function traceDoor(folder: string) {
  writeOthers(folder);
  const scenario = path.join(folder, "scenario.yaml");
  writeFileSync(scenario, "sources: [case.csv]\npage_size: 4k\nuntil: 1 passes\n");
  return async (file: string) => {
    await analyzed([`${file}.csv`]);
    await replayed(scenario);
  };
}

async function parquetDoor(folder: string) {
  const scenario = path.join(folder, "scenario.yaml");
  writeFileSync(scenario, "sources: [case]\npage_size: 4k\nuntil: 1 passes\n");
  return async (file: string) => {
    await analyzed([file]);
    await replayed(scenario);
  };
}

async function spectrumDoor() {
  const policies = ["one-group", "per-member", "zero-only", "esx-salting:2", "similar:1", "best:1"];
  return async (file: string) => {
    const all = await readSpectra(file);
    const isLabelled = all.every(({ members }) => members.every(({ labels }) => labels.tenant));
    await compared(all, isLabelled ? [...policies, "by:tenant"] : policies);
  };
}

/** What a writer makes of a new file. */
async function written(write: (place: { path: string; shownAs: string }) => void | Promise<void>): Promise<Buffer> {
  const folder = mkdtempSync(path.join(tmpdir(), "pagekin-fuzz-base-"));
  try {
    const file = path.join(folder, "file");
    await write({ path: file, shownAs: file });
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A trace as pagekin writes it. */
const ownTrace = () =>
  written((place) => {
    const head = {
      algorithm: "xxh3-128",
      keyId: undefined,
      addressSpace: "physical",
      notes: ["a note"],
      fileNotes: [],
      pageSizes: [PAGE, 2 * PAGE],
    };
    const ledger = { nonzero_bytes: 5 * PAGE, stored_zero_bytes: PAGE };
    const writer = new TraceWriter(place, { ...head, ledger, member: "vm", timeS: 1.5 }, "0.1.0", "vm.raw");
    const zeroFingerprint = new Uint8Array(16);
    for (const pageBytes of [PAGE, 2 * PAGE]) {
      const places = Uint32Array.of(0, 1, 3);
      const fingerprints = Uint8Array.from({ length: 16 * places.length }, (_, i) => i & 0xdf);
      const runs = [{ address: 0, at: 0, bytes: 6 * pageBytes }];
      writer.add({ pageBytes, runs, parts: [], places, fingerprints, zeroFingerprint });
    }
    writer.finish();
    writer.close();
  });

/** A spectrum as pagekin writes it. */
const ownSpectrum = () =>
  written(async (place) => {
    const writer = SpectrumWriter.create(place, "0.1.0", ["tenant"]);
    for (const timeS of [0, 1.5]) {
      for (const pageBytes of [PAGE, 4 * PAGE]) {
        await writer.add({
          timeS,
          pageBytes,
          members: [
            { member: "a", labels: { tenant: "red" } },
            { member: "b", labels: { tenant: "blue" } },
          ],
          pages: [9, 5],
          zeroPages: [4, 1],
          vectors: {
            starts: Uint32Array.of(0, 1, 3),
            holders: Uint32Array.of(0, 0, 1),
            copies: Uint32Array.of(1, 1, 2),
            contents: Float64Array.of(3, 2),
          },
        });
      }
    }
    writer.finish(["a: a note"]);
  });

/** A trace as another program may write it. */
function foreignTrace(codec: "UNCOMPRESSED" | "SNAPPY"): Buffer {
  const rows = 12;
  const column = <T>(value: (row: number) => T) => Array.from({ length: rows }, (_, row) => value(row));
  const bytes = parquetWriteBuffer({
    codec,
    rowGroupSize: 5,
    columnData: [
      { name: "member", data: column(() => "vm"), type: "STRING" },
      { name: "time_s", data: column(() => 0), type: "DOUBLE" },
      { name: "page_bytes", data: column(() => PAGE), type: "INT32" },
      { name: "page", data: column((row) => BigInt(row)), type: "INT64" },
      { name: "fingerprint", data: column((row) => new Uint8Array(16).fill(row % 5)), type: "BYTE_ARRAY" },
      { name: "zero", data: column((row) => row % 5 === 0), type: "BOOLEAN" },
    ],
  });
  return Buffer.from(bytes);
}

/** Files kept in a folder of the tests. */
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".parquet"))
    .map((name) => readFileSync(path.join(folder, name)));

function ofParquet(bytes: Buffer): Base {
  const footer = footerOf(bytes);
  const repair = (changed: Buffer) => {
    if (changed.length >= footer + 8) changed.writeUInt32LE(changed.length - 8 - footer, changed.length - 8);
  };
  return { bytes, ...parquetPlaces(bytes), repair };
}

export const INPUTS: readonly Subject[] = [
  {
    name: "scenario",
    bases: () => texts(...SCENARIOS),
    door: async (folder) => {
      writeOthers(folder);
      return replayed;
    },
  },
  {
    name: "events",
    bases: () => texts(CASES["events.csv"], CASES["more-events.csv"]),
    door: inScenario("sources: [a.csv, b.csv]\nevents: case\nuntil: 1.2s\nsample: 0.2s\n"),
  },
  {
    name: "usage",
    bases: () => texts(CASES["usage.csv"]),
    door: inScenario(
      "sources: [a.csv, b.csv]\nusage: case\nuntil: 1.2s\nhost: {memory: 100k}\ncontroller: {kind: semma, every: 200ms, balloon_step: 8k}\n",
    ),
  },
  {
    name: "curve",
    bases: () => texts(CASES["curve.csv"]),
    door: inScenario(
      "sources: [a.csv, b.csv]\nuntil: 1.2s\nredistribute: equal\nmembers: {a: {workload: {kind: cached-random-read, curve: case}}}\n",
    ),
  },
  {
    name: "inventory",
    bases: () => texts(CASES["inventory.csv"], CASES["labels.csv"]),
    door: async (folder) => {
      writeOthers(folder);
      return (file) => analyzed([path.join(folder, "c.csv")], file);
    },
  },
  { name: "groups", bases: () => texts(CASES["groups.csv"]), door: inPolicy((file) => `groups:${file}`) },
  { name: "private", bases: () => texts(CASES["private.csv"]), door: inPolicy((file) => `private:${file},per-member`) },
  {
    name: "trace-csv",
    bases: () => texts(CASES["a.csv"], CASES["short.csv"], CASES["two-sizes.csv"]),
    door: traceDoor,
  },
  {
    name: "trace-parquet",
    bases: async () =>
      [await ownTrace(), foreignTrace("UNCOMPRESSED"), foreignTrace("SNAPPY"), ...filesIn("test/traces/pyarrow")].map(
        ofParquet,
      ),
    door: parquetDoor,
    mostCases: 1000,
  },
  {
    name: "spectrum",
    bases: async () => [await ownSpectrum(), ...filesIn("test/spectrum/pyarrow")].map(ofParquet),
    door: spectrumDoor,
    mostCases: 1000,
  },
];
