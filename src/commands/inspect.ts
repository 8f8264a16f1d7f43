import { existsSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { inspectDump } from "../fingerprints/inspect-dump.js";
import { printInspection, printTrace } from "../report/inspection.js";
import { Progress } from "../report/progress.js";
import { displayName, nameOfDump, parseSource } from "../sources/names.js";
import { openDump, openSettings } from "../sources/open-dump.js";
import { closeSource, isTrace, lookAt, type Source, spoolTrace } from "../sources/source.js";
import { Inputs } from "../system/inputs.js";
import { traceFormatOf } from "../traces/registry.js";
import { checkMaps } from "../worlds/worlds.js";
import { type Arguments, type Command, dumpOptions, json, progress, quiet } from "./options.js";

const options = [...dumpOptions, json, quiet, progress] as const;

export const command: Command<typeof options> = {
  options,
  about: "SOURCE is one dump or trace. Writes no files.",
  example: ["pagekin inspect traces/c1.parquet", "what a trace holds, and the dump it was made from"],
  run: inspect,
};

/** Source → format and plan → every page once → what there is to say. */
async function inspect(args: Arguments<typeof options>): Promise<void> {
  const [text, ...more] = args.sources;
  if (text === undefined || more.length > 0) {
    throw new PagekinError("inspect takes one source", { hint: "name a dump or a trace" });
  }
  const name = text === "-" ? { path: "-" } : parseSource(text, existsSync);
  const inputs = new Inputs();
  const source = await lookAt(name, inputs, args.format);
  checkMaps([{ ...nameOfDump(name), isTrace: isTrace(source) }], args);
  if (isTrace(source)) return inspectTrace(source, inputs, args);
  const dump = await openDump(source, openSettings(args, inputs));
  try {
    let done = 0;
    const bar = Progress.ofSources([{ source }], () => done, args.progress && !args.quiet);
    const inspection = await inspectDump(dump, displayName(name), (bytes) => {
      done += bytes;
    });
    await inputs.refuseChanged();
    bar.stop();
    if (!args.quiet) await printInspection(source, dump, inspection, args.json);
  } finally {
    dump.close();
  }
}

/** A trace says of its dump what its metadata has. */
async function inspectTrace(source: Source, inputs: Inputs, { quiet, json }: Arguments<typeof options>): Promise<void> {
  const trace = await spoolTrace(source);
  try {
    const head = await (await traceFormatOf(trace)).readHead(trace);
    await inputs.refuseChanged();
    if (!quiet) await printTrace(trace, head, json);
  } finally {
    closeSource(trace);
  }
}
