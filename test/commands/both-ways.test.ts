// The two ways through a command line, yargs' parser alone and yargs itself, make the same arguments of it.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { command as analyze } from "../../src/commands/analyze.js";
import { parseQuickly } from "../../src/commands/arguments.js";
import { process as captureProcess, vm as captureVm } from "../../src/commands/capture.js";
import { command as compare } from "../../src/commands/compare.js";
import { command as fingerprint } from "../../src/commands/fingerprint.js";
import { command as inspect } from "../../src/commands/inspect.js";
import type { Option } from "../../src/commands/option-kinds.js";
import type { AnyCommand } from "../../src/commands/options.js";
import { command as processes } from "../../src/commands/processes.js";
import { command as replay } from "../../src/commands/replay.js";
import { parseCommand } from "../../src/commands/yargs.js";

const COMMANDS: Record<string, AnyCommand> = {
  analyze,
  compare,
  fingerprint,
  inspect,
  processes,
  replay,
  "capture vm": captureVm,
  "capture process": captureProcess,
};

const count = fc.constantFrom("2", "16", "0512", "9007199254740991");
const part = fc.constantFrom("0.1", ".5", "1", "1.");
const size = fc.constantFrom("4096", "64k", "1.5m", "64MiB", " 2 g ", "1T");
const time = fc.constantFrom("1", "0.5s", "20ms", "1.5m", "2h", " 3s ");

/** Texts of options that do not take any. */
const TEXTS: Record<string, fc.Arbitrary<string>> = {
  "page-size": fc.array(size, { minLength: 1, maxLength: 3 }).map((sizes) => sizes.join(",")),
  "max-memory": size,
  "min-resident": size,
  workers: count,
  pid: count,
  "max-group": count,
  "max-page-sharing": count,
  "min-sharing": part,
  sample: part,
  every: time,
  for: time,
  together: fc.constantFrom("a,b", "a,b,c", "1,2", "a,,b"),
  apart: fc.constantFrom("a,b", "true,false"),
  resident: fc.constantFrom("map", "a=map", "b@5=map", "c=d=e"),
};

/** Texts that another parser may take for a number, a flag, an option, a key or a list. */
const anyText = fc.oneof(
  fc.constantFrom(
    "a",
    "a.raw",
    "vm@15=a.raw",
    "0x10",
    "1e3",
    "007",
    "true",
    "false",
    "a b",
    "a=b=c",
    "a.b.c",
    "é",
    "'",
    '"',
  ),
  fc.constantFrom("a,b", "[1]", "__proto__", "constructor", "null", "undefined", "-", "$0", "_", "by:tenant", "\\"),
  fc.string({ minLength: 1 }).filter((text) => !text.startsWith("-")),
);

const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** Words of a command line, and what they are for: an option, or else a source. */
interface Part {
  words: string[];
  option?: Option;
  value: string | boolean;
}

/** An option once, in one of the ways to write it. */
function partOf(option: Option): fc.Arbitrary<Part> {
  const names = fc.constantFrom(option.name, camelCase(option.name));
  if (option.type === "boolean") {
    const forms = (name: string): [words: string[], value: boolean][] => [
      [[`--${name}`], true],
      [[`--${name}=true`], true],
      [[`--no-${name}`], false],
      [[`--${name}`, "false"], false],
    ];
    return names.chain((name) => fc.constantFrom(...forms(name)).map(([words, value]) => ({ words, option, value })));
  }
  const texts = option.choices ? fc.constantFrom(...option.choices) : (TEXTS[option.name] ?? anyText);
  return fc.tuple(names, texts, fc.boolean()).map(([name, value, isOneWord]) => {
    const words = isOneWord ? [`--${name}=${value}`] : [`--${name}`, value];
    return { words, option, value };
  });
}

/** Behind a flag these two are its value. */
const source: fc.Arbitrary<Part> = anyText
  .filter((value) => value !== "true" && value !== "false")
  .map((value) => ({ words: [value], value }));

/** Command lines without anything to explain: some options in any order, with sources between them. */
function lineOf(options: readonly Option[]): fc.Arbitrary<Part[]> {
  return fc
    .subarray([...options])
    .chain((given) => {
      const once = { minLength: 1, maxLength: 1 };
      const several = { minLength: 1, maxLength: 3, selector: ({ value }: Part) => value };
      const parts = given.map((option) => fc.uniqueArray(partOf(option), option.isList ? several : once));
      return fc.tuple(fc.array(source, { maxLength: 3 }), ...parts);
    })
    .chain((parts) => fc.shuffledSubarray(parts.flat(), { minLength: parts.flat().length }));
}

/** What stands in a line for an option, by the option's name. */
function givenIn(line: readonly Part[], options: readonly Option[]): Record<string, unknown> {
  return Object.fromEntries(
    options.map(({ name, isList, default: usual }) => {
      const values = line.filter(({ option }) => option?.name === name).map(({ value }) => value);
      return [name, isList ? values : (values[0] ?? usual)];
    }),
  );
}

describe.each(Object.entries(COMMANDS))("%s", (name, command) => {
  test("makes the same of a command line both ways", () => {
    fc.assert(
      fc.property(lineOf(command.options), (line) => {
        const argv = line.flatMap(({ words }) => words);
        const quick = parseQuickly(argv, command);
        expect(quick?.given).toEqual(givenIn(line, command.options));
        expect(quick?.sources).toEqual(line.filter(({ option }) => !option).map(({ value }) => value));
        expect(parseCommand(argv, name, "", command)).toEqual(quick);
      }),
    );
  });
});
