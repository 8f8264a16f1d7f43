// A command line means what yargs makes of it, given the same table of options, and mistakes are explained.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import yargs from "yargs";
import { command as analyze } from "../../src/commands/analyze.js";
import { parseArguments } from "../../src/commands/arguments.js";
import { process as captureProcess, vm as captureVm } from "../../src/commands/capture.js";
import { command as compare } from "../../src/commands/compare.js";
import { command as fingerprint } from "../../src/commands/fingerprint.js";
import { command as inspect } from "../../src/commands/inspect.js";
import type { Option } from "../../src/commands/option-kinds.js";
import type { AnyCommand } from "../../src/commands/options.js";
import { command as processes } from "../../src/commands/processes.js";
import { command as replay } from "../../src/commands/replay.js";
import { pagekin } from "../support/pagekin.js";

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
  "host-memory": size,
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

/** Words of a command line, and what they are for: an option, or else a source. */
interface Part {
  words: string[];
  option?: Option;
  value: string | boolean;
}

/** An option once, in one of the ways to write it. */
function partOf(option: Option): fc.Arbitrary<Part> {
  const short = option.short ? [`-${option.short}`] : [];
  const names = fc.constantFrom(`--${option.name}`, ...short);
  if (option.type === "boolean") {
    const no: Part = { words: [`--no-${option.name}`], option, value: false };
    return fc.oneof(
      names.map((name) => ({ words: [name], option, value: true })),
      fc.constant(no),
    );
  }
  const texts = option.choices ? fc.constantFrom(...option.choices) : (TEXTS[option.name] ?? anyText);
  return fc.tuple(names, texts, fc.boolean()).map(([name, value, isOneWord]) => {
    const words = isOneWord && name.startsWith("--") ? [`${name}=${value}`] : [name, value];
    return { words, option, value };
  });
}

/** Behind an option a word without any of these may belong to it. */
const source: fc.Arbitrary<Part> = anyText
  .filter((value) => /[./=@]/.test(value))
  .map((value) => ({ words: [value], value }));

