// An option is one entry: its name, help text, parser and check. A command's table of options is a list of such entries, from
// which the parser, help, completion, the manual and the types of a command's arguments follow.

import { PagekinError, quoted } from "../errors.js";
import { parseCount, parsePart, parseSize, parseTime } from "../text/values.js";

/** What the command line gives for an option: true or false for a flag, else its text, or a list of texts. */
export type Given = boolean | string | readonly string[] | undefined;

/** An option that a command gets as a T. */
export interface Option<N extends string = string, T = unknown> {
  name: N;
  /** boolean: a flag; string: takes a text. */
  type: "boolean" | "string";
  describe: string;
  /** As written on the command line, and as help shows it. */
  default?: boolean | string | undefined;
  /** The only texts allowed. */
  choices?: readonly string[] | undefined;
  /** The letter that stands for it. */
  short?: string;
  /** May be given several times. */
  isList?: boolean;
  /** Takes several values, comma-separated. */
  isCommas?: boolean;
  /** Parses and checks; throws a PagekinError that names the option. */
  read(given: Given): T;
}

/** What all options that take a text have. */
interface About<T> {
  describe: string;
  default?: string;
  /** Throws if the value cannot be used. */
  check?: (value: T) => void;
}

/** An option without a default may be undefined. */
type Value<T, A> = A extends { default: string } ? T : T | undefined;

/** `--name`, `--no-name`. */
export function flag<N extends string>(
  name: N,
  about: { describe: string; default?: boolean; short?: string },
): Option<N, boolean> {
  return { name, type: "boolean", default: false, ...about, read: (given) => given === true };
}

/** An option with a parser of its own; `read` throws if the text is not valid. */
export function option<N extends string, T, A extends About<T>>(
  name: N,
  { describe, default: usual, check }: A,
  read: (text: string) => T,
): Option<N, Value<T, A>> {
  const value = (given: Given): T | undefined => {
    if (given === undefined) return undefined;
    const one = read(String(given));
    check?.(one);
    return one;
  };
  return { name, type: "string", describe, default: usual, read: (given) => value(given) as Value<T, A> };
}

export function text<N extends string, A extends About<string>>(name: N, about: A): Option<N, Value<string, A>> {
  return option(name, about, (given) => given);
}

/** One of several texts; the parser rejects others. */
export function choice<N extends string, C extends string, A extends About<C>>(
  name: N,
  choices: readonly C[],
  about: A,
): Option<N, Value<C, A>> {
  return { ...option(name, about, (given) => given as C), choices };
}

/** Bytes. */
export function size<N extends string, A extends About<number>>(name: N, about: A): Option<N, Value<number, A>> {
  const hint = "give bytes, or a number with k, m or g, such as 256m";
  return option(name, about, (given) => parseSize(given) ?? refuse(name, given, "is not a size", hint));
}

/** A whole number, `least` or more. */
export function count<N extends string, A extends About<number> & { least: number }>(
  name: N,
  about: A,
): Option<N, Value<number, A>> {
  const { least } = about;
  return option(name, about, (given) => {
    const hint = `give a whole number, ${least} or more`;
    const value = parseCount(given) ?? refuse(name, given, "is not a whole number", hint);
    return value >= least ? value : refuse(name, given, "is too small", hint);
  });
}

/** Seconds, rounded to the millisecond. */
export function time<N extends string, A extends About<number>>(name: N, about: A): Option<N, Value<number, A>> {
  const hint = "give seconds, or a number with ms, s, m or h, such as 15s";
  return option(name, about, (given) => (parseTime(given, 1000) ?? refuse(name, given, "is not a time", hint)) / 1000);
}

/** A fraction from 0 to 1. */
export function part<N extends string, A extends About<number>>(name: N, about: A): Option<N, Value<number, A>> {
  const hint = "give a number from 0 to 1, such as 0.1";
  return option(name, about, (given) => parsePart(given) ?? refuse(name, given, "is not a fraction", hint));
}

/** An option that may be given several times. */
export function list<N extends string, T>({ read, ...one }: Option<N, T | undefined>): Option<N, T[]> {
  const texts = (given: Given) => [given ?? []].flat();
  return { ...one, isList: true, read: (given) => texts(given).map((text) => read(text) as T) };
}

/** An option that takes a comma-separated list. */
export function commas<N extends string, T>({ read, ...one }: Option<N, T | undefined>): Option<N, T[] | undefined> {
  const texts = (given: Given) => (given === undefined ? undefined : String(given).split(","));
  return { ...one, isCommas: true, read: (given) => texts(given)?.map((text) => read(text) as T) };
}

function refuse(name: string, given: string, what: string, hint: string): never {
  throw new PagekinError(`--${name} ${quoted(given)} ${what}`, { hint });
}
