import { createHash } from "node:crypto";
import { PagekinError, quoted } from "../errors.js";
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
import { type Arguments, type Command, dumpOptions, runOptionsOf, sourceOptions } from "./options.js";

const options = [
  ...sourceOptions,
  ...dumpOptions,
  text("key-file", {
    describe:
      "file with a key (at least 16 random bytes) for the fingerprints: without it, nobody can test the trace for pages they know",
  }),
  ...runOptionsOf("fingerprint"),
] as const;

export const command: Command<typeof options> = {
  options,
  example: [
    "node traces/make-dumps.mjs dumps && pagekin fingerprint dumps/semma/*.raw",
    "one trace for each of three small dumps (in a clone)",
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
  const output = await Output.open(args, "fingerprint", snapshots);
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

/** What files, other than hidden ones, cannot have in their names; it is written as in a URL. The trace has the name as it is. */
const NOT_IN_NAMES = /[/\\\0]|^\./g;
/** Of a file's name, which may have 255 with all that is added to it. */
const MOST_NAME_BYTES = 180;

/** `NAME.parquet`, or `NAME@SECONDS.parquet` where the time is not 0. */
function fileNameOf(member: string, timeS: number): string {
  const encoded = (one: string) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  const name = shortened(member.replace(NOT_IN_NAMES, encoded));
  return `${name}${timeS === 0 ? "" : `@${formatNumber(timeS)}`}.parquet`;
}

/** A long name by its beginning and its hash. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return name;
  // Bytes that a cut leaves of a character are left out.
  const begin = new TextDecoder().decode(Buffer.from(name).subarray(0, MOST_NAME_BYTES - 20), { stream: true });
  return `${begin}~${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
}

/** The traces' names; an error if two snapshots would have the same. */
function fileNamesOf(snapshots: readonly Snapshot[]): string[] {
  const seen = new Map<string, Snapshot>();
  return snapshots.map((snapshot) => {
    const fileName = fileNameOf(snapshot.member, snapshot.timeS);
    const other = seen.get(fileName);
    if (other) {
      throw new PagekinError(
        `its trace and that of ${quoted(displayName(other.source.name))} would both be ${quoted(fileName)}`,
        {
          file: displayName(snapshot.source.name),
          hint: "give it another name: NAME=PATH",
        },
      );
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
