// A scenario from its file to what its runs came to.

import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { compileCore } from "../core/module.js";
import { fromSystem, PagekinError } from "../errors.js";
import { choosePageSizes, openSources, type Sources } from "../fingerprints/worlds.js";
import { breathe } from "../pace.js";
import { checkNames, checkScenario } from "../replay/check.js";
import { groupMembers } from "../replay/grouping.js";
import type { Member } from "../replay/members.js";
import { parseScenario, type RunScenario } from "../replay/scenario/parse.js";
import type { Curve } from "../replay/workload.js";
import { checkOrder, load } from "./load.js";
import { parsePolicy, type RunJob, type RunResult, type RunsShared } from "./perform.js";
import { performRuns } from "./pool.js";
import { type PlannedRun, referencesOf } from "./reference.js";

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
  members: readonly Member[];
  /** By the names that scenarios have for their files. */
  curves: ReadonlyMap<string, Curve>;
}

export async function openScenario(file: string): Promise<OpenedScenario> {
  const runs = parseScenario(readScenario(file), file);
  const names = runs.map(({ name }) => name);
  for (const run of runs) placed(run, () => checkScenario(run.scenario, names));
  const folder = path.dirname(path.resolve(file));
  const [{ scenario }] = runs;
  const inventory = scenario.inventory === undefined ? undefined : path.resolve(folder, scenario.inventory);
  const sources = await openSources(scenario.sources, inventory, { folder });
  placed(runs[0], () => checkOrder(sources.snapshots, scenario.sources.length));
  return { runs, sources, folder, pageSizes: choosePageSizes(sources.worlds, [scenario.page_size]) };
}

/** Members with their pages → groups → virtual time, run by run. */
export async function replayScenario(opened: OpenedScenario, settings: ReplaySettings): Promise<FinishedRuns> {
  const { runs, sources, folder } = opened;
  const { threads, onBytes, onStart } = settings;
  const module = compileCore();
  const inFolder = (name: string) => path.resolve(folder, name);
  const isShared = threads > 1;
  const { members, events, usage, curves } = await load(sources, { module, runs, inFolder, onBytes, isShared });
  const context = { labelNames: sources.labelNames, folder };
  const planned: PlannedRun[] = [];
  for (const run of runs) planned.push(await planRun(run, members, context));
  const references = referencesOf(planned);
  const jobs = [...planned, ...references.added].map(({ scenario, grouping }, number): RunJob => {
    const own = { events: events.get(scenario.events ?? "") ?? [], usage: usage.get(scenario.usage ?? "") };
    return { number, scenario, grouping, ...own };
  });
  const clocks = new SharedArrayBuffer(8 * jobs.length);
  onStart(jobs.map(endOf), new Float64Array(clocks));
  const shared: RunsShared = { ...context, module, members, clocks };
  const used = Math.min(threads, jobs.length);
  const results = await performRuns(shared, jobs, used);
  return { runs: planned, results, references: references.of, members, curves };
}

async function planRun(
  run: RunScenario,
  members: readonly Member[],
  context: Pick<RunsShared, "labelNames" | "folder">,
): Promise<PlannedRun> {
  const { name, scenario, settings } = run;
  const policy = await parsePolicy(scenario.policy, context);
  const grouping = await groupMembers(members, policy, scenario.page_size, breathe);
  placed(run, () => checkNames(scenario, members, grouping.groups));
  return { name, scenario, settings, grouping };
}

/** When a run ends, if that is known. */
function endOf({ scenario: { until } }: RunJob): number | undefined {
  return until.kind === "time" ? until.ns : undefined;
}

/** Does what may find a fault in a run's scenario, which becomes an error with its place. */
function placed<T>(run: RunScenario, work: () => T): T {
  try {
    return work();
  } catch (fault) {
    throw run.place(fault);
  }
}

function readScenario(file: string): string {
  try {
    if (!statSync(file).isFile()) throw new PagekinError("is no plain file", { file, hint: "name a YAML file" });
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fromSystem(error, file);
  }
}
