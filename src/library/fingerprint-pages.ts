import { Hasher, SEGMENT_BYTES } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { BYTES, checkArgument, NUMBERS } from "./check.js";

/** A page's fingerprint (XXH3-128 in hex, as xxhsum -H2 prints it), and whether the page is zero. */
export interface PageFingerprint {
  fingerprint: string;
  zero: boolean;
}

/** The fingerprints of the whole pages that bytes hold, by page size (bytes). */
export function fingerprintPages(bytes: Uint8Array, pageSizes: readonly number[]): Map<number, PageFingerprint[]> {
  checkArgument("fingerprintPages", "the first argument", bytes, BYTES);
  checkArgument("fingerprintPages", "the second argument", pageSizes, { ...NUMBERS, what: "an array of page sizes" });
  const sizes = choosePageSizes([], pageSizes);
  const hasher = new Hasher(compileCore(), sizes);
  const pages = new Map(sizes.map((size): [number, PageFingerprint[]] => [size, []]));
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
    const segment = bytes.subarray(at, at + SEGMENT_BYTES);
    hasher.begin();
    for (let done = 0; done < segment.length; done += hasher.input.length) {
      const chunk = segment.subarray(done, done + hasher.input.length);
      hasher.input.set(chunk);
      hasher.hash(chunk.length - (chunk.length % 1024));
    }
    const { pages: counts } = hasher.counts();
    for (const [i, size] of sizes.entries())
      for (const page of pagesOf(hasher, i, counts[i])) pages.get(size)?.push(page);
  }
  return pages;
}

function pagesOf(hasher: Hasher, size: number, count: number): PageFingerprint[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const pages = Array.from({ length: count }, () => ({ fingerprint: "", zero: true }));
  const zero = hex(hasher.zeroFingerprint(size));
  const { fingerprints, places } = hasher.toCanonical(size);
  places.forEach((place, i) => {
    pages[place] = { fingerprint: hex(fingerprints.subarray(16 * i, 16 * i + 16)), zero: false };
  });
  return pages.map((page) => (page.zero ? { fingerprint: zero, zero: true } : page));
}
