import { listProcesses, readKsm, readProcesses } from "../capture/live-processes.js";
import { memberOf } from "../capture/process-subject.js";
import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { PagekinError } from "../errors.js";
import { bucketsFor } from "../fingerprints/sampled-buckets.js";
import type { ContentSample } from "../processes/content-sample.js";
import { PageIndex } from "../processes/page-index.js";
import { type Process, rankProcesses } from "../processes/ranking.js";
import { sampleWorld } from "../processes/sample-world.js";
import { isVmProgram } from "../processes/vm-programs.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { printProcesses } from "../report/process-summary.js";
import { privateTable, processesTable } from "../report/process-tables.js";
import { Progress } from "../report/progress.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { planResources, type Resources } from "../worlds/resources.js";
import { type OpenSnapshot, readingOf, type Sources } from "../worlds/sources.js";
import { type Noted, notedOf, notesByFile, readOf } from "../worlds/world.js";
import { openSources } from "../worlds/worlds.js";
import { startCrew } from "./crew.js";
import { count, flag, list, part, size } from "./option-kinds.js";
import { type Arguments, type Command, dumpOptions, inventory, runOptionsOf } from "./options.js";

const options = [
  flag("live", { describe: "rank the processes of this machine instead of sources (Linux)" }),
  list(count("pid", { least: 1, describe: "with --live: only this process (repeatable)" })),
  size("min-resident", { default: "64m", describe: "smallest resident size of a selected process" }),
  part("min-sharing", {
    default: "0.1",
    describe: "smallest fraction of its pages (0 to 1) that a selected process saves, alone and with others",
  }),
  part("sample", {
    default: "0.1",
    describe: "fraction of unique pages to estimate rates from (up to 1; 1 is exact)",
    check: refuseEmptySample,
  }),
  inventory,
  ...dumpOptions,
  ...runOptionsOf("processes"),
] as const;

export const command: Command<typeof options> = {
  options,
  about: "Each SOURCE is a process; --live takes none.",
  example: [
    "pagekin processes --inventory traces/processes.csv --min-resident 16m",
    "which of four processes are worth a private group (in a clone)",
  ],
  run: processes,
};

/** What was looked at: processes, in the order of the sample's members, and what there is to say. */
interface Found {
  processes: Process[];
  sample: ContentSample;
  noted: readonly Noted[];
  /** What a person should know besides. */
  notes: string[];
  seconds: number;
}

/** Sources or this machine → a sample of contents → rates → ranks → tables and summary. */
async function processes(args: Arguments<typeof options>): Promise<void> {
  const thresholds = {
    minResidentPages: Math.ceil(args.minResident / BASE_PAGE_BYTES),
    minSharing: args.minSharing,
  };
  refuseMixed(args);
  const sources = args.live ? undefined : await openProcesses(args);
  const output = await Output.open(args, "processes", sources?.snapshots ?? []);
  const resources = planResources(args.live ? { ...args, workers: 1 } : args, sources?.worlds ?? []);
  const show = args.progress && !args.quiet;
  const found = sources
    ? await readSources(sources, resources, bucketsFor(args.sample), show)
    : await readLive(args, resources, bucketsFor(args.sample), show);
  const ranking = rankProcesses(found.processes, found.sample, thresholds);
  await output.writeTables([processesTable(ranking), privateTable(ranking)]);
  const { noted, seconds, notes } = found;
  const read = noted.map(readOf);
  const files = await writeManifest(output, {
    args,
    sources: read,
    pageSizes: [BASE_PAGE_BYTES],
    resources,
    seconds,
    notes,
  });
  if (args.quiet) return;
  const kernel = args.live ? readKsm() : undefined;
  await printProcesses(ranking, {
    ...thresholds,
    kernel,
    folder: args.out,
    files,
    seconds,
    json: args.json,
    sources: read,
    notes: [...notes, ...notesByFile(noted)],
  });
}

function refuseEmptySample(sample: number): void {
  if (sample === 0) throw new PagekinError("--sample is 0", { hint: "give a part above 0" });
}

function refuseMixed({ live, pid, sources, inventory }: Arguments<typeof options>): void {
  if (live && (sources.length > 0 || inventory !== undefined))
    throw new PagekinError("--live takes no sources", { hint: "leave one of the two out" });
  if (!live && pid.length > 0) throw new PagekinError("--pid goes with --live", { hint: "add --live" });
}

