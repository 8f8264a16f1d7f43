import { indexWorlds, notedIn } from "../fingerprints/world-index.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printSummary } from "../report/summary.js";
import { analysisTables } from "../report/tables.js";
import { WorldCounter, type WorldResult } from "../sharing/count-world.js";
import { SpectrumWriter } from "../spectrum/write.js";
import { breathe } from "../system/pace.js";
import { VERSION } from "../version.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { planResources } from "../worlds/resources.js";
import { notesByFile, notesByMember, readOf } from "../worlds/world.js";
import { openSources } from "../worlds/worlds.js";
import { optimizeLate, startCrew } from "./crew.js";
import { choice, flag } from "./option-kinds.js";
import { type Arguments, type Command, dumpOptions, runOptionsOf, sourceOptions } from "./options.js";

const options = [
  ...sourceOptions,
  ...dumpOptions,
  choice("pairs", ["largest", "all"], {
    default: "largest",
    describe: "pairs to list when there are more than 64 members: the 1,000 largest, or all",
  }),
  flag("verify", {
    describe: "compare the bytes of all pages with equal fingerprints (dumps only); exit code 3 if any differ",
  }),
  ...runOptionsOf("analyze"),
] as const;

export const command: Command<typeof options> = {
  options,
  example: ["pagekin analyze traces/c1.parquet traces/c2.parquet", "how much memory two guests could share"],
  run: analyze,
};

/** Sources → worlds → fingerprints → index → tables → files and summary. */
async function analyze(args: Arguments<typeof options>): Promise<void> {
  // Opening many sources takes long, too.
  if (args.workers === 1) optimizeLate();
  const sources = await openSources(args.sources, args.inventory, { dumps: args });
  const { worlds, labelNames } = sources;
  const pageSizes = choosePageSizes(worlds, args.pageSize);
  const resources = planResources(args, worlds);
  const output = await Output.open(args, "analyze", sources.snapshots);
  const crew = await startCrew(resources.workers, resources.bucketLimit);
  const progress = Progress.ofSources(sources.snapshots, () => crew.bytesDone, args.progress && !args.quiet);

  const place = output.place("spectrum.parquet");
  const spectrum = SpectrumWriter.create(place, VERSION, labelNames);
  const settings = { pageSizes, verify: args.verify, tableLimit: resources.tableLimit };
  const counter = new WorldCounter(crew.module, args.pairs === "all", breathe);
  const results: WorldResult[] = [];
  for await (const indexed of indexWorlds(sources, crew, settings)) {
    for (const one of indexed.spectra) await spectrum.add(one);
    results.push(await counter.count(indexed));
  }
  await sources.finish();
  const noted = notedIn(results);
  spectrum.finish(notesByMember(noted));
  crew.close();
  progress.stop();

  await output.writeTables(analysisTables(results, labelNames));
  const read = noted.map(readOf);
  const files = await writeManifest(output, {
    args,
    sources: read,
    pageSizes,
    resources,
    seconds: progress.seconds,
  });
  if (!args.quiet)
    await printSummary(results, {
      pageSizes,
      allPairs: args.pairs === "all",
      folder: args.out,
      files,
      seconds: progress.seconds,
      json: args.json,
      sources: read,
      notes: notesByFile(noted),
    });
}
