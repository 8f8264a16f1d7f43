// What a single dump is and holds, page by page of 4 KiB.

import { BASE_PAGE_BYTES, Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { unfolded } from "../dumps/folding.js";
import type { Range } from "../dumps/formats/format.js";
import { type Ledger, ledgerOf } from "../dumps/ledger.js";
import { layoutOf, type OpenDump } from "../sources/open-dump.js";
import { refuseEmpty } from "./hash.js";
import { hashAll } from "./segments.js";

/** A stretch of addresses that the dump holds. */
export interface Stretch {
  address: bigint;
  bytes: number;
}

export interface Inspection {
  /** The addresses that the dump holds. */
  stretches: Stretch[];
  ledger: Ledger;
  /** Whole pages of 4 KiB, and zero pages among them. */
  pages: number;
  zeroPages: number;
  /** What is known of the dump only since all of it was read. */
  notes: string[];
}

/** Reads all of a dump. One without a page is an error. file: how errors call it. */
export async function inspectDump(
  { input }: OpenDump,
  file: string,
  onBytes: (bytes: number) => void,
): Promise<Inspection> {
  const hasher = new Hasher(compileCore(), [BASE_PAGE_BYTES]);
  const counts = { bytes: 0, wholeBytes: 0, zeroBytes: 0 };
  const stretches: Range[] = [];
  const notes: string[] = [];
  await hashAll(input, hasher, {
    onBytes,
    onNote: (note) => notes.push(note),
    onSegment: ({ bytes, wholeBytes, zeroBytes, runs }) => {
      counts.bytes += bytes;
      counts.wholeBytes += wholeBytes;
      counts.zeroBytes += zeroBytes;
      for (const run of runs()) {
        const last = stretches[stretches.length - 1];
        if (last && last.address + last.bytes === run.address) last.bytes += run.bytes;
        else if (run.bytes > 0) stretches.push({ address: run.address, bytes: run.bytes });
      }
    },
  });
  const [pages, zeroPages] = [counts.wholeBytes / BASE_PAGE_BYTES, counts.zeroBytes / BASE_PAGE_BYTES];
  const layout = layoutOf(input);
  refuseEmpty([pages], [BASE_PAGE_BYTES], { file, layout }, "take the dump again");
  return {
    stretches: stretches.map(({ address, bytes }) => ({ address: unfolded(layout?.parts ?? [], address), bytes })),
    ledger: ledgerOf(counts, layout),
    pages,
    zeroPages,
    notes,
  };
}
