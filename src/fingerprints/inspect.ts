// What a single dump is and holds, page by page of 4 KiB.

import { Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { unfolded } from "../dumps/folding.js";
import { type Ledger, ledgerOf } from "../dumps/ledger.js";
import type { Opened } from "../sources/open.js";
import { refuseEmpty } from "./hash.js";
import { hashSource } from "./segments.js";

const PAGE_BYTES = 4096;

/** A stretch of addresses that the dump holds. */
export interface Stretch {
  address: bigint;
  bytes: number;
}

export interface Inspection {
  stretches: Stretch[];
  ledger: Ledger;
  /** Whole pages of 4 KiB, and zero pages among them. */
  pages: number;
  zeroPages: number;
}

/** Reads all of a dump. One without a page is an error. */
export async function inspectDump(opened: Opened, onBytes: (bytes: number) => void): Promise<Inspection> {
  const hasher = new Hasher(compileCore(), [PAGE_BYTES]);
  const counts = { bytes: 0, wholeBytes: 0, zeroBytes: 0 };
  const stretches: { address: number; bytes: number }[] = [];
  await hashSource(opened, hasher, {
    onBytes,
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
  const [pages, zeroPages] = [counts.wholeBytes / PAGE_BYTES, counts.zeroBytes / PAGE_BYTES];
  refuseEmpty([pages], [PAGE_BYTES], opened, "take the dump again");
  const parts = opened.layout?.parts ?? [];
  return {
    stretches: stretches.map(({ address, bytes }) => ({ address: unfolded(parts, address), bytes })),
    ledger: ledgerOf(counts, opened.layout),
    pages,
    zeroPages,
  };
}
