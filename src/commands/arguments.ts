// The quick way through a command line. yargs takes as long to load as a GiB of memory takes to read, so its parser alone
// is tried first, and yargs comes in for help and for what is wrong (commands/yargs.ts).

import parser from "yargs-parser";
import type { AnyCommand } from "./options.js";

type Values = Record<string, unknown> & { sources: string[] };

/** The arguments of a command, or undefined where there is something to explain. */
export function parseQuickly(argv: string[], { options }: AnyCommand): Values | undefined {
  const names = Object.keys(options);
  const repeatable = names.filter((name) => options[name].array);
  const ofType = (type: string) => names.filter((name) => options[name].type === type);
  const { argv: values, error } = parser.detailed(argv, {
    string: [...ofType("string"), "_"],
    boolean: ofType("boolean"),
    narg: Object.fromEntries(ofType("string").map((name) => [name, 1])),
    default: Object.fromEntries(names.map((name) => [name, options[name].default])),
    configuration: { "parse-positional-numbers": false, "dot-notation": false },
  });
  const known = new Set(["_", ...names, ...names.map(camelCase)]);
  const isGood = ([name, value]: [string, unknown]) => {
    const choices = options[name]?.choices;
    return (
      known.has(name) &&
      (name === "_" || !Array.isArray(value) || repeatable.some((one) => one === name || camelCase(one) === name)) &&
      (!choices || value === undefined || choices.includes(value as string))
    );
  };
  if (error || !Object.entries(values).every(isGood)) return undefined;
  // --no-out makes false of a text.
  const isNoText = (value: unknown) => value === "" || typeof value === "boolean";
  if (ofType("string").some((name) => [values[name]].flat().some(isNoText))) return undefined;
  return { ...values, ...listsOf(values, options), sources: values._.map(String) };
}

/** The options that may be given several times, as lists. */
export function listsOf(values: Record<string, unknown>, options: AnyCommand["options"]): Record<string, unknown[]> {
  const names = Object.keys(options).filter((name) => options[name].array);
  return Object.fromEntries(names.map((name) => [name, [values[name] ?? []].flat()]));
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
