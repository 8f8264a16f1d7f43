// The ledger: where every byte that a dump describes went. In bytes, judged page by page of 4 KiB.

/** What hashing adds up for the ledger. */
export interface LedgerCounts {
  nonzeroBytes: number;
  storedZeroBytes: number;
  tailBytes: number;
}

export const LEDGER_COLUMNS = [
  "nonzero_bytes",
  "stored_zero_bytes",
  "elided_zero_bytes",
  "absent_bytes",
  "outside_ram_bytes",
  "repeated_bytes",
  "tail_bytes",
] as const;

export type Ledger = Partial<Record<(typeof LEDGER_COLUMNS)[number], number>>;

/** The ledger of a raw dump: it has no zeros without bytes, no gaps and no repeats. */
export function ledgerOf({ nonzeroBytes, storedZeroBytes, tailBytes }: LedgerCounts): Ledger {
  return {
    nonzero_bytes: nonzeroBytes,
    stored_zero_bytes: storedZeroBytes,
    elided_zero_bytes: 0,
    absent_bytes: 0,
    outside_ram_bytes: 0,
    repeated_bytes: 0,
    tail_bytes: tailBytes,
  };
}
