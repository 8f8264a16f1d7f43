// The values of a scenario, from what people write: sizes, times, counts, shares.

import * as v from "valibot";
import { parseSize, parseTime } from "../../text/values.js";
import { isOnClock, NANOSECONDS, OFF_CLOCK } from "../time.js";

/** A number or a text, parsed as on the command line. */
const written = (parse: (text: string) => number | undefined, expected: string) =>
  v.rawTransform<number | string, number>(({ dataset, addIssue, NEVER }) => {
    const value = parse(String(dataset.value));
    if (value !== undefined) return value;
    addIssue({ message: expected });
    return NEVER;
  });

/** Bytes. */
export const size = v.pipe(
  v.union([v.number(), v.string()], "a size is expected, such as 16m"),
  written(parseSize, "a size is expected, such as 16m"),
);

/** Nanoseconds. */
export const time = v.pipe(
  v.union([v.number(), v.string()], "a time is expected, such as 10s"),
  written(nanoseconds, "a time is expected, such as 20ms, 10s or 2m"),
  v.check(isOnClock, `${OFF_CLOCK.what}; ${OFF_CLOCK.hint}`),
);

/** Infinity: more than can be counted. */
export function nanoseconds(text: string): number | undefined {
  return parseTime(text, NANOSECONDS) ?? (parseTime(text, 1) === undefined ? undefined : Infinity);
}

/** Bytes of something that is there. */
export const someSize = v.pipe(size, v.minValue(1, "a size above 0 is expected"));

/** A time after which something comes again. */
export const period = v.pipe(time, v.minValue(1, "a time above 0 is expected"));

export const count = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  const expected =
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number from ${least} is expected`
      : `a whole number from ${least} to ${most} is expected`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(least, expected), v.maxValue(most, expected));
};

/** A number from 0, such as a price. */
export const amount = v.pipe(
  v.number("a number is expected"),
  v.finite("a number is expected"),
  v.minValue(0, "a number from 0 is expected"),
);

/** A number above 0, such as a time that all takes. */
export const positive = v.pipe(
  amount,
  v.check((value) => value > 0, "a number above 0 is expected"),
);

export const flag = v.pipe(
  v.union([v.boolean(), v.literal(0), v.literal(1)], "true or false is expected"),
  v.transform((value) => Boolean(value)),
);

export const weight = v.pipe(
  v.number("a weight from 0 to 10 is expected"),
  v.minValue(0, "a weight from 0 to 10 is expected"),
  v.maxValue(10, "a weight from 0 to 10 is expected"),
);

/** A lower and an upper threshold. */
export const thresholds = v.pipe(
  v.tuple([amount, amount], "two numbers are expected, such as [0.6, 0.8]"),
  v.check(([low, high]) => low <= high, "the lower number must come first"),
);

export const file = v.string("a file is expected");
export const name = v.string("a name is expected");

/** What is said of each of some names, which may be called anything. */
export const named = <T>(schema: v.GenericSchema<unknown, T>) =>
  v.pipe(
    v.custom<Record<string, unknown>>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      ({ input }) => `expected a mapping${Array.isArray(input) ? ", not a list" : ""}`,
    ),
    v.transform((value) => new Map(Object.entries(value))),
    v.map(v.string(), schema),
  );

/** `X` for `{kind: X}`. */
export const short = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === "string" ? { kind: value } : value)),
);
