// What a script gives the library: a wrong type or an option that there is not is a TypeError, whatever the compiler said.

import { quoted, quotedList } from "../errors.js";
import { nearest } from "../text/nearest.js";

/** What a value must be. */
interface Kind {
  /** For the error: `a number`. */
  what: string;
  fits(value: unknown): boolean;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isArrayOf = (type: string) => (value: unknown) =>
  Array.isArray(value) && value.every((item) => typeof item === type);

export const TEXT: Kind = { what: "a string", fits: (value) => typeof value === "string" };
export const NUMBER: Kind = { what: "a number", fits: (value) => typeof value === "number" };
export const NUMBERS: Kind = { what: "an array of numbers", fits: isArrayOf("number") };
export const TEXTS: Kind = { what: "an array of strings", fits: isArrayOf("string") };
export const LISTS: Kind = {
  what: "an array of arrays of strings",
  fits: (value) => Array.isArray(value) && value.every(TEXTS.fits),
};
export const FLAG: Kind = { what: "true or false", fits: (value) => typeof value === "boolean" };
export const FUNCTION: Kind = { what: "a function", fits: (value) => typeof value === "function" };
export const SIGNAL: Kind = { what: "an AbortSignal", fits: (value) => value instanceof AbortSignal };
export const BYTES: Kind = { what: "a Uint8Array", fits: (value) => value instanceof Uint8Array };
export const OBJECT: Kind = { what: "an object", fits: (value) => isObject(value) && !Array.isArray(value) };
export const OBJECTS: Kind = { what: "an array of objects", fits: isArrayOf("object") };
export const oneOf = (values: readonly string[]): Kind => ({
  what: `one of ${values.join(", ")}`,
  fits: (value) => values.some((one) => one === value),
});

/** Sources as the functions that read them take them. */
export const SOURCES: Kind = { what: 'an array of sources, such as ["vm1.raw", "vm2.raw"]', fits: TEXTS.fits };

/** By name; undefined stands for an option that is not given. */
export type Kinds<Options> = Readonly<Record<keyof Options & string, Kind>>;

/** call: the function's name. */
export function checkArgument(call: string, name: string, value: unknown, { what, fits }: Kind): void {
  if (!fits(value)) throw new TypeError(`${call}: ${name} must be ${what}, not ${shown(value)}`);
}

export function checkOptions<Options>(call: string, options: unknown, kinds: Kinds<Options>): void {
  checkArgument(call, "options", options, OBJECT);
  for (const [name, value] of Object.entries(options as object)) {
    if (!Object.hasOwn(kinds, name)) throw new TypeError(unknown(call, name, Object.keys(kinds)));
    if (value !== undefined) checkArgument(call, name, value, kinds[name as keyof Options & string]);
  }
}

function unknown(call: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant === undefined ? `options are ${quotedList(known)}` : `did you mean ${meant}?`;
  return `${call}: unknown option ${quoted(name)}; ${hint}`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return `the string ${quoted(JSON.stringify(value))}`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.length > 0 ? `an array with ${shownBriefly(value)}` : "an empty array";
  return shownBriefly([value]);
}

/** The kinds of values that are in an array, each once. */
function shownBriefly(values: readonly unknown[]): string {
  const kindOf = (value: unknown) => {
    if (value === null || value === undefined) return String(value);
    if (Array.isArray(value)) return "an array";
    const type = typeof value;
    return type === "object" ? "an object" : `a ${type}`;
  };
  return [...new Set(values.map(kindOf))].join(" and ");
}