/** Command lines without anything to explain: some options in any order, with sources between them. */
function lineOf({ options, operands }: AnyCommand): fc.Arbitrary<Part[]> {
  return fc
    .subarray([...options])
    .chain((given) => {
      const once = { minLength: 1, maxLength: 1 };
      const several = { minLength: 1, maxLength: 3, selector: ({ value }: Part) => value };
      const parts = given.map((option) => fc.uniqueArray(partOf(option), option.isList ? several : once));
      return fc.tuple(fc.array(source, { maxLength: operands?.isNone ? 0 : 3 }), ...parts);
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

/** What yargs makes of a line by the same table. */
function byYargs(argv: string[], options: readonly Option[]): Record<string, unknown> {
  return yargs(argv)
    .options(
      Object.fromEntries(
        options.map(({ name, type, isList, short, default: usual }) => [
          name,
          // Lists of yargs' own would take the sources behind them.
          { type, alias: short ?? [], default: isList ? [] : usual },
        ]),
      ),
    )
    .string("_")
    .nargs(Object.fromEntries(options.filter(({ type }) => type === "string").map(({ name }) => [name, 1])))
    .parserConfiguration({ "parse-positional-numbers": false, "dot-notation": false })
    .help(false)
    .version(false)
    .parseSync();
}

describe.each(Object.entries(COMMANDS))("%s", (name, command) => {
  test("takes a command line as yargs takes it", () => {
    fc.assert(
      fc.property(lineOf(command), (line) => {
        const argv = line.flatMap(({ words }) => words);
        const parsed = parseArguments(argv, name, command);
        if (typeof parsed === "string") throw new Error(`it asks for ${parsed}`);
        expect(parsed.given).toEqual(givenIn(line, command.options));
        expect(parsed.sources).toEqual(line.filter(({ option }) => !option).map(({ value }) => value));
        const peer = byYargs(argv, command.options);
        expect(peer._).toEqual(parsed.sources);
        for (const { name, isList } of command.options)
          expect(isList ? [peer[name]].flat() : peer[name]).toEqual(parsed.given[name]);
      }),
    );
  });
});

describe("a mistake is explained:", () => {
  const mistakes: [line: string, says: string][] = [
    ["", "no command given; see pagekin --help"],
    ["analise a.raw", "unknown command analise; did you mean analyze? (see pagekin --help)"],
    ["help compar", "unknown command compar; did you mean compare? (see pagekin --help)"],
    ["capture", "capture needs vm or process; see pagekin --help"],
    ["capture vms --out o", "unknown command capture vms; did you mean capture vm?"],
    ["--analyze", "unknown option --analyze; see pagekin --help"],
    ["analyze a.raw --output o", "unknown option --output; did you mean --out?"],
    ["analyze a.raw --outdir o", "unknown option --outdir; did you mean --out?"],
    ["analyze a.raw --pagesize 4k", "unknown option --pagesize; did you mean --page-size?"],
    ["analyze a.raw --pageSize 4k", "unknown option --pageSize; did you mean --page-size?"],
    ["compare a.raw --policies by:os", "unknown option --policies; did you mean --policy?"],
    ["analyze a.raw --xyz", "unknown option --xyz; see pagekin analyze --help"],
    ["analyze a.raw -x", "unknown option -x; see pagekin analyze --help"],
    ["inspect a.raw -o o", "unknown option -o; see pagekin inspect --help"],
    ["analyze a.raw -out o", "unknown option -out; did you mean --out?"],
    ["analyze a.raw --no-out", "unknown option --no-out; did you mean --out?"],
    ["analyze a.raw --verify=yes", "--verify takes no value; write --verify or --no-verify"],
    ["analyze a.raw --verify=true", "--verify takes no value; write --verify or --no-verify"],
    ["analyze a.raw --verify=", "--verify takes no value; write --verify or --no-verify"],
    ["analyze --verify yes a.raw", "--verify takes no value; write --verify or --no-verify"],
    [
      "capture process s=1 --out o --fingerprint=yes",
      "--fingerprint takes no value; write --fingerprint or --no-fingerprint",
    ],
    ["capture process s=1 --out o --stop on", "--stop takes no value; write --stop or --no-stop"],
    ["analyze a.raw --out", "--out needs a value; write --out VALUE"],
    ["analyze a.raw --out=", "--out needs a value; write --out VALUE"],
    ["analyze a.raw --out --json", "--out needs a value; write --out=--json if that is its value"],
    ["analyze a.raw --out o --out p", "--out is given twice; give it once"],
    ["analyze --page-size 4k 8k a.raw", "--page-size takes one value, but 8k follows it; write --page-size 4k,8k"],
    [
      "compare --policy by:os by:tenant a.raw",
      "--policy takes one value, but by:tenant follows it; write --policy by:os --policy by:tenant",
    ],
    ["capture vm --qmp a b --out o", "--qmp takes one value, but b follows it; write --qmp a --qmp b"],
    ["capture vm --out o a", "unexpected argument a; name VMs with --qmp or --libvirt"],
    ["analyze a.raw --format lim", "--format cannot be lim; did you mean lime?"],
    ["analyze a.raw --workers two", "--workers two is not a whole number; give a whole number, 1 or more"],
    ["analyze a.raw --workers 0", "--workers 0 is too small; give a whole number, 1 or more"],
  ];

  test.for(mistakes)("pagekin %s", async ([line, says]) => {
    const { code, stdout, stderr } = await pagekin(line.split(" ").filter((word) => word !== ""));
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: `pagekin: ${says}\n` });
  });
});

test("help and the version are there however they are asked for", async () => {
  const [help, ...others] = await Promise.all(
    [["--help"], ["-h"], ["help"]].map(async (args) => (await pagekin(args)).stdout),
  );
  expect(help).toMatch(/pagekin analyze .*\n.*pagekin compare /);
  expect(others).toEqual([help, help]);
  const [own, ...same] = await Promise.all(
    [
      ["help", "analyze"],
      ["analyze", "--help"],
      ["analyze", "a.raw", "--nothing", "-h"],
    ].map(async (args) => (await pagekin(args)).stdout),
  );
  expect(own).toMatch(/-o, --out /);
  expect(same).toEqual([own, own]);
  const versions = await Promise.all(
    [["--version"], ["-V"], ["analyze", "--version"]].map(async (args) => (await pagekin(args)).stdout),
  );
  expect(new Set(versions).size).toBe(1);
});
