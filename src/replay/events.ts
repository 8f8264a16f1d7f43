import { PagekinError } from "../errors.js";
import type { ContentTable } from "../fingerprints/page-list.js";
import { parseSeconds } from "../sources/names.js";
import type { ReplayEvent } from "./members.js";
import { NANOSECONDS } from "./time.js";

/** Columns that no row may leave empty. */
export const EVENT_COLUMNS = ["time_s", "member", "event"] as const;
const EVENTS = ["write", "drop", "exit", "unmerge"] as const;
const FINGERPRINT_BYTES = 16;

/**
 * Events from the rows of a CSV (time_s,member,event,page,fingerprint); contents are numbers of the table. members: what
 * rows may name.
 */
export function parseEvents(
  rows: readonly Record<string, string>[],
  file: string,
  members: readonly string[],
  table: ContentTable,
): ReplayEvent[] {
  return rows.map((row, i) => {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: i + 2, hint });
    const timeS = parseSeconds(row.time_s);
    if (timeS === undefined) throw fail(`time_s is "${row.time_s}"`, "give seconds, such as 15 or 0.5");
    if (!members.includes(row.member)) throw fail(`there is no member ${row.member}`, "name one of the sources");
    const event = EVENTS.find((one) => one === row.event);
    if (!event) throw fail(`event is "${row.event}"`, `give one of ${EVENTS.join(", ")}`);
    const onPage = event === "write" || event === "drop";
    if (onPage && !/^\d+$/.test(row.page ?? "")) throw fail(`page is "${row.page ?? ""}"`, "give a page number");
    if (event === "write" && !/^[0-9a-fA-F]{32}$/.test(row.fingerprint ?? "")) {
      throw fail(`fingerprint is "${row.fingerprint ?? ""}"`, "give 16 bytes in hex");
    }
    return {
      ns: Math.round(timeS * NANOSECONDS),
      member: row.member,
      event,
      page: onPage ? Number(row.page) : 0,
      content: event === "write" ? contentOf(row.fingerprint, table) : 0,
    };
  });
}

function contentOf(hex: string, table: ContentTable): number {
  const bytes = new Uint8Array(FINGERPRINT_BYTES);
  bytes.set(Buffer.from(hex, "hex"));
  return table.number(bytes, 0);
}
