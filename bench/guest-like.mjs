// Memory that packs like a guest's: pages of the generated dumps are random, and nothing shrinks them.

import fs from "node:fs";
import { writeParts } from "./write-forms.mjs";

/**
 * Of the bytes of a word (64 bits): which share of words is zero, is one of the words before again, or is like a pointer of
 * the kernel. So pages of random words shrink to a third or so with zlib, as those of Linux guests do.
 */
const [ZERO, AGAIN, POINTER] = [100, 205, 235];
const LONGEST_WAY_BACK = 63;
const PAGE_WORDS = 1024;

/** Writes a dump with the same equal pages and the same zero pages, of such words. */
export function writeGuestLike(raw, file) {
  const memory = fs.readFileSync(raw);
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length >> 2);
  for (let i = 0; i < words.length; i += 2) {
    const random = words[i];
    const kind = random & 255;
    if (kind < ZERO) words[i] = words[i + 1] = 0;
    else if (kind < AGAIN) {
      const back = Math.min(2 * (1 + ((random >>> 8) & LONGEST_WAY_BACK)), i % PAGE_WORDS);
      if (back === 0) continue;
      words[i] = words[i - back];
      words[i + 1] = words[i + 1 - back];
    } else if (kind < POINTER) words[i + 1] = 0xffff8880;
  }
  writeParts(file, [memory]);
}
