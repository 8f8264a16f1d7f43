// What tells text, which has no signature.

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
