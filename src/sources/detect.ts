// What a source is, by its first bytes. Nothing is taken for raw that has the signature of something else.

import { HEAD_BYTES, refuseForeign, refuseText } from "../dumps/formats/known.js";
import { dumpFormatOf } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
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
  if (isCsvTrace(content)) return { format: "csv", packing, certainty: "signature" };
  if (isCsvName(file)) {
    const hint = "its first line must name at least the columns page_bytes, page and fingerprint";
    throw new PagekinError("this is not a CSV trace", { file, hint });
  }
  refuseText(content, file);
  return { format: "raw", packing, certainty: "none" };
}

/** Whether the head's first line names the columns of a trace. */
function isCsvTrace(head: Buffer): boolean {
  const end = head.indexOf("\n");
  if (end < 0) return false;
  const columns = head
    .toString("latin1", 0, end)
    .split(",")
    .map((column) => column.trim().replace(/^(?:\xef\xbb\xbf)?"?(.*?)"?$/, "$1"));
  return columns.includes("page") && columns.includes("fingerprint");
}
