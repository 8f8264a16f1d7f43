// Maps of resident pages: one bit a page of 4 KiB, the lowest bit first.

import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import { type InputFile, readAgain } from "../system/inputs.js";
import type { Range } from "./formats/format.js";

const PAGES_A_BYTE = 8;

/** The ranges of addresses, ascending, that a map says are resident. endAddress: where the dump ends, which it must cover. */
export function residentRanges(file: InputFile, endAddress: number): Range[] {
  const map = readAgain(file);
  const pages = Math.ceil(endAddress / BASE_PAGE_BYTES);
  if (map.length < Math.ceil(pages / PAGES_A_BYTE)) {
    throw new PagekinError(`the map has ${map.length * PAGES_A_BYTE} pages, the dump ${pages}`, {
      file: file.path,
      hint: "give the map that was taken with the dump: one bit for each page of 4 KiB",
    });
  }
  const ranges: Range[] = [];
  for (let page = 0; page < pages; ) {
    if (!isResident(map, page)) {
      page++;
      continue;
    }
    const first = page;
    while (page < pages && isResident(map, page)) page++;
    ranges.push({ address: first * BASE_PAGE_BYTES, bytes: (page - first) * BASE_PAGE_BYTES });
  }
  return ranges;
}

const isResident = (map: Uint8Array, page: number) => (map[page >> 3] & (1 << (page & 7))) !== 0;
