#!/usr/bin/env node
import { constants } from "node:os";
import { parseQuickly } from "./commands/arguments.js";
import type { AnyCommand } from "./commands/options.js";
import { EXIT, fromSystem, PagekinError, printableLines } from "./errors.js";
import { cleanUp } from "./system/cleanup.js";

/** The commands: a line each. A command's module is loaded when it is called. */
const COMMANDS: Record<string, [what: string, load: () => Promise<{ command: AnyCommand }>]> = {
  analyze: ["tables of sharing", () => import("./commands/analyze.js")],
  compare: ["policies scored: what isolation costs, what it exposes", () => import("./commands/compare.js")],
  replay: ["grouped deduplication in time", () => import("./commands/replay.js")],
  processes: [
    "processes ranked, and those chosen that are worth a private group",
    () => import("./commands/processes.js"),
  ],
  inspect: ["what a dump is and what it holds", () => import("./commands/inspect.js")],
  fingerprint: ["write traces: the fingerprints of all pages", () => import("./commands/fingerprint.js")],
  "capture vm": ["dump the memory of running VMs", async () => ({ command: (await captures()).vm })],
  "capture process": ["dump the memory of running processes", async () => ({ command: (await captures()).process })],
};

const captures = () => import("./commands/capture.js");

async function main(argv: string[]): Promise<void> {
  // A command's name may be two words.
  const words = Object.hasOwn(COMMANDS, argv.slice(0, 2).join(" ")) ? 2 : 1;
  const [name, rest] = [argv.slice(0, words).join(" "), argv.slice(words)];
  if (!Object.hasOwn(COMMANDS, name)) {
    const { parseMain } = await import("./commands/yargs.js");
    return parseMain(
      argv,
      Object.entries(COMMANDS).map(([command, [what]]) => [command, what]),
    );
  }
  const [what, load] = COMMANDS[name];
  const { command } = await load();
  const args =
    parseQuickly(rest, command) ?? (await import("./commands/yargs.js")).parseCommand(rest, name, what, command);
  if (args) await command.run(args as never);
}

/** Of a bug's stack, characters; its first line may quote anything. */
const MOST_STACK = 4000;

/** Undoes what is half done, says why, and ends. */
function end(code: number, why?: string): never {
  try {
    cleanUp();
    if (why !== undefined) process.stderr.write(`pagekin: ${why}\n`);
  } finally {
    process.exit(code);
  }
}

function fail(caught: unknown): never {
  const error = fromSystem(caught);
  if (error instanceof PagekinError) end(error.exitCode, error.line);
  const stack = printableLines(String((error as Error).stack ?? error).slice(0, MOST_STACK));
  end(EXIT.bug, `a bug: ${stack}\nPlease report it, with the command line.`);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  const code = signal === "SIGINT" ? EXIT.interrupted : 128 + constants.signals[signal];
  process.on(signal, () => end(code, "interrupted"));
}
// Without a listener a file size limit would end the process where it stands; so the write fails and is reported.
process.on("SIGXFSZ", () => {});
process.on("uncaughtException", fail);
// Whoever read the summary has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") end(EXIT.done);
  fail(fromSystem(error, "standard output"));
});

main(process.argv.slice(2)).then(() => end(EXIT.done), fail);
