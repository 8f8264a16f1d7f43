/** Of fingerprints that pagekin makes. */
export const OWN_ALGORITHM = "xxh3-128";

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
  /** OWN_ALGORITHM, or `csv` for fingerprints of another tool. */
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

/**
 * What follows a fingerprint of so many bytes to make it 16, so that "aa" and "aa00" are two, and short ones keep their
 * order: bytes of a linear congruential generator, then the length.
 */
const ENDS = Array.from({ length: FINGERPRINT_BYTES }, (_, length) => {
  let state = length + 1;
  const end = Uint8Array.from({ length: FINGERPRINT_BYTES - length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  end[end.length - 1] = length;
  return end;
});

/** Writes a fingerprint in hex as 16 bytes; the same for the same fingerprint only. */
export function writeFingerprint(hex: string, target: Uint8Array, at: number): void {
  const bytes = hex.length / 2;
  for (let i = 0; i < bytes; i++) target[at + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  if (bytes < FINGERPRINT_BYTES) target.set(ENDS[bytes], at + bytes);
}
