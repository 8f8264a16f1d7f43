// A scenario from its file to what its runs came to.

import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { compileCore } from "../core/module.js";
import { fromSystem, PagekinError } from "../errors.js";
import type { PolicyContext } from "../policies/policy.js";
import { checkScenario } from "../replay/check-scenario.js";
import type { ReplayMember } from "../replay/members.js";
import { type PlannedRun, referencesOf } from "../replay/reference.js";
import { checkRows, rowsOfEach } from "../replay/room.js";
import { MOST_SCENARIO_BYTES, parseScenario, type RunScenario } from "../replay/scenario/parse.js";
import type { Curve } from "../replay/workload.js";
import { parseSource } from "../sources/names.js";
import { Inputs } from "../system/inputs.js";
import { breathe } from "../system/pace.js";
import { readRows } from "../text/read-csv.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import type { Sources } from "../worlds/sources.js";
import type { Noted } from "../worlds/world.js";
import { openSources } from "../worlds/worlds.js";
import { checkOrder, load } from "./load.js";
import { type RunJob, type RunResult, type RunsShared, tableKey } from "./perform.js";
import { Planner, placed } from "./plan-runs.js";
import { performRuns } from "./pool.js";

/** A scenario that was checked, and its sources. */
export interface OpenedScenario {
  runs: RunScenario[];
  sources: Sources;
  /** Where relative files begin. */
  folder: string;
  /** The one page size, in bytes. */
  pageSizes: number[];
}

export interface ReplaySettings {
  /** Runs at once. */
  threads: number;
  onBytes(bytes: number): void;
  /** Loading is done. untilNs: by run its end, if that is known; clocks: by run its virtual time. Nanoseconds. */
  onStart(untilNs: (number | undefined)[], clocks: Float64Array): void;
}

/** All runs of a scenario. */
export interface FinishedRuns {
  runs: readonly PlannedRun[];
  /** By run, then those of references that were added. */
  results: readonly RunResult[];
  /** By run the number of the result that its isolation cost is against; undefined: it has no scanner. */
  references: readonly (number | undefined)[];
  members: readonly ReplayMember[];
  /** What a person should know of each snapshot. */
  noted: readonly Noted[];
  /** By the names that scenarios have for their files. */
  curves: ReadonlyMap<string, Curve>;
}

/** A scenario's file, or its text, whose relative paths begin in the current folder. */
export async function openScenario(scenario: string | { yaml: string }): Promise<OpenedScenario> {
  const inputs = new Inputs();
  const isText = typeof scenario === "object";
  const text = isText ? scenario.yaml : readScenario(scenario, inputs);
  const runs = await parseScenario(text, isText ? undefined : scenario, breathe);
  const byName = new Map(runs.map((run) => [run.name, run]));
  for (const run of runs) {
    await placed(run, [], () => checkScenario(run.scenario, byName));
    const turn = breathe();
    if (turn) await turn;
  }
  const folder = isText ? process.cwd() : path.dirname(path.resolve(scenario));
  const [{ scenario: first }] = runs;
  const inventory = first.inventory === undefined ? undefined : path.resolve(folder, first.inventory);
  for (const [i, text] of first.sources.entries()) {
    await placed(runs[0], ["sources", i], () => parseSource(text, (name) => existsSync(path.resolve(folder, name))));
  }
  const sources = await placed(runs[0], ["sources"], () => openSources(first.sources, inventory, { folder, inputs }));
  try {
    await placed(runs[0], [], () => checkOrder(sources.snapshots, first.sources.length));
    return { runs, sources, folder, pageSizes: choosePageSizes(sources.worlds, [first.page_size]) };
  } catch (error) {
    sources.close();
    throw error;
  }
}

/** Members with their pages → groups → virtual time, run by run. */
export async function replayScenario(opened: OpenedScenario, settings: ReplaySettings): Promise<FinishedRuns> {
  const { runs, sources, folder } = opened;
  const { threads, onBytes, onStart } = settings;
  const module = compileCore();
  const inFolder = (name: string) => path.resolve(folder, name);
  const isShared = threads > 1;
  const loading = load(sources, { module, runs, inFolder, onBytes, isShared });
  const { members, noted, events, usage, curves } = await loading.finally(() => sources.close());
  const { labelNames, inputs } = sources;
  const tables = new Map<string, Record<string, string>[]>();
  const readTable: PolicyContext["readRows"] = async (name, columns) => {
    const rows = await readRows(path.resolve(folder, name), inputs, columns);
    tables.set(tableKey(name, columns), rows);
    return rows;
  };
  const planner = new Planner(members, { labelNames, folder, readTable });
  const planned: PlannedRun[] = [];
  for (const run of runs) planned.push(await planner.plan(run));
  await inputs.refuseChanged();
  const references = referencesOf(planned);
  const jobs = [...planned, ...references.added].map(
    ({ scenario, grouping }, number): RunJob => ({ number, scenario, grouping }),
  );
  const mostRows = rowsOfEach(jobs.length);
  const lastSnapshot = lastOf(members.flatMap(({ snapshots }) => snapshots));
  for (const [i, run] of runs.entries()) {
    const { scenario, grouping } = planned[i];
    const last = Math.max(lastSnapshot, lastOf(events.get(scenario.events ?? "") ?? []));
    await placed(run, [], () => checkRows(scenario, endOf(jobs[i]) ?? last, grouping.groups.length, mostRows));
  }
  const clocks = new SharedArrayBuffer(8 * jobs.length);
  onStart(jobs.map(endOf), new Float64Array(clocks));
  const shared: RunsShared = { labelNames, tables, module, members, events, usage, clocks, mostRows };
  const used = Math.min(threads, jobs.length);
  const results = await placed(runs[0], [], () => performRuns(shared, jobs, used));
  return { runs: planned, results, references: references.of, members, noted, curves };
}

const lastOf = (moments: readonly { ns: number }[]) => moments.reduce((last, { ns }) => Math.max(last, ns), 0);

/** When a run ends, if that is known. */
function endOf({ scenario: { until } }: RunJob): number | undefined {
  return until.kind === "time" ? until.ns : undefined;
}

function readScenario(file: string, inputs: Inputs): string {
  try {
    if (!statSync(file).isFile()) throw new PagekinError("is not a regular file", { file, hint: "name a YAML file" });
    if (inputs.look(file).size > MOST_SCENARIO_BYTES) {
      const hint = "name sources in an inventory and groups in a file, or make several scenarios of it";
      throw new PagekinError(`is larger than ${MOST_SCENARIO_BYTES / 1024} KiB`, { file, hint });
    }
    return inputs.read(file).toString("utf8");
  } catch (error) {
    throw fromSystem(error, file);
  }
}
