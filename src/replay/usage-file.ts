// What was measured of real machines: usage.csv, as SEMMA's collector gathers it.

import { PagekinError } from "../errors.js";
import type { Pause } from "../policies/policy.js";
import { parseDecimal } from "../text/values.js";
import { isOnClock, NANOSECONDS, OFF_CLOCK } from "./time.js";
import { mapInTurns } from "./turns.js";

/** Columns that no row may leave empty. */
export const USAGE_COLUMNS = ["time_s", "vm", "muh_rate"] as const;

/**
 * Bytes that the guest uses (MUV) and that it has of the host's memory (MUP), undefined where that could not be measured, and
 * how full the host is (MUH, 0 to 1).
 */
export interface UsageRow {
  ns: number;
  vm: string;
  muvBytes: number | undefined;
  mupBytes: number | undefined;
  muhRate: number;
}

/**
 * The rows of a CSV time_s,vm,muv_bytes,mup_bytes,muh_rate, in the order of time; muv_bytes and mup_bytes may be empty.
 * members: what vm may name.
 */
export async function parseUsage(
  rows: readonly Record<string, string>[],
  file: string,
  members: readonly string[],
  pause: Pause,
): Promise<UsageRow[]> {
  const known = new Set(members);
  const parse = (row: Readonly<Record<string, string>>, i: number): UsageRow => {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: i + 2, hint });
    const timeS = parseDecimal(row.time_s);
    if (timeS === undefined) throw fail(`time_s is "${row.time_s}"`, "give seconds, such as 15 or 0.5");
    const ns = Math.round(timeS * NANOSECONDS);
    if (!isOnClock(ns)) throw fail(`time_s is ${row.time_s}, but ${OFF_CLOCK.what}`, OFF_CLOCK.hint);
    if (!known.has(row.vm)) throw fail(`there is no member ${row.vm}`, "name one of the sources");
    const number = (column: string) => {
      const value = parseDecimal(row[column]);
      if (value === undefined) throw fail(`${column} is "${row[column]}"`, "give a number");
      return value;
    };
    const bytes = (column: string) => {
      if (row[column] === undefined) throw fail(`no ${column} is given`, "leave it empty where it is not known");
      return row[column] === "" ? undefined : number(column);
    };
    const muhRate = number("muh_rate");
    if (muhRate > 1) throw fail(`muh_rate is "${row.muh_rate}"`, "give a part from 0 to 1");
    return {
      ns,
      vm: row.vm,
      muvBytes: bytes("muv_bytes"),
      mupBytes: bytes("mup_bytes"),
      muhRate,
    };
  };
  const parsed = await mapInTurns(rows, parse, pause);
  return parsed.sort((a, b) => a.ns - b.ns);
}
