#!/usr/bin/env node
import { constants } from "node:os";
import { parseArguments } from "./commands/arguments.js";
import { allCommands, COMMANDS, OTHERS } from "./commands/commands.js";
import { EXIT, fromSystem, PagekinError, printableLines, quoted } from "./errors.js";
import { cleanUp } from "./system/cleanup.js";
import { didYouMean } from "./text/nearest.js";
import { OLDEST_NODE, VERSION } from "./version.js";

const print = (text: string) => new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()));

async function main(argv: string[]): Promise<void> {
  refuseOldNode();
  // A command's name may be two words.
  const words = Object.hasOwn(COMMANDS, argv.slice(0, 2).join(" ")) ? 2 : 1;
  const [name = "", rest] = [argv.slice(0, words).join(" "), argv.slice(words)];
  if (name === "help") return help(rest);
  if (name === "completion")
    return print((await import("./commands/completion.js")).completionScript(rest, await allCommands()));
  if (name === "--help" || name === "-h") return help([]);
  if (name === "--version" || name === "-V") return print(VERSION);
  if (!Object.hasOwn(COMMANDS, name)) throw noCommand(name, rest[0]);
  const { command } = await COMMANDS[name][1]();
  const args = parseArguments(rest, name, command);
  if (args === "help") return help([name]);
  if (args === "version") return print(VERSION);
  await command.run(args as never);
}

function refuseOldNode(): void {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [needed, least] = OLDEST_NODE.split(".").map(Number);
  if (major > needed || (major === needed && minor >= least)) return;
  throw new PagekinError(`needs Node ${OLDEST_NODE} or later`, { hint: `this is ${process.versions.node}` });
}

/** Of all commands, of a command, or of those whose names have the same first word. */
async function help(words: string[]): Promise<void> {
  const { commandHelp, mainHelp } = await import("./commands/help.js");
  const name = words.join(" ");
  const lines = Object.entries(COMMANDS).map(([command, [what]]): [string, string] => [command, what]);
  const family = lines.filter(([command]) => command.startsWith(`${name} `));
  if (name === "" || family.length > 0)
    return print(await mainHelp(family.length > 0 ? family : [...lines, ...Object.entries(OTHERS)]));
  if (!Object.hasOwn(COMMANDS, name)) throw noCommand(words[0], words[1]);
  const [what, load] = COMMANDS[name];
  await print(await commandHelp(name, what, (await load()).command));
}

function noCommand(name: string, next: string | undefined): PagekinError {
  const family = Object.keys(COMMANDS).flatMap((one) =>
    one.startsWith(`${name} `) ? [one.slice(name.length + 1)] : [],
  );
  const see = "see pagekin --help";
  if (name === "") return new PagekinError("no command given", { hint: see });
  if (name.startsWith("-")) return new PagekinError(`unknown option ${quoted(name)}`, { hint: see });
  if (family.length === 0) {
    const hint = `${didYouMean(name, [...Object.keys(COMMANDS), ...Object.keys(OTHERS)])} (${see})`;
    return new PagekinError(`unknown command ${quoted(name)}`, { hint });
  }
  if (next === undefined) return new PagekinError(`${name} needs ${family.join(" or ")}`, { hint: see });
  const hint = didYouMean(next, family, (one) => `${name} ${one}`);
  return new PagekinError(`unknown command ${name} ${quoted(next)}`, { hint });
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
