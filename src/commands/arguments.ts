// The quick way through a command line. yargs takes as long to load as a GiB of memory takes to read, so its parser alone
// is tried first, and yargs comes in for help and for what is wrong (commands/yargs.ts).

import parser from "yargs-parser";
import type { Given, Option } from "./option-kinds.js";
import type { AnyCommand, Arguments } from "./options.js";

/** What yargs or its parser makes of a command line. */
type Found = Record<string, unknown> & { _: (string | number)[] };

type Options = readonly Option[];

/** The arguments of a command, or undefined where there is something to explain. */
export function parseQuickly(argv: string[], { options }: AnyCommand): Arguments<Options> | undefined {
  const ofType = (type: string) => options.filter((option) => option.type === type).map(({ name }) => name);
  const { argv: found, error } = parser.detailed(argv, {
    string: [...ofType("string"), "_"],
    boolean: ofType("boolean"),
    narg: Object.fromEntries(ofType("string").map((name) => [name, 1])),
    default: Object.fromEntries(options.map((option) => [option.name, option.default])),
    configuration: { "parse-positional-numbers": false, "dot-notation": false },
  });
  const known = new Set(["_", ...options.flatMap(({ name }) => [name, camelCase(name)])]);
  const isGood =
    !error &&
    Object.keys(found).every((name) => known.has(name)) &&
    options.every(({ name, choices }) => !choices || !found[name] || choices.includes(String(found[name]))) &&
    !findRepeated(found, options) &&
    !findValueless(found, options);
  return isGood ? readArguments(found, options) : undefined;
}

/** The arguments of a command: every option parsed and checked by its entry, in the order of the table. */
export function readArguments(found: Found, options: Options): Arguments<Options> {
  const given = Object.fromEntries(
    options.map(({ name, isList }) => [name, (isList ? [found[name] ?? []].flat() : found[name]) as Given]),
  );
  const values = options.map(({ name, read }) => [camelCase(name), read(given[name])]);
  return { ...Object.fromEntries(values), given, sources: found._.map(String) };
}

/** An option given several times that may be given only once. */
export function findRepeated(found: Found, options: Options): Option | undefined {
  return options.find(({ name, isList }) => Array.isArray(found[name]) && !isList);
}

/** An option without its text. `--no-out` sets a text option to false. */
export function findValueless(found: Found, options: Options): Option | undefined {
  const isNoText = (value: unknown) => value === "" || typeof value === "boolean";
  return options.find(({ name, type }) => type === "string" && [found[name]].flat().some(isNoText));
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
