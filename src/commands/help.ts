// Help, as yargs lays it out.

import path from "node:path";
import { fileURLToPath } from "node:url";
// The CommonJS build: it wraps help at words.
import yargs from "yargs/yargs";
import type { AnyCommand } from "./options.js";

const WIDEST = 120;
const USUAL_WIDTH = 100;
const SOURCE_LINES = [
  "SOURCE is a dump or a trace: PATH, NAME=PATH, NAME@SECONDS=PATH, or NAME=- for standard input.",
  "NAME defaults to the name in the trace, else to the file name: NAME[@SECONDS].raw and the like.",
];

const page = (name: string) =>
  yargs([])
    .scriptName(name)
    .detectLocale(false)
    .exitProcess(false)
    .wrap(process.stdout.isTTY ? Math.min(WIDEST, process.stdout.columns) : USUAL_WIDTH)
    .help("help", "show this help")
    .alias("help", "h")
    .version(false);

/** What a command takes besides options, and lines about that. */
export const operandsOf = ({ operands }: AnyCommand) => operands ?? { usage: "SOURCE...", lines: SOURCE_LINES };

/** What `pagekin --help` prints. */
export function mainHelp(commands: readonly [name: string, what: string][]): Promise<string> {
  const all = page("pagekin")
    .usage(
      "What memory sharing would save and what isolating tenants costs, from memory dumps.\n\npagekin COMMAND [OPTIONS] SOURCE...\npagekin help COMMAND",
    )
    .version("version", "show the version", "")
    .alias("version", "V")
    .example("pagekin analyze vm1.raw vm2.elf.gz", "how much memory two VMs share");
  for (const [name, what] of commands) all.command(name, what);
  return all.getHelp();
}

/** An example with the path of the package's own traces, wherever it is installed. */
function fromHere(line: string): string {
  const traces = fileURLToPath(new URL("../traces", import.meta.url));
  const here = path.relative(process.cwd(), traces);
  return line.replaceAll("traces/", `${here.length < traces.length ? here : traces}/`);
}

/** What `pagekin NAME --help` prints. */
export function commandHelp(name: string, what: string, command: AnyCommand): Promise<string> {
  const { usage, lines } = operandsOf(command);
  const { options, about, example } = command;
  return page(`pagekin ${name}`)
    .usage(`pagekin ${name} ${usage}: ${what}\n\n${[...lines, ...(about ? [about] : [])].join("\n")}`)
    .options(
      Object.fromEntries(
        options.map(({ name, type, short, describe, default: usual, choices }) => [
          name,
          {
            ...{ type, describe },
            ...(short ? { alias: short } : {}),
            // A flag that is off unless it is given needs no word.
            ...(usual === undefined || usual === false ? {} : { default: usual }),
            ...(choices ? { choices } : {}),
          },
        ]),
      ),
    )
    .example([[fromHere(example[0]), example[1]]])
    .getHelp();
}
