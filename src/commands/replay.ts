import { stringify } from "yaml";
import { PagekinError } from "../errors.js";
import { POLICY_FORMS } from "../policies/registry.js";
import { DEFAULT_RULES, RULES } from "../replay/scenario/scanner.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { Progress } from "../report/progress.js";
import { printReplay } from "../report/replay-summary.js";
import { replayTables } from "../report/replay-tables.js";
import { print } from "../report/terminal.js";
import { openScenario, replayScenario } from "../scenarios/scenario-runs.js";
import { usableProcessors } from "../system/machine.js";
import { planThreads } from "../worlds/resources.js";
import { notesByFile, readOf } from "../worlds/world.js";
import { choice, flag, list, text } from "./option-kinds.js";
import {
  type Arguments,
  type Command,
  force,
  hashSources,
  inventory,
  json,
  outOf,
  progress,
  quiet,
  workers,
} from "./options.js";

/** What a scenario without a file is made of. */
const scenarioOptions = [
  inventory,
  list(
    text("policy", { describe: `who may share with whom; several are compared: ${POLICY_FORMS} [default: one-group]` }),
  ),
  choice("rules", RULES, { describe: `the scanner's rules, by kernel version [default: ${DEFAULT_RULES}]` }),
  text("until", { describe: "end of the replay: a time such as 400s, N passes, or rest [default: rest]" }),
  flag("print-scenario", { describe: "print the scenario that the options stand for, and do nothing else" }),
] as const;

const options = [
  ...scenarioOptions,
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
  operands: {
    usage: "SCENARIO.yaml | SOURCE... [--policy POLICY]...",
    lines: [
      "SCENARIO.yaml says all of a replay: see docs/replay.md.",
      "Without one, sources (or --inventory), --policy, --rules and --until make a scenario; the rest has its defaults.",
    ],
  },
  example: [
    "pagekin replay --inventory traces/busybox.csv --policy by:tenant",
    "what one scanner per tenant would save, and when",
  ],
  run: replay,
};

/** Scenario → its runs → members with their pages → groups → virtual time, run by run → tables and summary. */
async function replay(args: Arguments<typeof options>): Promise<void> {
  const scenario = await scenarioOf(args);
  if (args.printScenario && typeof scenario === "object") return print(scenario.yaml.trimEnd());
  const threads = planThreads(args.workers, usableProcessors());
  const opened = await openScenario(scenario);
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

/** A scenario's file, or the text that the options stand for. */
async function scenarioOf({ sources, given }: Arguments<typeof options>): Promise<string | { yaml: string }> {
  const isGiven = ({ name }: { name: string }) => [given[name] ?? []].flat().some((value) => value !== false);
  const made = scenarioOptions.find(isGiven);
  const file = sources.find((source) => /\.ya?ml$/i.test(source));
  if (file !== undefined && made?.name === "print-scenario")
    throw new PagekinError("the scenario is a file already", { file, hint: "leave out --print-scenario" });
  if (made && file !== undefined) {
    const hint = "write it into the scenario, or name sources";
    throw new PagekinError(`--${made.name} does not go with a scenario`, { file, hint });
  }
  if (!made && sources.length !== 1) {
    throw new PagekinError(sources.length === 0 ? "no scenario given" : "several scenarios given", {
      hint: "name one YAML file, or sources with --policy",
    });
  }
  if (!made) return sources[0];
  const { inventory, policy, rules, until } = given;
  const policies = [policy ?? []].flat();
  const [only] = policies;
  return {
    yaml: stringify({
      ...(sources.length > 0 ? { sources } : {}),
      ...(inventory === undefined ? {} : { inventory }),
      ...(policies.length > 1 ? { vary: { policy: policies } } : { policy: only ?? "one-group" }),
      until: until ?? "rest",
      scanner: { rules: rules ?? DEFAULT_RULES },
    }),
  };
}
