import { PagekinError } from "../errors.js";
import type { ContentTable } from "../fingerprints/page-list.js";
import type { ReplayEvent } from "../replay/members.js";
import { parseSeconds } from "../sources/names.js";
import { readRows } from "../sources/rows.js";

const NANOSECONDS = 1e9;
const EVENTS = ["write", "drop", "exit", "unmerge"] as const;
const FINGERPRINT_BYTES = 16;

/** Reads a CSV of events (time_s,member,event,page,fingerprint); contents are numbers of the table. */
export async function parseEvents(file: string, table: ContentTable): Promise<ReplayEvent[]> {
  const rows = await readRows(file, ["time_s", "member", "event"]);
  return rows.map((row, i) => {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: i + 2, hint });
    const timeS = parseSeconds(row.time_s);
    if (timeS === undefined) throw fail(`time_s is "${row.time_s}"`, "give seconds, such as 15 or 0.5");
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
