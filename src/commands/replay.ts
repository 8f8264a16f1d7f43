import { readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { compileCore } from "../core/module.js";
import { fromSystem, PagekinError } from "../errors.js";
import { breathe } from "../fingerprints/pace.js";
import { choosePageSizes, openSources, sourcesOf } from "../fingerprints/worlds.js";
import { checkNames, checkScenario } from "../replay/check.js";
import { groupMembers } from "../replay/grouping.js";
import type { Member } from "../replay/members.js";
import { parseScenario, type RunScenario } from "../replay/scenario/parse.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printReplay } from "../report/replay-summary.js";
import { replayTables } from "../report/replay-tables.js";
import { checkOrder, load } from "../runs/load.js";
import { parsePolicy, type RunJob } from "../runs/perform.js";
import { performRuns } from "../runs/pool.js";
import { type PlannedRun, referencesOf } from "../runs/reference.js";
import { type Arguments, type Command, parseResources, runOptions } from "./options.js";

const { out, force, json, workers, "hash-sources": hashSources, quiet, progress } = runOptions;
const options = {
  out,
  force,
  json,
  workers: { ...workers, describe: "runs at once, from 1 [default: the processors]" },
  "hash-sources": hashSources,
  quiet,
  progress,
} as const;

export const command: Command<typeof options> = {
  options,
  about: "SOURCE is one scenario: a YAML file, see docs/replay.md.",
  example: ["pagekin replay traces/scenarios/guests.yaml", "what one scanner a tenant reaps, and when"],
  run: replay,
};

/** Scenario → its runs → members with their pages → groups → virtual time, run by run → tables and summary. */
async function replay(args: Arguments<typeof options>): Promise<void> {
  const [file, ...more] = args.sources;
  if (file === undefined || more.length > 0) {
    throw new PagekinError("replay takes one scenario", { hint: "name a YAML file" });
  }
  const threads = parseResources(args).workers ?? availableParallelism();
  const runs = parseScenario(readScenario(file), file);
  const names = runs.map(({ name }) => name);
  for (const run of runs) placed(run, () => checkScenario(run.scenario, names));
  const folder = path.dirname(path.resolve(file));
  const inFolder = (name: string) => path.resolve(folder, name);
  const [{ scenario }] = runs;
  const inventory = scenario.inventory === undefined ? undefined : inFolder(scenario.inventory);
  const sources = await openSources(scenario.sources, inventory, { folder });
  placed(runs[0], () => checkOrder(sources.snapshots, scenario.sources.length));
  const pageSizes = choosePageSizes(sources.worlds, [scenario.page_size]);
  const output = Output.open(args.out, args.force, sourcesOf(sources.worlds));

  const began = performance.now();
  const module = compileCore();
  let done = 0;
  const reading = Progress.ofSources(sources.worlds, () => done, args.progress && !args.quiet);
  const onBytes = (bytes: number) => {
    done += bytes;
  };
  const { members, events, usage, curves } = await load(sources, {
    ...{ module, runs, inFolder, onBytes },
    isShared: threads > 1,
  });
  reading.stop();
  const context = { labelNames: sources.labelNames, folder };
  const planned: PlannedRun[] = [];
  for (const run of runs) planned.push(await planRun(run, members, context));
  const references = referencesOf(planned);
  const jobs = [...planned, ...references.added].map((run, number): RunJob => {
    const { scenario, grouping } = run;
    const own = { events: events.get(scenario.events ?? "") ?? [], usage: usage.get(scenario.usage ?? "") };
    return { number, scenario, grouping, ...own };
  });

  const loaded = performance.now();
  const used = Math.min(threads, jobs.length);
  const clocks = new SharedArrayBuffer(8 * jobs.length);
  const running = Progress.ofRuns(jobs.map(endOf), new Float64Array(clocks), args.progress && !args.quiet);
  const shared = { ...context, module, members, clocks };
  const results = await performRuns(shared, jobs, used);
  running.stop();
  const seconds = (performance.now() - began) / 1000;

  const finished = { runs: planned, results, references: references.of, members, curves };
  await output.writeTables(replayTables(finished));
  const { snapshots } = sources;
  const files = await writeManifest(output, { args, sources: snapshots, pageSizes, resources: undefined, seconds });
  if (args.quiet) return;
  const runSeconds = seconds - (loaded - began) / 1000;
  await printReplay(finished, { folder: args.out, files, seconds, runSeconds, json: args.json });
}

/** Does what may find a fault in a run's scenario, which becomes an error with its place. */
function placed<T>(run: RunScenario, work: () => T): T {
  try {
    return work();
  } catch (fault) {
    throw run.place(fault);
  }
}

async function planRun(
  run: RunScenario,
  members: readonly Member[],
  context: { labelNames: readonly string[]; folder: string },
): Promise<PlannedRun> {
  const { name, scenario, settings } = run;
  const policy = await parsePolicy(scenario.policy, context);
  const grouping = await groupMembers(members, policy, scenario.page_size, breathe);
  placed(run, () => checkNames(scenario, members, grouping.groups));
  return { name, scenario, settings, grouping };
}

/** When a run ends, in virtual nanoseconds, if that is known. */
function endOf({ scenario: { until } }: RunJob): number | undefined {
  return until.kind === "time" ? until.ns : undefined;
}

function readScenario(file: string): string {
  try {
    if (!statSync(file).isFile()) throw new PagekinError("is no plain file", { file, hint: "name a YAML file" });
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fromSystem(error, file);
  }
}
