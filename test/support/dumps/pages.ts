// Pages of 4 KiB for made dumps.

import { dumpOf, TINY } from "../pieces.js";

export const PAGE = 4096;

/** A page of its own for each number; 0 is the zero page. */
export const page = (number: number): Buffer =>
  dumpOf(Array.from({ length: 4 }, (_, i) => (number === 0 ? 0 : TINY + 4 * number + i)));

export const pages = (...numbers: number[]): Buffer => Buffer.concat(numbers.map(page));
