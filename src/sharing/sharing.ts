// What the members of a world share, as plain data: the rates are made of it.

import type { PairCount } from "../core/counts.js";

/** The numbers of one world at one page size. Arrays go by member. */
export interface Sharing {
  pageBytes: number;
  pages: readonly number[];
  zeroPages: readonly number[];
  /** Nonzero contents of each member, and of all together. */
  nonzeroContents: number[];
  nonzeroUnion: number;
  /** All pairs and the contents in both, or the largest, in the order of the members. */
  pairs: PairCount[];
  /** Contents by holders and copies, the zero content among them, ascending. */
  copies: CopiesCount[];
}

/** Contents by the number of their holders and of their copies. */
export interface CopiesCount {
  members: number;
  copies: number;
  contents: number;
}
