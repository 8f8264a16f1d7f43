import { PagekinError } from "../errors.js";
import type { TraceTask } from "../fingerprints/write-traces.js";
import { printTraces } from "../report/fingerprint-summary.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { displayName } from "../sources/names.js";
import { isPipe } from "../sources/source.js";
import { formatNumber } from "../text/format.js";
import { VERSION } from "../version.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { planResources } from "../worlds/resources.js";
import { notedOf, notesByFile, readOf, type Snapshot } from "../worlds/world.js";
import { openSources } from "../worlds/worlds.js";
import { startCrew } from "./crew.js";
import { text } from "./option-kinds.js";
import { type Arguments, type Command, dumpOptions, runOptions, sourceOptions } from "./options.js";

const options = [
  ...sourceOptions,
  ...dumpOptions,
  text("key-file", {
    describe:
      "write keyed fingerprints: without this file (at least 16 random bytes) nobody can test for pages they know",
  }),
  ...runOptions,
] as const;

export const command: Command<typeof options> = {
  options,
  example: [
    "node traces/make-dumps.mjs dumps && pagekin fingerprint dumps/semma/*.raw",
    "a trace of each of three small dumps",
  ],
  run: fingerprint,
};

/** Sources → fingerprints in the order of their pages → one trace file each. */
async function fingerprint(args: Arguments<typeof options>): Promise<void> {
  const sources = await openSources(args.sources, args.inventory, { dumps: args });
  const { worlds, settings, inputs } = sources;
  const snapshots = worlds.flatMap((world) => world.snapshots);
  refuseTraces(snapshots);
  const pageSizes = choosePageSizes(worlds, args.pageSize);
  const resources = planResources(args, worlds);
  const key = args.keyFile === undefined ? undefined : (await import("../traces/key.js")).readKey(args.keyFile, inputs);
  const output = await Output.open(args.out, args.force, snapshots);
  const crew = await startCrew(Math.min(resources.workers, snapshots.length), 0);
  const progress = Progress.ofSources(snapshots, () => crew.bytesDone, args.progress && !args.quiet);

  const names = fileNamesOf(snapshots);
  const tasks = snapshots.map(({ source, member, timeS }, number): TraceTask => {
    return { number, source, settings, member, timeS, place: output.place(names[number]) };
  });
  const own = tasks.filter(({ source }) => isPipe(source));
  const shared = tasks.filter(({ source }) => !isPipe(source));
  const written = (
    await crew.run("traces", { pageSizes, key, version: VERSION, tasks: shared }, undefined, own)
  ).flat();
  const traces = written
    .sort((a, b) => a.number - b.number)
    .map((file) => ({ ...file, ...notedOf(snapshots[file.number], file), fileName: names[file.number] }));
  await sources.finish();
  crew.close();
  progress.stop();

  const read = traces.map(readOf);
  const files = await writeManifest(output, {
    args,
    sources: read,
    pageSizes,
    resources,
    seconds: progress.seconds,
  });
  if (!args.quiet)
    await printTraces(traces, {
      pageSizes,
      folder: args.out,
      files,
      seconds: progress.seconds,
      json: args.json,
      sources: read,
      notes: notesByFile(traces),
    });
}

/** `NAME.parquet`, or `NAME@SECONDS.parquet` where the time is not 0. */
function fileNameOf(member: string, timeS: number): string {
  if (/[/\\\0]/.test(member) || member.startsWith(".")) {
    throw new PagekinError(`member ${member} cannot be a file's name`, { hint: "name it another way: NAME=PATH" });
  }
  return `${member}${timeS === 0 ? "" : `@${formatNumber(timeS)}`}.parquet`;
}

/** The traces' names; an error if two snapshots would have the same. */
function fileNamesOf(snapshots: readonly Snapshot[]): string[] {
  const seen = new Map<string, Snapshot>();
  return snapshots.map((snapshot) => {
    const fileName = fileNameOf(snapshot.member, snapshot.timeS);
    const other = seen.get(fileName);
    if (other) {
      throw new PagekinError(`its trace and that of ${displayName(other.source.name)} would both be ${fileName}`, {
        file: displayName(snapshot.source.name),
        hint: "give it another name: NAME=PATH",
      });
    }
    seen.set(fileName, snapshot);
    return fileName;
  });
}

function refuseTraces(snapshots: readonly Snapshot[]): void {
  const trace = snapshots.find((snapshot) => snapshot.trace);
  if (!trace) return;
  throw new PagekinError("this is a trace already", {
    file: displayName(trace.source.name),
    hint: "give dumps to fingerprint",
  });
}
