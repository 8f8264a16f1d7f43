// What a single dump is and holds, page by page of 4 KiB.

import { Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { type Ledger, ledgerOf } from "../dumps/ledger.js";
import { addFileNote, type Opened } from "../sources/open.js";
import { hashSource } from "./segments.js";

const PAGE_BYTES = 4096;

/** A stretch of addresses that the dump holds. */
export interface Stretch {
  address: number;
  bytes: number;
}

export interface Inspection {
  stretches: Stretch[];
  ledger: Ledger;
  /** Whole pages of 4 KiB, and zero pages among them. */
  pages: number;
  zeroPages: number;
}

/** Reads all of a dump. */
export async function inspectDump(opened: Opened, onBytes: (bytes: number) => void): Promise<Inspection> {
  const hasher = new Hasher(compileCore(), [PAGE_BYTES]);
  const counts = { bytes: 0, wholeBytes: 0, zeroBytes: 0 };
  const stretches: Stretch[] = [];
  await hashSource(opened, hasher, {
    onBytes,
    onNote: (note) => addFileNote(opened, note),
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
  return { stretches, ledger: ledgerOf(counts, opened.layout), pages, zeroPages };
}
