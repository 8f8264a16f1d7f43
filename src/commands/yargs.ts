// yargs: help, the version, and errors in a command line.

import type { Argv } from "yargs";
// The CommonJS build: it wraps help at words.
import yargs from "yargs/yargs";
import { PagekinError, quoted } from "../errors.js";
import { VERSION } from "../version.js";
import { findRepeated, findValueless, readArguments } from "./arguments.js";
import type { Option } from "./option-kinds.js";
import type { AnyCommand, Arguments } from "./options.js";

/** Messages of yargs in which stands what was typed. */
const WITH_INPUT = /^(Unknown arguments?: |Invalid values: Argument: \S+, Given: )(.*?)(, Choices: .*)?$/;

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
      const [, before, given, behind = ""] = WITH_INPUT.exec(what) ?? [];
      throw new PagekinError(given === undefined ? what : `${before}${quoted(given)}${behind}`, {
        hint: "see pagekin --help, pagekin COMMAND --help",
      });
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
    throw new PagekinError(`${family.length > 0 ? `${name} ` : ""}${quoted(unknown)} is no command`, { hint });
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
): Arguments<readonly Option[]> | undefined {
  const { usage, lines } = operands ?? {
    usage: "SOURCE...",
    lines: [
      "SOURCE is a dump or a trace: PATH, NAME=PATH, NAME@SECONDS=PATH, or NAME=- for standard input.",
      "Without a name, a trace's own counts, else that of the file: NAME[@SECONDS].raw and the like.",
    ],
  };
  const args = parserOf(argv)
    .scriptName(`pagekin ${name}`)
    .usage(`pagekin ${name} ${usage}: ${what}\n\n${[...lines, ...(about ? [about] : [])].join("\n")}`)
    .version(false)
    .strictOptions()
    // Not as what yargs has for lists: those would take the sources behind them.
    .options(
      Object.fromEntries(
        options.map(({ name, type, describe, default: usual, choices }) => [
          name,
          { type, describe, ...(usual === undefined ? {} : { default: usual }), ...(choices ? { choices } : {}) },
        ]),
      ),
    )
    .string("_")
    .parserConfiguration({ "parse-positional-numbers": false, "dot-notation": false })
    .requiresArg(options.filter(({ type }) => type === "string").map(({ name }) => name))
    .check((found) => refuse(findRepeated(found, options), "is given twice", "give it once"))
    .check((found) => refuse(findValueless(found, options), "needs a value", "see pagekin COMMAND --help"))
    .example([example])
    .parseSync();
  return args.help ? undefined : readArguments(args, options);
}

function refuse(option: Option | undefined, what: string, hint: string): true {
  if (option) throw new PagekinError(`--${option.name} ${what}`, { hint });
  return true;
}
