import { existsSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { inspectDump } from "../fingerprints/inspect-dump.js";
import { printInspection, printTrace } from "../report/inspection.js";
import { Progress } from "../report/progress.js";
import { displayName, nameOfDump, parseSource } from "../sources/names.js";
import { openDump, openSettings } from "../sources/open-dump.js";
import { isTrace, lookAt, type Source, spoolTrace } from "../sources/source.js";
import { Inputs } from "../system/inputs.js";
import { traceFormatOf } from "../traces/registry.js";
import { checkMaps } from "../worlds/worlds.js";
import { type Arguments, type Command, dumpOptions, json, progress, quiet } from "./options.js";

const options = [...dumpOptions, json, quiet, progress] as const;

export const command: Command<typeof options> = {
  options,
  about: "SOURCE is one dump or trace. Nothing is written.",
  example: [
    "pagekin inspect traces/a1.parquet",
    "what the file is, and what it says of the dump that it was made from",
  ],
  run: inspect,
};

/** Source → format and plan → every page once → what there is to say. */
async function inspect(args: Arguments<typeof options>): Promise<void> {
  const [text, ...more] = args.sources;
  if (text === undefined || more.length > 0) {
    throw new PagekinError("inspect takes one source", { hint: "name a dump or a trace" });
  }
  const name = text === "-" ? { path: "-" } : parseSource(text, existsSync);
  checkMaps([{ ...nameOfDump(name), trace: undefined }], args);
  const inputs = new Inputs();
  const source = await lookAt(name, inputs, args.format);
  if (isTrace(source)) return inspectTrace(source, inputs, args.json);
  const dump = await openDump(source, openSettings(args, inputs));
  let done = 0;
  const bar = Progress.ofSources([{ source }], () => done, args.progress && !args.quiet);
  const inspection = await inspectDump(dump, displayName(name), (bytes) => {
    done += bytes;
  });
  bar.stop();
  dump.close();
  await inputs.refuseChanged();
  if (args.quiet) return;
  await printInspection(source, dump, inspection, args.json);
}

/** A trace says of its dump what its metadata has. */
async function inspectTrace(source: Source, inputs: Inputs, json: boolean): Promise<void> {
  const trace = await spoolTrace(source);
  const head = await (await traceFormatOf(trace)).readHead(trace);
  await inputs.refuseChanged();
  return printTrace(trace, head, json);
}
