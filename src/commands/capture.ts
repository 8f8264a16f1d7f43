import { statSync } from "node:fs";
import path from "node:path";
import { captureSeries } from "../capture/capture-series.js";
import type { VmAddress } from "../capture/find-vm.js";
import { LiveTraceWriter } from "../capture/live-trace.js";
import { holdFolder } from "../capture/lock.js";
import type { PauseEstimate } from "../capture/pause-estimate.js";
import { commandOf, memberOf, ProcessSubject } from "../capture/process-subject.js";
import { SeriesFolder, type SnapshotRecord, timesOf } from "../capture/series.js";
import type { Subject } from "../capture/subject.js";
import { METHODS, VmSubject } from "../capture/vm-subject.js";
import { PagekinError, quoted } from "../errors.js";
import { Printer } from "../report/capture-summary.js";
import { identityOf } from "../sources/source.js";
import { Inputs } from "../system/inputs.js";
import { splitName } from "../text/values.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { choice, flag, list, text, time } from "./option-kinds.js";
import { type Arguments, type Command, json, pageSize, progress, quiet } from "./options.js";

const seriesOptions = [
  {
    ...text("out", {
      describe: "folder for the dumps, inventory.csv and usage.csv; an existing series is resumed (required)",
    }),
    short: "o",
  },
  time("every", {
    describe: "interval between snapshots, such as 15s or 1m [default: one snapshot]",
    check: refuseNoTime,
  }),
  time("for", { describe: "duration of the series, such as 30m" }),
  flag("fingerprint", { describe: "write traces hashed straight from memory; no page contents reach the disk" }),
  { ...pageSize, describe: "with --fingerprint: page sizes [default: 1k,2k,4k,8k,16k]" },
  text("key-file", { describe: "with --fingerprint: key for the fingerprints, as in pagekin fingerprint" }),
  json,
  quiet,
  progress,
] as const;

const SECRETS =
  "Dumps hold everything in memory: passwords, keys, documents. The files are readable by their owner only. --fingerprint keeps contents off the disk.";
const SERIES = "Run the same command again to resume an interrupted series. Whatever was paused is always resumed.";

const vmOptions = [
  list(
    text("qmp", {
      describe: "QMP monitor of a VM (repeatable): [NAME=]SOCKET, as in qemu -qmp unix:SOCKET,server=on,wait=off",
    }),
  ),
  list(
    text("libvirt", {
      describe: "libvirt domain (repeatable): [NAME=]DOMAIN, by name, UUID or ID, through virsh",
    }),
  ),
  flag("one-at-a-time", {
    describe: "pause, dump and resume one VM after the other instead of all together; members then differ in time",
  }),
  choice("method", METHODS, {
    default: "resident",
    describe: "resident: pages that occupy host memory; pmemsave, core: all of RAM, written by QEMU",
  }),
  ...seriesOptions,
] as const;

export const vm: Command<typeof vmOptions> = {
  options: vmOptions,
  operands: { usage: "(--qmp [NAME=]SOCKET | --libvirt [NAME=]DOMAIN)... --out DIR", lines: [], isNone: true },
  about: `All VMs are paused together, dumped, and resumed.\n${SECRETS}\n${SERIES}`,
  example: [
    "pagekin capture vm --qmp web=/run/web.qmp --qmp db=/run/db.qmp --every 15s --for 30m --out captured",
    "two VMs, a snapshot every 15 seconds for half an hour",
  ],
  run: captureVms,
};

const processOptions = [
  flag("stop", { describe: "stop processes while reading them (SIGSTOP, then SIGCONT)" }),
  flag("anonymous-only", { describe: "skip file-backed and shared pages" }),
  ...seriesOptions,
] as const;

const process_: Command<typeof processOptions> = {
  options: processOptions,
  operands: {
    usage: "[NAME=]PID... --out DIR",
    lines: ["PID is a process ID. NAME defaults to COMMAND-PID."],
  },
  about: `Writes the resident pages, except the kernel's own (vdso, vvar).\n${SECRETS}\n${SERIES}`,
  example: ["pagekin capture process $$ --out captured", "the running shell"],
  run: captureProcesses,
};

