#!/usr/bin/env node
import { constants } from "node:os";
import type { Argv } from "yargs";
// The CommonJS build: it wraps help at words, and starts sooner than the ES modules.
import yargs from "yargs/yargs";
import { cleanUp } from "./cleanup.js";
import type { AnyCommand } from "./commands/options.js";
import { EXIT, fromSystem, PagekinError } from "./errors.js";
import { VERSION } from "./version.js";

/** The commands: a line each. A command's module is loaded when it is called. */
const COMMANDS: Record<string, [what: string, load: () => Promise<{ command: AnyCommand }>]> = {
  analyze: ["tables of sharing", () => import("./commands/analyze.js")],
  fingerprint: ["write traces: the fingerprints of all pages", () => import("./commands/fingerprint.js")],
};

async function main(argv: string[]): Promise<void> {
  const [name, ...rest] = argv;
  const [what, load] = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : [];
  if (!what || !load) {
    await parserOf(argv).parse();
    return;
  }
  const { command } = await load();
  const args = await parserOfCommand(rest, name, what, command).parse();
  if (!args.help) await command.run({ ...args, sources: args._.map(String) } as never);
}

/** What all parsers have in common. Errors are thrown; help is printed. */
function baseParser(argv: string[]): Argv {
  return yargs(argv)
    .detectLocale(false)
    .exitProcess(false)
    .wrap(process.stdout.isTTY ? Math.min(120, process.stdout.columns) : 100)
    .fail((message, error) => {
      throw error ?? new PagekinError(message.replaceAll("\n", " "), { hint: "see pagekin --help, pagekin COMMAND --help" });
    });
}

/** `pagekin --help`, `pagekin --version`, and whatever is no command. */
function parserOf(argv: string[]): Argv {
  const parser = baseParser(argv)
    .scriptName("pagekin")
    .usage("What memory sharing would save and what isolating tenants costs, from memory dumps.\n\npagekin COMMAND --help")
    .version(VERSION)
    .strict()
    .demandCommand(1, "no command is given")
    .example("pagekin analyze vm1.raw vm2.raw vm3=dump.gz", "tables of what three dumps share");
  for (const [name, [what]] of Object.entries(COMMANDS)) parser.command(`${name} SOURCE...`, what);
  return parser;
}

function parserOfCommand(argv: string[], name: string, what: string, command: AnyCommand): Argv {
  const sources = [
    "SOURCE is a dump or a trace: PATH, NAME=PATH, NAME@SECONDS=PATH, or NAME=- for standard input.",
    "Without a name, a trace's own counts, else that of the file: NAME[@SECONDS].raw and the like.",
  ];
  return baseParser(argv)
    .scriptName(`pagekin ${name}`)
    .usage(`pagekin ${name} SOURCE...: ${what}\n\n${sources.join("\n")}`)
    .version(false)
    .strictOptions()
    .options(command.options)
    .string("_")
    .parserConfiguration({ "parse-positional-numbers": false })
    .check(refuseRepeated)
    .example([command.example]);
}

function refuseRepeated(args: Record<string, unknown>): true {
  const [name] = Object.entries(args).find(([name, value]) => Array.isArray(value) && name !== "_") ?? [];
  if (name) throw new PagekinError(`--${name} is given twice`, { hint: "give it once" });
  return true;
}

/** Undoes what is half done, and ends. */
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
  await main(process.argv.slice(2));
  end(EXIT.done);
} catch (caught) {
  const error = fromSystem(caught);
  if (error instanceof PagekinError) {
    process.stderr.write(`pagekin: ${error.line}\n`);
    end(error.exitCode);
  }
  process.stderr.write(`pagekin: a bug: ${(error as Error).stack ?? error}\nPlease report it, with the command line.\n`);
  end(EXIT.bug);
}
