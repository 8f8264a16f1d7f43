import { Crew, optimizeLate } from "../fingerprints/crew.js";
import { indexWorlds } from "../fingerprints/world-index.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printSummary } from "../report/summary.js";
import * as tables from "../report/tables.js";
import { countWorld, type WorldResult } from "../sharing/world.js";
import { notesOf } from "../sources/open.js";
import { SpectrumWriter } from "../spectrum/write.js";
import { VERSION } from "../version.js";
import { planResources } from "../worlds/resources.js";
import { choosePageSizes, notesOfMembers, openSources, sourcesOf } from "../worlds/worlds.js";
import {
  type Arguments,
  type Command,
  dumpOptions,
  parseDumps,
  parsePageSizes,
  parseResources,
  runOptions,
  sourceOptions,
} from "./options.js";

const options = {
  ...sourceOptions,
  ...dumpOptions,
  pairs: {
    type: "string",
    choices: ["largest", "all"],
    default: "largest",
    describe: "pairs where there are more than 64 members: the 1,000 largest, or all",
  },
  verify: {
    type: "boolean",
    default: false,
    describe: "compare the bytes of all pages of equal fingerprint (dumps only); exit code 3 if some differ",
  },
  ...runOptions,
} as const;

export const command: Command<typeof options> = {
  options,
  example: ["pagekin analyze traces/a1.parquet traces/a2.parquet traces/b1.parquet", "what three guests could share"],
  run: analyze,
};

/** Sources → worlds → fingerprints → index → tables → files and summary. */
async function analyze(args: Arguments<typeof options>): Promise<void> {
  const wanted = parseResources(args);
  // Opening many sources takes long, too.
  if (wanted.workers === 1) optimizeLate();
  const { worlds, labelNames } = await openSources(args.sources, args.inventory, { dumps: parseDumps(args) });
  const pageSizes = choosePageSizes(worlds, parsePageSizes(args.pageSize));
  const resources = planResources(wanted, worlds);
  const output = Output.open(args.out, args.force, sourcesOf(worlds));
  const crew = await Crew.start(resources.workers, resources.bucketLimit);
  const progress = Progress.ofSources(worlds, () => crew.bytesDone, args.progress && !args.quiet);

  const place = output.place("spectrum.parquet");
  const spectrum = SpectrumWriter.create(place, VERSION, labelNames, notesOfMembers(worlds));
  const settings = { pageSizes, verify: args.verify, tableLimit: resources.tableLimit };
  const results: WorldResult[] = [];
  for await (const indexed of indexWorlds(worlds, crew, settings)) {
    for (const one of indexed.spectra) spectrum.add(one);
    results.push(countWorld(indexed, crew.module, args.pairs === "all"));
  }
  spectrum.finish();
  crew.close();
  progress.stop();

  await output.writeTables([
    tables.selfTable(results, labelNames),
    tables.interTable(results),
    tables.pairsTable(results),
    tables.pageSizesTable(results),
    tables.copiesTable(results),
    tables.ledgerTable(results),
  ]);
  const files = await writeManifest(output, {
    args,
    sources: worlds.flatMap(({ snapshots }) => snapshots),
    pageSizes,
    resources,
    seconds: progress.seconds,
  });
  if (!args.quiet)
    await printSummary(results, {
      pageSizes,
      folder: args.out,
      files,
      seconds: progress.seconds,
      json: args.json,
      notes: notesOf(sourcesOf(worlds)),
    });
}
