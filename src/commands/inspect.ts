import { existsSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { inspectDump } from "../fingerprints/inspect.js";
import { printInspection, printTrace } from "../report/inspection.js";
import { Progress } from "../report/progress.js";
import { nameOfDump, parseSource } from "../sources/names.js";
import { isTrace, openSource } from "../sources/open.js";
import { checkMaps } from "../worlds/worlds.js";
import { type Arguments, type Command, dumpOptions, parseDumps, runOptions } from "./options.js";

const { json, quiet, progress } = runOptions;
const options = { ...dumpOptions, json, quiet, progress } as const;

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
  const dumps = parseDumps(args);
  const name = text === "-" ? { path: "-" } : parseSource(text, existsSync);
  checkMaps([{ ...nameOfDump(name), trace: undefined }], dumps);
  const opened = await openSource(name, dumps);
  if (isTrace(opened)) return printTrace(opened, args.json);
  let done = 0;
  const world = { timeS: 0, snapshots: [{ opened, member: "", timeS: 0, labels: {} }] };
  const bar = Progress.ofSources([world], () => done, args.progress && !args.quiet);
  const inspection = await inspectDump(opened, (bytes) => {
    done += bytes;
  });
  bar.stop();
  if (!args.quiet) await printInspection(opened, inspection, args.json);
}
