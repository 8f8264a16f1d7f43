// What tells files of other programs where they have no signature, or a short one.

import { isUtf8 } from "node:buffer";

/** Bytes that tell text: a page. */
const TEXT_BYTES = 4096;
/** Different bytes that text in one line has. */
const LEAST_LETTERS = 24;
/** Longest form of a character in UTF-8. */
const MOST_CHARACTER_BYTES = 4;

/** Control characters that text has: \b \t \n \v \f \r and ESC. */
const isTextByte = (byte: number) => (byte >= 0x20 ? byte !== 0x7f : (byte >= 8 && byte <= 13) || byte === 0x1b);

/**
 * Whether a file's first page (or all of a shorter file) is text: printable to the last byte, with lines, or beginning as JSON
 * or XML does, or of many letters. The first page of a machine's memory has binary tables or is zero.
 */
export function isText(head: Buffer): boolean {
  const page = head.subarray(0, TEXT_BYTES);
  if (page.length === 0) return false;
  return isUtf16(page) || (page.every(isTextByte) && hasTextShape(page) && hasTextCoding(page));
}

function hasTextShape(page: Buffer): boolean {
  const text = page.toString("latin1");
  if (/[\n\r]/.test(text) && /[a-z0-9]/i.test(text)) return true;
  // A page of memory may be filled with a word.
  if (new Set(page).size >= LEAST_LETTERS) return true;
  return /^(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*["{[\]\d-]|<[?!a-z])/i.test(text);
}

/** UTF-8, which may end within a character, or mostly ASCII with characters of an older coding. */
function hasTextCoding(page: Buffer): boolean {
  for (let cut = 0; cut < MOST_CHARACTER_BYTES && cut < page.length; cut++)
    if (isUtf8(page.subarray(0, page.length - cut))) return true;
  const others = page.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0);
  return others * 4 < page.length;
}

/** By its byte order mark. */
function isUtf16(page: Buffer): boolean {
  const mark = page.length >= 4 ? page.readUInt16LE(0) : 0;
  if (mark !== 0xfeff && mark !== 0xfffe) return false;
  for (let at = 2; at + 2 <= page.length; at += 2) {
    const unit = mark === 0xfeff ? page.readUInt16LE(at) : page.readUInt16BE(at);
    if (unit < 0x100 && !isTextByte(unit)) return false;
  }
  return page.includes(mark === 0xfeff ? "\n\0" : "\0\n", 2, "latin1");
}

const isPowerOfTwo = (number: number) => number > 0 && Number.isInteger(Math.log2(number));

export const plausible = {
  /** The header of LZMA_Alone as xz accepts it: properties, a dictionary of 2^n or 2^n + 2^(n-1), a length; data begin with 0. */
  lzma(head: Buffer): boolean {
    if (head.length < 14) return false;
    const [properties] = head;
    const [lc, lp, pb] = [properties % 9, Math.floor(properties / 9) % 5, Math.floor(properties / 45)];
    const dictionary = head.readUInt32LE(1);
    const bytes = head.readBigUInt64LE(5);
    return (
      // Words of 64 bits with small values would otherwise be such a header.
      properties > 0 &&
      lc + lp <= 4 &&
      pb <= 4 &&
      dictionary >= 4096 &&
      (dictionary === 2 ** 32 - 1 || isPowerOfTwo(dictionary) || isPowerOfTwo((dictionary / 3) * 2)) &&
      (bytes === 2n ** 64n - 1n || (bytes > 0n && bytes < 2n ** 38n)) &&
      head[13] === 0
    );
  },

  /** Codes of 9 to 16 bits, and no unknown flag. */
  compress(head: Buffer): boolean {
    const bits = head[2] & 0x1f;
    return (head[2] & 0x60) === 0 && bits >= 9 && bits <= 16;
  },

  /** PE's own signature; kernels of arm64 and RISC-V have it too where memory may begin with one. */
  program(head: Buffer): boolean {
    const at = head.length >= 64 ? head.readUInt32LE(60) : head.length;
    const isKernel = ["ARM\x64", "RSC\x05"].includes(head.toString("latin1", 56, 60));
    return !isKernel && head.toString("latin1", at, at + 4) === "PE\0\0";
  },

  /** Four partitions, at least one in use, each with a flag that is 0 or 0x80. */
  mbr(head: Buffer): boolean {
    const entries = [446, 462, 478, 494].map((at) => head.subarray(at, at + 16));
    const isUsed = (entry: Buffer) => entry[4] !== 0 && entry.readUInt32LE(12) > 0;
    return entries.every((entry) => (entry[0] & 0x7f) === 0) && entries.some(isUsed);
  },

  /** Its superblock: inodes and blocks, a block size of 1 to 64 KiB, a revision that there is. */
  ext(head: Buffer): boolean {
    const word = (at: number) => head.readUInt32LE(1024 + at);
    return head.length >= 2048 && word(0) > 0 && word(4) > 0 && word(24) <= 6 && word(76) <= 1;
  },

  /** The text of each program that makes VDI files ends so. */
  vdi: (head: Buffer) => /^<<< [\x20-\x7e]{1,50} Disk Image >>>/.test(head.toString("latin1", 0, 64)),

  /** AFF4 is a ZIP file whose first member tells its name. */
  aff4: (head: Buffer) => head.subarray(0, TEXT_BYTES).includes("aff4://"),

  /** The forms of POSIX and SVR4. */
  cpio: (head: Buffer) => /^07070[127][0-9a-fA-F]{20}/.test(head.toString("latin1", 0, 26)),
} as const;
