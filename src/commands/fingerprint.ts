import { PagekinError } from "../errors.js";
import { Crew } from "../fingerprints/crew.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printTraces } from "../report/summary.js";
import { addFileNote, displayName, notesOf, type Opened } from "../sources/open.js";
import { formatNumber } from "../text/format.js";
import { VERSION } from "../version.js";
import { planResources } from "../worlds/resources.js";
import { choosePageSizes, openSources, type Snapshot, sourcesOf } from "../worlds/worlds.js";
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
  "key-file": {
    type: "string",
    describe: "write keyed fingerprints: who lacks this file (16 random bytes or more) cannot test for pages he knows",
  },
  ...runOptions,
} as const;

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
  const { worlds } = await openSources(args.sources, args.inventory, { dumps: parseDumps(args) });
  const snapshots = worlds.flatMap((world) => world.snapshots);
  refuseTraces(snapshots);
  const pageSizes = choosePageSizes(worlds, parsePageSizes(args.pageSize));
  const resources = planResources(parseResources(args), worlds);
  const key = args.keyFile === undefined ? undefined : (await import("../traces/key.js")).readKey(args.keyFile);
  const output = Output.open(args.out, args.force, sourcesOf(worlds));
  const crew = await Crew.start(Math.min(resources.workers, snapshots.length), 0);
  const progress = Progress.ofSources(worlds, () => crew.bytesDone, args.progress && !args.quiet);

  const tasks = snapshots.map(({ opened, member, timeS }, source) => ({
    source,
    opened,
    member,
    timeS,
    fileName: fileNameOf(member, timeS),
  }));
  refuseSameNames(tasks);
  const job = { pageSizes, key, version: VERSION };
  const placed = tasks.map((task) => ({ ...task, place: output.place(task.fileName) }));
  const own = placed.filter(({ opened }) => opened.pipe);
  const shared = placed.filter(({ opened }) => !opened.pipe);
  const written = (await crew.run("traces", { ...job, tasks: shared }, undefined, own)).flat();
  written.sort((a, b) => a.source - b.source);
  for (const { source, fileNotes } of written)
    for (const note of fileNotes) addFileNote(snapshots[source].opened, note);
  crew.close();
  progress.stop();

  const files = await writeManifest(output, {
    args,
    sources: snapshots,
    pageSizes,
    resources,
    seconds: progress.seconds,
  });
  if (!args.quiet)
    await printTraces(written, snapshots, {
      pageSizes,
      folder: args.out,
      files,
      seconds: progress.seconds,
      json: args.json,
      notes: notesOf(sourcesOf(worlds)),
    });
}

/** `NAME.parquet`, or `NAME@SECONDS.parquet` where the time is not 0. */
function fileNameOf(member: string, timeS: number): string {
  if (/[/\\\0]/.test(member) || member.startsWith(".")) {
    throw new PagekinError(`member ${member} cannot be a file's name`, { hint: "name it another way: NAME=PATH" });
  }
  return `${member}${timeS === 0 ? "" : `@${formatNumber(timeS)}`}.parquet`;
}

function refuseSameNames(tasks: readonly { fileName: string; opened: Opened }[]): void {
  const seen = new Map<string, Opened>();
  for (const { fileName, opened } of tasks) {
    const other = seen.get(fileName);
    if (other) {
      throw new PagekinError(`its trace and that of ${displayName(other.name)} would both be ${fileName}`, {
        file: displayName(opened.name),
        hint: "give it another name: NAME=PATH",
      });
    }
    seen.set(fileName, opened);
  }
}

function refuseTraces(snapshots: readonly Snapshot[]): void {
  const trace = snapshots.find((snapshot) => snapshot.trace);
  if (!trace) return;
  throw new PagekinError("this is a trace already", {
    file: displayName(trace.opened.name),
    hint: "give dumps to fingerprint",
  });
}
