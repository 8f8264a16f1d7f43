/** Of a fingerprint in a trace. */
export const FINGERPRINT_BYTES = 16;

/** Rows of a trace that have one page size. */
export interface TraceRows {
  pageBytes: number;
  count: number;
  /** 16 bytes a row: canonical; those of a CSV shorter than that are padded. */
  fingerprints: Uint8Array;
  /** 1 for a row that is marked as the zero page. */
  zeros: Uint8Array;
  /** Page numbers, where they were asked for. */
  pages?: ArrayLike<number | bigint>;
}

/** What a trace says of itself. */
export interface TraceHead {
  member: string | undefined;
  timeS: number | undefined;
  /** `xxh3-128`, or `csv` for fingerprints of another tool. */
  algorithm: string;
  /** Name of the key, where fingerprints are keyed. */
  keyId: string | undefined;
  addressSpace: string | undefined;
  /** The ledger of the dump that it was made from (columns of ledger.csv). */
  ledger: Record<string, number> | undefined;
  /** What is to be known of that dump: what is missing of it. */
  notes: readonly string[];
  /** What is to be known of its file. */
  fileNotes: readonly string[];
  /** Page sizes that it holds, ascending; empty where only reading all of it would tell. */
  pageSizes: number[];
  /** Bits of the shortest fingerprint; undefined: 128. */
  fingerprintBits?: number;
}
