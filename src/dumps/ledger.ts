// The ledger: where every byte that a dump describes went. In bytes, judged page by page of 4 KiB.

/** What hashing adds up for the ledger: bytes read, and of them those of whole pages, and of zero pages. */
export interface LedgerCounts {
  bytes: number;
  wholeBytes: number;
  zeroBytes: number;
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

/** What a layout says of bytes that hashing does not read. */
type Unread = Readonly<Record<"elidedBytes" | "absentBytes" | "outsideBytes" | "repeatedBytes", number>>;

/** The ledger of a dump. Without a layout it is a raw one that was read as a stream: no gaps, no repeats. */
export function ledgerOf({ bytes, wholeBytes, zeroBytes }: LedgerCounts, layout: Unread | undefined): Ledger {
  const elided = layout?.elidedBytes ?? 0;
  return {
    nonzero_bytes: wholeBytes - zeroBytes,
    stored_zero_bytes: zeroBytes - elided,
    elided_zero_bytes: elided,
    absent_bytes: layout?.absentBytes ?? 0,
    outside_ram_bytes: layout?.outsideBytes ?? 0,
    repeated_bytes: layout?.repeatedBytes ?? 0,
    tail_bytes: bytes - wholeBytes,
  };
}
