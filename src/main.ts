#!/usr/bin/env node
import { constants } from "node:os";
// The CommonJS build: it starts sooner than the ES modules, and wraps help at words.
import yargs from "yargs/yargs";
import { cleanUp } from "./cleanup.js";
import type { AnyCommand } from "./commands/options.js";
import { EXIT, fromSystem, PagekinError } from "./errors.js";
import { VERSION } from "./version.js";

/** The commands: a line each. Their modules are loaded when they are called. */
const COMMANDS: [name: string, what: string, load: () => Promise<{ command: AnyCommand }>][] = [
  ["analyze", "tables of sharing", () => import("./commands/analyze.js")],
  ["fingerprint", "write traces: the fingerprints of all pages", () => import("./commands/fingerprint.js")],
];

const cli = yargs(process.argv.slice(2))
  .scriptName("pagekin")
  .usage("$0 COMMAND\n\nWhat memory sharing would save and what isolating tenants costs, from memory dumps.")
  .detectLocale(false)
  .version(VERSION)
  .strict()
  .exitProcess(false)
  .wrap(process.stdout.isTTY ? Math.min(120, process.stdout.columns) : 100)
  .demandCommand(1, "no command is given")
  .example("$0 analyze vm1.raw vm2.raw vm3=dump.gz", "tables of what three dumps share")
  .fail((message, error) => {
    throw error ?? new PagekinError(message, { hint: "pagekin --help tells what there is" });
  });

for (const [name, what, load] of COMMANDS) {
  cli.command(
    `${name} [sources..]`,
    what,
    async (builder) => {
      const { command } = await load();
      return builder
        .usage(`$0 ${name} SOURCE... \n\n${what}`)
        .positional("sources", {
          type: "string",
          array: true,
          default: [],
          defaultDescription: "none",
          describe: "dumps and traces: PATH, NAME=PATH, NAME@SECONDS=PATH, NAME=- for standard input",
        })
        .options(command.options)
        .check(refuseRepeated)
        .example([command.example]);
    },
    async (args) => (await load()).command.run(args as never),
  );
}

function refuseRepeated(args: Record<string, unknown>): true {
  const [name] = Object.entries(args).find(([name, value]) => Array.isArray(value) && name !== "sources" && name !== "_") ?? [];
  if (name) throw new PagekinError(`--${name} is given twice`, { hint: "give it once" });
  return true;
}

function end(code: number): never {
  try {
    cleanUp();
  } finally {
    process.exit(code);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => end(signal === "SIGINT" ? EXIT.interrupted : 128 + constants.signals[signal]));
}
// Without a listener a file size limit would end the process where it stands; so the write fails and is reported.
process.on("SIGXFSZ", () => {});
// Whoever read the summary has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => end(error.code === "EPIPE" ? EXIT.done : EXIT.bug));

try {
  await cli.parseAsync();
  end(EXIT.done);
} catch (caught) {
  const error = fromSystem(caught);
  if (error instanceof PagekinError) {
    process.stderr.write(`pagekin: ${error.line}\n`);
    end(error.exitCode);
  }
  const { stack } = error as Error;
  process.stderr.write(`pagekin: a bug: ${stack ?? error}\nPlease report it, with the command line.\n`);
  end(EXIT.bug);
}