/** The sources, which must be of one time. */
async function openProcesses(args: Arguments<typeof options>): Promise<Sources> {
  const sources = await openSources(args.sources, args.inventory, { dumps: args });
  const { worlds } = sources;
  if (worlds.length > 1) {
    const times = worlds.map(({ timeS }) => timeS).join(", ");
    throw new PagekinError(`the sources are of several times (${times} s)`, { hint: "name those of one time" });
  }
  choosePageSizes(worlds, [BASE_PAGE_BYTES]);
  return sources;
}

async function readSources(sources: Sources, resources: Resources, sampled: number, show: boolean): Promise<Found> {
  const world = await sources.openWorld(sources.worlds[0]);
  const isVm = ({ dump, member }: OpenSnapshot) => isVmProgram(String(dump?.details.name ?? member));
  const snapshots = world.snapshots.filter((snapshot) => !isVm(snapshot));
  const vms = world.snapshots.filter(isVm).map(({ member }) => member);
  if (snapshots.length === 0) throw noneLeft();
  const crew = await startCrew(resources.workers, resources.bucketLimit);
  const progress = Progress.ofSources(snapshots, () => crew.bytesDone, show);
  const { tableLimit } = resources;
  const settings = { pageSizes: [BASE_PAGE_BYTES], tableLimit, sampled };
  const { sample, notes } = await sampleWorld({ ...world, snapshots }, crew, settings);
  await sources.finish();
  crew.close();
  world.close();
  progress.stop();
  const processes = snapshots.map(({ member, dump }): Process => {
    const { pid, name } = dump?.details ?? {};
    return { member, pid: typeof pid === "number" ? pid : undefined, name: typeof name === "string" ? name : member };
  });
  const noted = snapshots.map((snapshot, i) => notedOf(snapshot, readingOf(snapshot, notes[i])));
  return { processes, sample, noted, notes: vmNote(vms), seconds: progress.seconds };
}

async function readLive(
  args: Arguments<typeof options>,
  { bucketLimit, tableLimit }: Resources,
  sampled: number,
  show: boolean,
): Promise<Found> {
  const pids = args.pid.length > 0 ? args.pid : undefined;
  const { readable, vms, closed } = listProcesses(pids);
  const notes = vmNote(vms.map(({ name, pid }) => `${name} (${pid})`));
  if (closed.length > 0) {
    const some = closed.slice(0, 5).map(({ name, pid }) => `${name} (${pid})`);
    const more = closed.length > some.length ? ` and ${closed.length - some.length} more` : "";
    notes.push(`not readable: ${some.join(", ")}${more}; run as root, or with CAP_SYS_PTRACE and CAP_SYS_ADMIN`);
  }
  if (readable.length === 0) {
    if (closed.length > 0)
      throw new PagekinError("no process may be read", { hint: "run as root, or with CAP_SYS_PTRACE" });
    throw noneLeft();
  }
  const index = new PageIndex(compileCore(), { bucketLimit, tableLimit, sampled });
  const bytes = readable.reduce((sum, process) => sum + process.bytes, 0);
  let done = 0;
  const progress = Progress.ofBytes(bytes, () => Math.min(done, bytes), show);
  const read = await readProcesses(readable, index, (more) => {
    done += more;
  });
  const sample = await index.finish();
  progress.stop();
  const processes = readable.map(({ pid, name }, i): Process => {
    const { forkSharedPages, ksm } = read[i];
    return { member: memberOf(name, pid), pid, name, forkSharedPages, ksm };
  });
  const changed = processes.filter((_, i) => read[i].ended || read[i].lostPages > 0).map(({ member }) => member);
  if (changed.length > 0) notes.push(`changed or ended while they were read: ${changed.join(", ")}`);
  return { processes, sample, noted: [], notes, seconds: progress.seconds };
}

const vmNote = (vms: readonly string[]) => (vms.length > 0 ? [`virtual machines, left out: ${vms.join(", ")}`] : []);

const noneLeft = () =>
  new PagekinError("there are only virtual machines", { hint: "analyze those; here name other processes" });