export { process_ as process };

async function captureVms(args: Arguments<typeof vmOptions>): Promise<void> {
  const { method } = args;
  if (args.sources.length > 0)
    throw new PagekinError(`unexpected argument ${quoted(args.sources[0])}`, {
      hint: "name VMs with --qmp or --libvirt",
    });
  const sockets = args.qmp.map((text) => {
    const { name, rest } = nameAndRest(text);
    return { name: name ?? path.basename(rest).replace(/\.[^.]*$/, ""), socket: rest };
  });
  const domains = args.libvirt.map((text) => {
    const { name, rest } = nameAndRest(text);
    return { name: name ?? rest, domain: rest };
  });
  const named: ({ name: string } & VmAddress)[] = [...sockets, ...domains];
  if (named.length === 0) {
    const hint = "give --qmp [NAME=]SOCKET or --libvirt [NAME=]DOMAIN for each";
    throw new PagekinError("no VM given", { hint });
  }
  if (args.fingerprint && method !== "resident") {
    throw new PagekinError(`--fingerprint does not go with --method ${method}`, {
      hint: "QEMU itself writes that dump to the disk: leave one of the two out",
    });
  }
  refuseTwice(sockets, ({ socket }) => {
    const stat = statSync(socket, { bigint: true, throwIfNoEntry: false });
    return stat && identityOf(stat);
  });
  const settings = { oneAtATime: args.oneAtATime, saysPause: true };
  const how = { kind: "vm", method, ...(args.oneAtATime && { oneAtATime: true }) };
  // By several monitors, or by different names of libvirt's.
  const opened: VmSubject[] = [];
  await capture(args, named, { how, ...settings }, async (one) => {
    const vm = await VmSubject.open(one.name, one, method);
    opened.push(vm);
    try {
      refuseTwice(opened, ({ certainPid: pid }) => (pid === undefined ? undefined : String(pid)));
    } catch (error) {
      await vm.close();
      throw error;
    }
    return vm;
  });
}

async function captureProcesses(args: Arguments<typeof processOptions>): Promise<void> {
  const named = args.sources.map((text) => {
    const { name, rest } = nameAndRest(text);
    const pid = /^[1-9]\d{0,9}$/.test(rest) ? Number(rest) : Number.NaN;
    if (Number.isNaN(pid)) throw new PagekinError(`${quoted(text)} is not a PID`, { hint: "write [NAME=]PID" });
    return { name: name ?? nameOf(pid), pid };
  });
  if (named.length === 0) throw new PagekinError("no process given", { hint: "give their process IDs (see ps)" });
  if (args.fingerprint && !args.stop) {
    throw new PagekinError("--fingerprint of a running process may meet pages that go away", { hint: "add --stop" });
  }
  refuseTwice(named, ({ pid }) => String(pid));
  const settings = { anonymousOnly: args.anonymousOnly, stop: args.stop };
  await capture(
    args,
    named,
    { how: { kind: "process", ...settings }, oneAtATime: false, saysPause: false },
    async ({ name, pid }) => new ProcessSubject(name, pid, settings),
  );
}

