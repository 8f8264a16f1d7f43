// Fingerprints of pages by hash-wasm, an implementation of XXH3-128 that pagekin has nothing of.

import { createXXHash128 } from "hash-wasm";

/** All page sizes there are: the powers of two from 1 KiB to 2 MiB. */
export const ALL_SIZES = Array.from({ length: 12 }, (_, i) => 1024 << i);
/** Those that are analyzed unless others are asked for. */
export const FIVE_SIZES = ALL_SIZES.slice(0, 5);

const hasher = await createXXHash128();

export function fingerprintOf(bytes: Uint8Array): string {
  return hasher.init().update(bytes).digest("hex");
}

export interface ReferencePage {
  fingerprint: string;
  zero: boolean;
}

/** What the whole pages of a size have for fingerprints, and whether all of their bytes are zero. */
export function referencePages(bytes: Uint8Array, pageBytes: number): ReferencePage[] {
  const zeros = Buffer.alloc(pageBytes);
  return Array.from({ length: Math.floor(bytes.length / pageBytes) }, (_, page) => {
    const content = bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
    return { fingerprint: fingerprintOf(content), zero: zeros.equals(content) };
  });
}
