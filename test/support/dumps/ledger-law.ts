// A law of all formats: what is counted, outside RAM and a tail is all that a dump holds, whatever is left out.

import { expect } from "vitest";

export interface Counted {
  /** Pages of 4 KiB. */
  pages: number;
  zeroPages: number;
  /** Bytes by the columns of ledger.csv. */
  ledger: Record<string, number>;
}

/** Checks the ledgers of one dump with `--ranges ram` and with `--ranges all`. */
export function expectLaw(ram: Counted, all: Counted): void {
  for (const { pages, zeroPages, ledger } of [ram, all]) {
    const { nonzero_bytes, stored_zero_bytes, elided_zero_bytes } = ledger;
    expect(nonzero_bytes + stored_zero_bytes + elided_zero_bytes).toBe(pages * 4096);
    expect(stored_zero_bytes + elided_zero_bytes).toBe(zeroPages * 4096);
  }
  expect(heldBytes(ram)).toBe(heldBytes(all));
  // Between RAM and a device far above it nothing is missing.
  expect(ram.ledger.absent_bytes).toBeLessThanOrEqual(all.ledger.absent_bytes);
}

function heldBytes({ ledger }: Counted): number {
  const { repeated_bytes: _, absent_bytes: __, ...once } = ledger;
  return Object.values(once).reduce((sum, part) => sum + part, 0);
}
