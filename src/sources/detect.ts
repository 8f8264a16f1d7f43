// What a source is, by its first bytes. Nothing is taken for raw that has the signature of something else.

import { HEAD_BYTES, refuseForeign, refuseText } from "../dumps/formats/known.js";
import { dumpFormatOf } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
import { columnsText, otherSeparator } from "../text/csv-header.js";
import { type Packing, packingOf, peel, soundPackingOf } from "../unpack/compression.js";
import { isCsvName } from "./names.js";

export interface Detected {
  /** As ledger.csv has it. */
  format: string;
  /** How the bytes are compressed, from the outside in; empty: they are not. */
  packing: readonly Packing[];
  /** Why this format: a signature, --format, or for a raw dump that no known signature fits. */
  certainty: "signature" | "asked" | "none";
  /** Of a raw dump that --format names: how its first bytes look compressed, though they are read as they are. */
  looksPacked?: Packing | undefined;
}

/** head: of the file as it is; file: its name; asked: the format that --format names. */
export async function detect(head: Buffer, file: string, asked: string | undefined): Promise<Detected> {
  if (head.length === 0) throw new PagekinError("is empty", { file, hint: "take the dump again" });
  // Memory may begin like a compressed stream without being one.
  const { content, packing } = await peel(head, HEAD_BYTES, asked === "raw" ? soundPackingOf : packingOf);
  if (asked !== undefined) {
    const looksPacked = asked === "raw" ? packingOf(content) : undefined;
    return { format: asked, packing, certainty: "asked", looksPacked };
  }
  const known = await dumpFormatOf(content);
  if (known) return { format: known.name, packing, certainty: "signature" };
  if (packing.length === 2 && packingOf(content) !== undefined)
    throw new PagekinError("is compressed three times", { file, hint: "decompress it first" });
  refuseForeign(content, file);
  if (content.toString("latin1", 0, 4) === "PAR1") {
    if (packing.length === 0) return { format: "parquet", packing, certainty: "signature" };
    throw new PagekinError("this is a compressed Parquet trace", { file, hint: "decompress it first" });
  }
  const columns = columnsIn(content);
  if (columns.includes("page") && columns.includes("fingerprint"))
    return { format: "csv", packing, certainty: "signature" };
  if (isCsvName(file)) throw noTrace(columns, file);
  refuseText(content, file);
  return { format: "raw", packing, certainty: "none" };
}

/** The columns that the head's first line names; none if it does not end in the head. */
function columnsIn(head: Buffer): string[] {
  const end = head.indexOf("\n");
  if (end < 0) return [];
  return head
    .toString("latin1", 0, end)
    .split(",")
    .map((column) => column.trim().replace(/^(?:\xef\xbb\xbf)?"?(.*?)"?$/, "$1"));
}

function noTrace(columns: readonly string[], file: string): PagekinError {
  const separator = otherSeparator(columns);
  if (separator) {
    const hint = "separate them by commas";
    return new PagekinError(`columns are separated by ${separator}, not by commas`, { file, line: 1, hint });
  }
  if (columns.some((column) => column === "path" || column === "member"))
    return new PagekinError("this is an inventory, not a source", { file, hint: "give it with --inventory" });
  const what = columns.length === 0 ? "" : `: ${columnsText(columns)}`;
  return new PagekinError(`not a CSV trace${what}`, {
    file,
    hint: "a trace needs page_bytes, page and fingerprint; an inventory is given with --inventory",
  });
}
