// yargs: help, the version, and errors in a command line.

import type { Argv } from "yargs";
// The CommonJS build: it wraps help at words.
import yargs from "yargs/yargs";
import { PagekinError } from "../errors.js";
import { VERSION } from "../version.js";
import { listsOf } from "./arguments.js";
import type { AnyCommand } from "./options.js";

/** Errors are thrown; help is printed. */
function parserOf(argv: string[]): Argv {
  return yargs(argv)
    .detectLocale(false)
    .exitProcess(false)
    .alias("h", "help")
    .wrap(process.stdout.isTTY ? Math.min(120, process.stdout.columns) : 100)
    .fail((message, error) => {
      if (error && error.name !== "YError") throw error;
      const what = (message ?? error.message).replace(/\s+/g, " ");
      throw new PagekinError(what, { hint: "see pagekin --help, pagekin COMMAND --help" });
    });
}

/** `pagekin --help`, `pagekin --version`, and whatever is no command. */
export function parseMain(argv: string[], commands: [name: string, what: string][]): void {
  const [name] = argv;
  // The first word of commands that have two.
  const family = commands.filter(([command]) => command.startsWith(`${name} `));
  const shown = family.length > 0 ? family : commands;
  const rest = family.length > 0 ? argv.slice(1) : argv;
  const parser = parserOf(rest)
    .scriptName("pagekin")
    .usage(
      "What memory sharing would save and what isolating tenants costs, from memory dumps.\n\npagekin COMMAND --help",
    )
    .version(VERSION)
    .strictOptions()
    .example("pagekin analyze traces/a1.parquet traces/a2.parquet", "tables of what two guests share");
  for (const [name, what] of shown) parser.command(name.includes(" ") ? `${name} ...` : `${name} SOURCE...`, what);
  const names = shown.map(([name]) => name).join(", ");
  const hint = `there are ${names}; see pagekin --help`;
  const unknown = rest[0];
  if (unknown !== undefined && !unknown.startsWith("-")) {
    throw new PagekinError(`${family.length > 0 ? `${name} ` : ""}${unknown} is no command`, { hint });
  }
  const args = parser.parseSync();
  if (args.help || args.version) return;
  throw new PagekinError(family.length > 0 ? `${name} alone is no command` : "no command is given", { hint });
}

/** The arguments of a command; undefined when help was asked for and given. */
export function parseCommand(
  argv: string[],
  name: string,
  what: string,
  { options, operands, example, about }: AnyCommand,
): Record<string, unknown> | undefined {
  const { usage, lines } = operands ?? {
    usage: "SOURCE...",
    lines: [
      "SOURCE is a dump or a trace: PATH, NAME=PATH, NAME@SECONDS=PATH, or NAME=- for standard input.",
      "Without a name, a trace's own counts, else that of the file: NAME[@SECONDS].raw and the like.",
    ],
  };
  const texts = Object.keys(options).filter((option) => options[option].type === "string");
  const args = parserOf(argv)
    .scriptName(`pagekin ${name}`)
    .usage(`pagekin ${name} ${usage}: ${what}\n\n${[...lines, ...(about ? [about] : [])].join("\n")}`)
    .version(false)
    .strictOptions()
    // As yargs has arrays they would take the sources behind them.
    .options(Object.fromEntries(Object.entries(options).map(([name, { array, ...option }]) => [name, option])))
    .string("_")
    .parserConfiguration({ "parse-positional-numbers": false, "dot-notation": false })
    .requiresArg(texts)
    .check((values) => refuseRepeated(values, options))
    .check((values) => refuseNegated(values, texts))
    .example([example])
    .parseSync();
  return args.help ? undefined : { ...args, ...listsOf(args, options), sources: args._.map(String) };
}

function refuseNegated(args: Record<string, unknown>, texts: readonly string[]): true {
  const isNoText = (value: unknown) => value === "" || typeof value === "boolean";
  const name = texts.find((text) => [args[text]].flat().some(isNoText));
  if (name) throw new PagekinError(`--${name} needs a value`, { hint: "see pagekin COMMAND --help" });
  return true;
}

function refuseRepeated(args: Record<string, unknown>, options: AnyCommand["options"]): true {
  const name = Object.keys(options).find((option) => Array.isArray(args[option]) && !options[option].array);
  if (name) throw new PagekinError(`--${name} is given twice`, { hint: "give it once" });
  return true;
}
