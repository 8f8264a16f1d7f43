import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { fromSystem, PagekinError } from "../errors.js";
import { breathe } from "../fingerprints/pace.js";
import { ContentTable, listPages } from "../fingerprints/page-list.js";
import { choosePageSizes, openSources, type Snapshot, sourcesOf } from "../fingerprints/worlds.js";
import { TENANT_LABEL } from "../policies/policy.js";
import { parsePolicies } from "../policies/registry.js";
import { EVENT_COLUMNS, parseEvents } from "../replay/events.js";
import { groupMembers } from "../replay/grouping.js";
import { membersOf, type ReplayEvent, type ReplaySnapshot } from "../replay/members.js";
import { prepare } from "../replay/plan.js";
import { run } from "../replay/run.js";
import { NANOSECONDS, parseScenario, type Scenario } from "../replay/scenario.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printReplay } from "../report/replay-summary.js";
import { samplesTable } from "../report/replay-tables.js";
import { readRows } from "../sources/rows.js";
import { type Arguments, type Command, runOptions } from "./options.js";

const { out, force, json, "hash-sources": hashSources, quiet, progress } = runOptions;
const options = { out, force, json, "hash-sources": hashSources, quiet, progress } as const;

const RUN = "main";

export const command: Command<typeof options> = {
  options,
  about: "SOURCE is one scenario: a YAML file, see docs/replay.md.",
  example: ["pagekin replay traces/scenarios/guests.yaml", "what one scanner a tenant reaps, and when"],
  run: replay,
};

/** Scenario → members with their pages → groups → virtual time → samples. */
async function replay(args: Arguments<typeof options>): Promise<void> {
  const [file, ...more] = args.sources;
  if (file === undefined || more.length > 0) {
    throw new PagekinError("replay takes one scenario", { hint: "name a YAML file" });
  }
  const scenario = parseScenario(readScenario(file), file);
  const folder = path.dirname(path.resolve(file));
  const inFolder = (name: string) => path.resolve(folder, name);
  const inventory = scenario.inventory === undefined ? undefined : inFolder(scenario.inventory);
  const { worlds, labelNames } = await openSources(scenario.sources, inventory, { folder });
  const pageSizes = choosePageSizes(worlds, [scenario.page_size]);
  const output = Output.open(args.out, args.force, sourcesOf(worlds));

  const began = performance.now();
  const module = compileCore();
  let done = 0;
  const bar = new Progress(worlds, () => done, args.progress && !args.quiet);
  const table = new ContentTable();
  const lists: (ReplaySnapshot & { snapshot: Snapshot })[] = [];
  for (const snapshot of worlds.flatMap(({ snapshots }) => snapshots)) {
    const hasher = new Hasher(module, pageSizes);
    const list = await listPages(snapshot.opened, hasher, table, (bytes) => {
      done += bytes;
    });
    const { member, labels, timeS } = snapshot;
    lists.push({ snapshot, member, labels, ns: Math.round(timeS * NANOSECONDS), ...list });
  }
  bar.stop();
  const events = scenario.events === undefined ? [] : await readEvents(inFolder(scenario.events), table);
  const places = table.places();
  for (const list of lists) list.contents = list.contents.map((number) => places[number]);
  for (const event of events) event.content = places[event.content];

  const members = membersOf(lists, events);
  const grouping = await groupMembers(members, await policyOf(scenario, labelNames, inFolder), scenario.page_size);
  const { plan, world, groups } = prepare(scenario, members, events, grouping, module);
  const samples = await run(world, plan, () => breathe());
  const seconds = (performance.now() - began) / 1000;

  await output.writeTables([samplesTable(RUN, samples, groups)]);
  const sources = lists.map(({ snapshot }) => snapshot);
  const files = await writeManifest(output, { args, sources, pageSizes, resources: undefined, seconds });
  if (!args.quiet) {
    await printReplay(samples, groups, scenario, { folder: args.out, files, seconds, json: args.json });
  }
}

async function readEvents(file: string, table: ContentTable): Promise<ReplayEvent[]> {
  return parseEvents(await readRows(file, EVENT_COLUMNS), file, table);
}

function readScenario(file: string): string {
  try {
    if (!statSync(file).isFile()) throw new PagekinError("is no plain file", { file, hint: "name a YAML file" });
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fromSystem(error, file);
  }
}

async function policyOf({ policy }: Scenario, labelNames: readonly string[], inFolder: (file: string) => string) {
  const [parsed] = await parsePolicies([policy], {
    labelNames,
    tenantLabel: labelNames.includes(TENANT_LABEL) ? TENANT_LABEL : undefined,
    limits: { together: [], apart: [], maxGroup: Infinity },
    readRows: (name, columns) => readRows(inFolder(name), columns),
  });
  return parsed;
}
