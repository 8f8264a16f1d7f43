import { PagekinError, quoted } from "../errors.js";
import type { Pause } from "../system/pace.js";
import { mapInTurns } from "../system/turns.js";
import { didYouMean } from "../text/nearest.js";
import { lineOf } from "../text/read-csv.js";
import { parseCount, parseDecimal } from "../text/values.js";
import type { ReplayEvent } from "./members.js";
import { isOnClock, NANOSECONDS, OFF_CLOCK } from "./time.js";

/** Columns that no row may leave empty. */
export const EVENT_COLUMNS = ["time_s", "member", "event"] as const;
const EVENTS = ["write", "drop", "exit", "unmerge"] as const;

/** What rows may name: members, and fingerprints in hex, each with the number of its content (undefined: it is none). */
interface Known {
  members: ReadonlySet<string>;
  contentOf(fingerprint: string): number | undefined;
  /** Of what a fingerprint is. */
  fingerprintHint: string;
}

/** Events from the rows of a CSV: time_s,member,event,page,fingerprint. */
export function parseEvents(
  rows: readonly Record<string, string>[],
  file: string,
  { members, contentOf, fingerprintHint }: Known,
  pause: Pause,
): Promise<ReplayEvent[]> {
  const parse = (row: Readonly<Record<string, string>>): ReplayEvent => {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: lineOf(row), hint });
    const timeS = parseDecimal(row.time_s);
    if (timeS === undefined) throw fail(`time_s is "${quoted(row.time_s)}"`, "give seconds, such as 15 or 0.5");
    const ns = Math.round(timeS * NANOSECONDS);
    if (!isOnClock(ns)) throw fail(`time_s is ${quoted(row.time_s)}, but ${OFF_CLOCK.what}`, OFF_CLOCK.hint);
    if (!members.has(row.member))
      throw fail(`unknown member ${quoted(row.member)}`, didYouMean(row.member, [...members]));
    const event = EVENTS.find((one) => one === row.event);
    if (!event) throw fail(`event is "${quoted(row.event)}"`, `give one of ${EVENTS.join(", ")}`);
    const onPage = event === "write" || event === "drop";
    const page = onPage ? parseCount(row.page ?? "") : 0;
    if (page === undefined) throw fail(`page is "${quoted(row.page ?? "")}"`, "give a page number");
    const content = event === "write" ? contentOf(row.fingerprint ?? "") : 0;
    if (content === undefined) throw fail(`fingerprint is "${quoted(row.fingerprint ?? "")}"`, fingerprintHint);
    return {
      ns,
      member: row.member,
      event,
      page,
      content,
    };
  };
  return mapInTurns(rows, parse, pause);
}