/** Who is captured → the folder and what is missing there → each of them → snapshot by snapshot. */
async function capture<T extends { name: string }>(
  args: Arguments<typeof seriesOptions>,
  named: readonly T[],
  { how, oneAtATime, saysPause }: { how: Record<string, unknown>; oneAtATime: boolean; saysPause: boolean },
  open: (one: T) => Promise<Subject>,
): Promise<void> {
  if (process.platform !== "linux") throw new PagekinError("capture works on Linux only", { hint: "capture there" });
  if (!args.out) throw new PagekinError("--out is missing", { hint: "name a folder for the dumps" });
  checkNames(named.map(({ name }) => name));
  const traces = await traceFormOf(args);
  const { everyS, forS } = scheduleOf(args);
  const members = named.map(({ name }) => name);
  const pageSizes = traces?.pageSizes;
  await holdFolder(args.out);
  const series = await SeriesFolder.open(args.out, {
    members,
    everyS,
    forS,
    how: { ...how, pageSizes, key: traces?.key?.id },
  });
  const printer = new Printer(args.out, { isJson: args.json, isQuiet: args.quiet }, oneAtATime);
  const times = timesOf({ everyS, forS });
  const missing = series.missingTimes().length;
  await printer.begin(times.length - missing, times.length);
  const subjects: Subject[] = [];
  try {
    for (const one of named) subjects.push(await open(one));
    const onSnapshot = (snapshot: SnapshotRecord, lateS: number) => printer.snapshot(snapshot, lateS);
    await captureSeries(subjects, series, {
      traceWriter: traces && new LiveTraceWriter(traces.pageSizes, traces.key),
      oneAtATime,
      showProgress: args.progress && !args.quiet,
      ...(saysPause && { onEstimate: (estimate: PauseEstimate) => printer.estimate(estimate, missing) }),
      onSnapshot,
    });
  } finally {
    for (const subject of subjects) await subject.close();
  }
  await printer.end(series.snapshots);
}

async function traceFormOf(args: Arguments<typeof seriesOptions>) {
  const { fingerprint, pageSize, keyFile } = args;
  if (!fingerprint) {
    const lost = pageSize !== undefined ? "page-size" : keyFile !== undefined ? "key-file" : undefined;
    if (lost) throw new PagekinError(`--${lost} is for --fingerprint`, { hint: "add --fingerprint, or leave it out" });
    return undefined;
  }
  const pageSizes = choosePageSizes([], pageSize);
  const key = keyFile === undefined ? undefined : (await import("../traces/key.js")).readKey(keyFile, new Inputs());
  return { pageSizes, key };
}

function scheduleOf(args: Arguments<typeof seriesOptions>): { everyS: number; forS: number } {
  if ((args.every === undefined) !== (args.for === undefined)) {
    throw new PagekinError("--every and --for belong together", { hint: "give both, such as --every 15s --for 30m" });
  }
  return { everyS: args.every ?? 0, forS: args.for ?? 0 };
}

function refuseNoTime(everyS: number): void {
  if (everyS === 0) throw new PagekinError("--every is too short", { hint: "give 1ms or more" });
}

/** `NAME=REST` or `REST`. */
function nameAndRest(text: string): { name: string | undefined; rest: string } {
  const named = splitName(text);
  return named && !named.name.includes("/") ? named : { name: undefined, rest: text };
}

/** A name that tells what runs. */
function nameOf(pid: number): string {
  try {
    return memberOf(commandOf(pid), pid);
  } catch {
    return String(pid);
  }
}

/** What is captured as two members would share all of its memory with itself. identityOf: undefined where it is not known. */
function refuseTwice<T extends { name: string }>(
  named: readonly T[],
  identityOf: (one: T) => string | undefined,
): void {
  const seen = new Map<string, T>();
  for (const one of named) {
    const identity = identityOf(one);
    const other = identity === undefined ? undefined : seen.get(identity);
    if (other && other.name !== one.name)
      throw new PagekinError(`${quoted(other.name)} and ${quoted(one.name)} are the same`, { hint: "name it once" });
    if (identity !== undefined) seen.set(identity, one);
  }
}

function checkNames(names: readonly string[]): void {
  for (const [i, name] of names.entries()) {
    if (/[/\\\0]/.test(name) || name.startsWith(".") || name === "") {
      throw new PagekinError(`"${quoted(name)}" cannot be a file's name`, { hint: "name it another way: NAME=" });
    }
    if (names.indexOf(name) !== i)
      throw new PagekinError(`${quoted(name)} is named twice`, { hint: "name one another way: NAME=" });
  }
}
