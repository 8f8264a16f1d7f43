// What was measured of real machines: usage.csv, as SEMMA's collector gathers it.

import { PagekinError, quoted } from "../errors.js";
import type { Pause } from "../system/pace.js";
import { mapInTurns } from "../system/turns.js";
import { didYouMean } from "../text/nearest.js";
import { lineOf } from "../text/read-csv.js";
import { parseDecimal } from "../text/values.js";
import { isOnClock, NANOSECONDS, OFF_CLOCK } from "./time.js";

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
  members: ReadonlySet<string>,
  pause: Pause,
): Promise<UsageRow[]> {
  const seen = new Set<string>();
  const parse = (row: Readonly<Record<string, string>>): UsageRow => {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: lineOf(row), hint });
    const timeS = parseDecimal(row.time_s);
    if (timeS === undefined) throw fail(`time_s is "${quoted(row.time_s)}"`, "give seconds, such as 15 or 0.5");
    const ns = Math.round(timeS * NANOSECONDS);
    if (!isOnClock(ns)) throw fail(`time_s is ${quoted(row.time_s)}, but ${OFF_CLOCK.what}`, OFF_CLOCK.hint);
    if (!members.has(row.vm)) throw fail(`unknown member ${quoted(row.vm)}`, didYouMean(row.vm, [...members]));
    const key = JSON.stringify([timeS, row.vm]);
    if (seen.has(key))
      throw fail(`${quoted(row.vm)} appears twice at time ${timeS}`, "give each member one row a time");
    seen.add(key);
    const number = (column: string) => {
      const value = parseDecimal(row[column]);
      if (value === undefined) throw fail(`${column} is "${quoted(row[column])}"`, "give a number");
      return value;
    };
    const bytes = (column: string) => {
      if (row[column] === undefined) throw fail(`no ${column} is given`, "leave it empty where it is not known");
      return row[column] === "" ? undefined : number(column);
    };
    const muhRate = number("muh_rate");
    if (muhRate > 1) throw fail(`muh_rate is "${quoted(row.muh_rate)}"`, "give a part from 0 to 1");
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
