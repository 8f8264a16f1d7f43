// What `inspect` prints.

import { LEDGER_COLUMNS, type Ledger } from "../dumps/ledger.js";
import { printable } from "../errors.js";
import type { Inspection, Stretch } from "../fingerprints/inspect.js";
import { displayName, type Opened } from "../sources/open.js";
import { formatBytes, formatCount } from "../text/format.js";
import type { TraceHead } from "../traces/rows.js";
import { notesPart, print, styled, table } from "./terminal.js";

const MOST_SHOWN = 12;
const RAW_NOTE = "Raw dumps carry no address map: addresses count from 0, and device memory cannot be distinguished.";

/** What tells a source's format. */
const RECOGNIZED_BY: Record<Opened["recognizedBy"], string> = {
  contents: "its contents",
  "--format": "--format",
  nothing: "no known signature",
};

export function printInspection(opened: Opened, inspection: Inspection, json: boolean): Promise<void> {
  const { stretches, ledger, pages, zeroPages } = inspection;
  const { format, layout, notes = [], fileNotes = [], details = {} } = opened;
  const known = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
  const why = RECOGNIZED_BY[opened.recognizedBy];
  const addressSpace = layout?.addressSpace ?? "physical";
  const odd = [...(format === "raw" ? [RAW_NOTE] : []), ...notes, ...fileNotes];
  const source = displayName(opened.name);
  if (json) {
    const said = {
      source,
      format,
      detected_by: why,
      compression: packingText(opened),
      address_space: addressSpace,
    };
    const held = { pages, zero_pages: zeroPages, extents: stretches, ledger, notes: odd, details: known };
    return print(JSON.stringify({ ...said, ...held }, null, 2));
  }
  const packed = packingText(opened);
  const how = packed === "none" ? format : `${format} in ${packed}`;
  const head = printable(`${source}: ${how} (by ${why}), ${addressSpace} addresses`);
  return print(
    [
      styled("bold", head),
      `${formatCount(pages)} pages of 4 KiB, ${formatCount(zeroPages)} of them zero`,
      `Addresses\n${stretchesTable(stretches)}`,
      `Ledger\n${ledgerText(ledger)}`,
      ...(Object.keys(known).length > 0 ? [`Details\n${detailsText(known)}`] : []),
      ...odd.map((note) => printable(`Note: ${note}`)),
    ].join("\n\n"),
  );
}

/** How a source is packed: gzip, or gzip in zstd. */
function packingText({ compression, inner, packing }: Opened): string {
  const layers = packing ?? (inner ? { compression, inner } : { compression });
  return layers.inner ? `${layers.inner} in ${layers.compression}` : layers.compression;
}

function stretchesTable(stretches: readonly Stretch[]): string {
  const rows = stretches
    .slice(0, MOST_SHOWN)
    .map(({ address, bytes }) => [hex(address), hex(address + bytes - 1), formatBytes(bytes)]);
  const more = stretches.length - rows.length;
  const rest = more > 0 ? `\n  and ${formatCount(more)} more stretches (all with --json)` : "";
  return `${table([["from", "to", "size"], ...rows], 0)}${rest}`;
}

const hex = (address: number) => `0x${address.toString(16)}`;

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
    .filter(([, value]) => value !== null)
    .map(([key, value]) => {
      const text = printable(typeof value === "object" ? JSON.stringify(value) : String(value));
      return `  ${key}: ${text.length > 100 ? `${text.slice(0, 97)}...` : text}`;
    })
    .join("\n");
}

/** A trace says of its dump what its metadata has. */
export async function printTrace(opened: Opened, json: boolean): Promise<void> {
  const head: TraceHead =
    opened.format === "parquet"
      ? await (await import("../traces/parquet-read.js")).readParquetHead(opened)
      : await (await import("../traces/csv.js")).readCsvHead(opened);
  const { member, timeS, algorithm, keyId, addressSpace, ledger, pageSizes } = head;
  const notes = [...head.notes, ...head.fileNotes];
  const source = displayName(opened.name);
  if (json) {
    return print(
      JSON.stringify(
        {
          ...{
            source,
            format: opened.format,
            address_space: addressSpace ?? null,
            extents: [],
            ledger: ledger ?? null,
            notes,
          },
          ...{ member: member ?? null, time_s: timeS ?? null, algorithm, key_id: keyId ?? null, page_sizes: pageSizes },
        },
        null,
        2,
      ),
    );
  }
  const of = member === undefined ? "" : ` of ${member}${timeS ? ` at ${timeS} s` : ""}`;
  const fingerprints = `${algorithm}${keyId ? `, key ${keyId}` : ""}`;
  const said = `Fingerprints: ${fingerprints}; page sizes: ${pageSizes.join(", ")}; addresses: ${addressSpace ?? "not said"}`;
  return print(
    [
      styled("bold", printable(`${source}: a trace (${opened.format})${of}`)),
      printable(said),
      ledger ? `Ledger of its dump\n${ledgerText(ledger)}` : "It says nothing of the dump that it was made from.",
      ...notesPart(notes),
    ].join("\n\n"),
  );
}
