// What `inspect` prints.

import { numberOf } from "../dumps/folding.js";
import { LEDGER_COLUMNS, type Ledger } from "../dumps/ledger.js";
import { printable } from "../errors.js";
import type { Inspection, Stretch } from "../fingerprints/inspect-dump.js";
import { displayName } from "../sources/names.js";
import { layoutOf, type OpenDump } from "../sources/open-dump.js";
import type { Source } from "../sources/source.js";
import { formatBytes, formatCount, formatHex } from "../text/format.js";
import { jsonText } from "../text/json.js";
import type { TraceHead } from "../traces/rows.js";
import { compressionOf, DETECTED_BY, packingText } from "./read-sources.js";
import { print, printJson, styled } from "./terminal.js";
import { table } from "./text-table.js";

const MOST_SHOWN = 12;
const RAW_NOTE = "Raw dumps carry no address map: addresses count from 0, and device memory cannot be distinguished.";

export function printInspection(
  source: Source,
  { format, input, notes, fileNotes, details }: OpenDump,
  inspection: Inspection,
  json: boolean,
): Promise<void> {
  const { stretches, ledger, pages, zeroPages } = inspection;
  const { packing } = source;
  const why = DETECTED_BY[source.certainty];
  const addressSpace = layoutOf(input)?.addressSpace ?? "physical";
  const odd = [...(format === "raw" ? [RAW_NOTE] : []), ...notes, ...fileNotes, ...inspection.notes];
  const shownAs = displayName(source.name);
  if (json) {
    const said = {
      source: shownAs,
      format,
      detected_by: why,
      compression: compressionOf(packing),
      address_space: addressSpace,
    };
    const extents = stretches.map(({ address, bytes }) => ({ address: numberOf(address), bytes }));
    const held = { pages, zero_pages: zeroPages, extents, ledger, notes: odd, details };
    return printJson({ ...said, ...held });
  }
  const how = packing.length > 0 ? `${format} in ${packingText(packing)}` : format;
  const head = printable(`${shownAs}: ${how} (${why}), ${addressSpace} addresses`);
  return print(
    [
      styled("bold", head),
      `${formatCount(pages)} pages of 4 KiB, ${formatCount(zeroPages)} of them zero`,
      `Addresses\n${stretchesTable(stretches)}`,
      `Ledger\n${ledgerText(ledger)}`,
      ...(Object.keys(details).length > 0 ? [`Details\n${detailsText(details)}`] : []),
      ...odd.map((note) => printable(`Note: ${note}`)),
    ].join("\n\n"),
  );
}

function stretchesTable(stretches: readonly Stretch[]): string {
  const rows = stretches
    .slice(0, MOST_SHOWN)
    .map(({ address, bytes }) => [formatHex(address), formatHex(address + BigInt(bytes - 1)), formatBytes(bytes)]);
  const more = stretches.length - rows.length;
  const rest = more > 0 ? `\n  and ${formatCount(more)} more stretches (all with --json)` : "";
  return `${table([["from", "to", "size"], ...rows], { left: 0, key: 0 })}${rest}`;
}

function ledgerText(ledger: Ledger): string {
  return table([
    ["what", "bytes", ""],
    ...LEDGER_COLUMNS.map((column) => {
      const bytes = ledger[column] ?? 0;
      return [column.replace(/_bytes$/, "").replaceAll("_", " "), formatCount(bytes), formatBytes(bytes)];
    }),
  ]);
}

function detailsText(details: Record<string, unknown>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => {
      const text = printable(typeof value === "object" ? jsonText(value) : String(value));
      return `  ${key}: ${text.length > 100 ? `${text.slice(0, 97)}...` : text}`;
    })
    .join("\n");
}

export function printTrace(
  { name, format, packing, certainty }: Source,
  head: TraceHead,
  json: boolean,
): Promise<void> {
  const { member, timeS, algorithm, keyId, addressSpace, ledger, pageSizes } = head;
  const notes = [...head.notes, ...head.fileNotes];
  const source = displayName(name);
  if (json) {
    return printJson({
      ...{ source, format, detected_by: DETECTED_BY[certainty], compression: compressionOf(packing) },
      ...{ address_space: addressSpace ?? null, extents: [], ledger: ledger ?? null, notes },
      ...{ member: member ?? null, time_s: timeS ?? null, algorithm, key_id: keyId ?? null, page_sizes: pageSizes },
    });
  }
  const of = member === undefined ? "" : ` of ${member}${timeS ? ` at ${timeS} s` : ""}`;
  const fingerprints = `${algorithm}${keyId ? `, key ${keyId}` : ""}`;
  const said = `Fingerprints: ${fingerprints}; page sizes: ${pageSizes.join(", ")}; addresses: ${addressSpace ?? "not said"}`;
  return print(
    [
      styled("bold", printable(`${source}: a trace (${format})${of}`)),
      printable(said),
      ledger ? `Ledger of its dump\n${ledgerText(ledger)}` : "It says nothing of the dump that it was made from.",
      ...notes.map((note) => printable(`Note: ${note}`)),
    ].join("\n\n"),
  );
}
