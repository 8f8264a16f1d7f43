// A command line by a command's table of options, which alone says what an option means. Node's own parser makes tokens of it.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { PagekinError, quoted } from "../errors.js";
import { didYouMean, nearest } from "../text/nearest.js";
import type { Given, Option } from "./option-kinds.js";
import type { AnyCommand, Arguments } from "./options.js";

type Options = readonly Option[];
type Token = ReturnType<typeof tokensOf>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

/** What every command knows besides its own options. */
const COMMON = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
} as const;

/** Characters of a list of choices that is short enough to be shown whole. */
const MOST_CHOICES = 60;
/** Texts that people give to flags. */
const SWITCH = /^(true|false|yes|no|on|off|0|1)$/i;

/** The arguments of a command, or what is asked for instead. */
export function parseArguments(
  argv: readonly string[],
  name: string,
  { options, operands: taken }: AnyCommand,
): Arguments<Options> | keyof typeof COMMON {
  refuseOneDash(argv, options);
  const tokens = tokensOf(argv, options);
  for (const asked of ["help", "version"] as const) {
    if (tokens.some((token) => token.kind === "option" && token.name === asked)) return asked;
  }
  const texts = new Map<string, string[]>();
  const flags = new Map<string, boolean>();
  const operands: string[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind === "positional") {
      refuseStray(token.value, tokens[i - 1], options, taken?.isNone === true);
      operands.push(token.value);
    } else if (token.kind === "option") {
      const { option, isNegated } = optionOf(token, name, options);
      if (texts.has(option.name) && !option.isList)
        throw new PagekinError(`--${option.name} is given twice`, { hint: "give it once" });
      if (option.type === "boolean") flags.set(option.name, flagOf(token, option, !isNegated));
      else texts.set(option.name, [...(texts.get(option.name) ?? []), textOf(token, option)]);
    }
  }
  const given = Object.fromEntries(
    options.map((option) => {
      const values = texts.get(option.name);
      const value: Given = option.isList ? (values ?? []) : (values?.[0] ?? flags.get(option.name) ?? option.default);
      return [option.name, value];
    }),
  );
  const values = options.map((option) => [camelCase(option.name), option.read(given[option.name])]);
  return { ...Object.fromEntries(values), given, sources: operands };
}

/** Node's parser knows no unknown options here: what one would be is said by `optionOf`. */
function tokensOf(argv: readonly string[], options: Options) {
  const known = options.map(({ name, type, short }) => [name, { type, ...(short ? { short } : {}), multiple: true }]);
  const config = { ...COMMON, ...(Object.fromEntries(known) as Record<string, { type: "string" }>) };
  return parseArgs({ args: [...argv], options: config, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function optionOf(token: OptionToken, command: string, options: Options): { option: Option; isNegated: boolean } {
  const option = options.find(({ name }) => name === token.name);
  if (option) return { option, isNegated: false };
  const negated = options.find(({ name, type }) => type === "boolean" && token.name === `no-${name}`);
  if (negated) return { option: negated, isNegated: true };
  const meant = nearest(
    token.name,
    options.map(({ name }) => name),
  );
  throw new PagekinError(`unknown option ${quoted(token.rawName)}`, {
    hint: meant === undefined ? `see pagekin ${command} --help` : `did you mean --${meant}?`,
  });
}

function flagOf({ value }: OptionToken, { name }: Option, is: boolean): boolean {
  if (value === undefined) return is;
  throw new PagekinError(`--${name} takes no value`, { hint: `write --${name} or --no-${name}` });
}

function textOf({ value, inlineValue }: OptionToken, { name, choices }: Option): string {
  const isOption = inlineValue === false && value !== undefined && value.length > 1 && value.startsWith("-");
  if (value === undefined || value === "" || isOption) {
    const hint = isOption ? `write --${name}=${quoted(value)} if that is its value` : `write --${name} VALUE`;
    throw new PagekinError(`--${name} needs a value`, { hint });
  }
  if (!choices || choices.includes(value)) return value;
  const all = choices.join(", ");
  const hint = all.length <= MOST_CHOICES ? `choose from ${all}` : didYouMean(value, choices);
  throw new PagekinError(`--${name} cannot be ${quoted(value)}`, { hint });
}

/** `-out x` would be `-o ut x`. */
function refuseOneDash(argv: readonly string[], options: Options): void {
  const end = argv.indexOf("--");
  const names = new Set([...Object.keys(COMMON), ...options.map(({ name }) => name)]);
  for (const text of end < 0 ? argv : argv.slice(0, end)) {
    const name = /^-([a-z][a-z-]+)(=|$)/.exec(text)?.[1];
    if (name !== undefined && names.has(name))
      throw new PagekinError(`unknown option -${name}`, { hint: `did you mean --${name}?` });
  }
}

/** A word that is no source but belongs to the option before it: `--verify yes`, `--page-size 4k 8k`. */
function refuseStray(word: string, before: Token | undefined, options: Options, isNoSource: boolean): void {
  if (before?.kind !== "option") return;
  const option = options.find(({ name }) => name === before.name);
  if (!option || existsSync(word)) return;
  const { name, type, isList, isCommas } = option;
  if (type === "boolean" && SWITCH.test(word))
    throw new PagekinError(`--${name} takes no value`, { hint: `write --${name} or --no-${name}` });
  if (!(isList || isCommas) || !(isNoSource || isValue(word, option))) return;
  const both = isCommas
    ? `${quoted(before.value)},${quoted(word)}`
    : `${quoted(before.value)} --${name} ${quoted(word)}`;
  throw new PagekinError(`--${name} takes one value, but ${quoted(word)} follows it`, {
    hint: `write --${name} ${both}`,
  });
}

/** Whether a word may be a value of an option rather than the name of a file. */
function isValue(word: string, { read, isList }: Option): boolean {
  if (/[./=@]/.test(word)) return false;
  try {
    read(isList ? [word] : word);
    return true;
  } catch {
    return false;
  }
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
