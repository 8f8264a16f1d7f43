import { existsSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { inspectDump } from "../fingerprints/inspect-dump.js";
import { printInspection, printTrace } from "../report/inspection.js";
import { Progress } from "../report/progress.js";
import { displayName, nameOfDump, parseSource } from "../sources/names.js";
import { openDump } from "../sources/open-dump.js";
import { isTrace, lookAt, type Source, spoolTrace } from "../sources/source.js";
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
  const source = await lookAt(name, args.format);
  if (isTrace(source)) return inspectTrace(source, args.json);
  const dump = await openDump(source, args);
  let done = 0;
  const bar = Progress.ofSources([{ source }], () => done, args.progress && !args.quiet);
  const inspection = await inspectDump(dump, displayName(name), (bytes) => {
    done += bytes;
  });
  bar.stop();
  dump.close();
  if (args.quiet) return;
  await printInspection(source, dump, inspection, args.json);
}

/** A trace says of its dump what its metadata has. */
async function inspectTrace(source: Source, json: boolean): Promise<void> {
  const trace = await spoolTrace(source);
  return printTrace(trace, await (await traceFormatOf(trace)).readHead(trace), json);
}
