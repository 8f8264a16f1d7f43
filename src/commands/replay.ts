import { PagekinError } from "../errors.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printReplay } from "../report/replay-summary.js";
import { replayTables } from "../report/replay-tables.js";
import { openScenario, replayScenario } from "../scenarios/scenario-runs.js";
import { usableProcessors } from "../system/machine.js";
import { planThreads } from "../worlds/resources.js";
import { notesByFile, readOf } from "../worlds/world.js";
import { type Arguments, type Command, force, hashSources, json, outOf, progress, quiet, workers } from "./options.js";

const options = [
  outOf("replay"),
  force,
  json,
  { ...workers, describe: "runs at once, from 1 [default: the processors]" },
  hashSources,
  quiet,
  progress,
] as const;

export const command: Command<typeof options> = {
  options,
  about: "SOURCE is one scenario: a YAML file, see docs/replay.md.",
  example: ["pagekin replay traces/scenarios/guests.yaml", "what one scanner a tenant reaps, and when"],
  run: replay,
};

/** Scenario → its runs → members with their pages → groups → virtual time, run by run → tables and summary. */
async function replay(args: Arguments<typeof options>): Promise<void> {
  const [file, ...more] = args.sources;
  if (file === undefined || more.length > 0) {
    throw new PagekinError("replay takes one scenario", { hint: "name a YAML file" });
  }
  const threads = planThreads(args.workers, usableProcessors());
  const opened = await openScenario(file);
  const { sources, pageSizes } = opened;
  const output = await Output.open(args, "replay", sources.snapshots);

  const began = performance.now();
  let started = began;
  let done = 0;
  const show = args.progress && !args.quiet;
  let progress = Progress.ofSources(sources.snapshots, () => done, show);
  const finished = await replayScenario(opened, {
    threads,
    onBytes: (bytes) => {
      done += bytes;
    },
    onStart: (untilNs, clocks) => {
      progress.stop();
      started = performance.now();
      progress = Progress.ofRuns(untilNs, clocks, show);
    },
  });
  progress.stop();
  const [seconds, runSeconds] = [began, started].map((since) => (performance.now() - since) / 1000);

  await output.writeTables(replayTables(finished));
  const { noted } = finished;
  const read = noted.map(readOf);
  const files = await writeManifest(output, { args, sources: read, pageSizes, resources: undefined, seconds });
  if (!args.quiet)
    await printReplay(finished, {
      folder: args.out,
      files,
      seconds,
      runSeconds,
      json: args.json,
      sources: read,
      notes: notesByFile(noted),
    });
}
