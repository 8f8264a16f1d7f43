// The sharing of one world at one page size: counts from its copy vectors and its zero pages.

import type { Crew } from "../fingerprints/crew.js";
import { type HashedWorld, indexSize } from "../fingerprints/world-index.js";
import { byHoldersAndCopies, type CopiesCount, Tally } from "./tally.js";

/** Up to so many members all pairs are kept; above, the largest. */
const ALL_PAIRS_MEMBERS = 64;
const MOST_PAIRS = 1000;

/** Two members (a < b) and the contents that both hold, with and without the zero content. */
export interface Pair {
  a: number;
  b: number;
  contents: number;
  nonzeroContents: number;
}

/** The numbers of one world at one page size. Arrays go by member. */
export interface Sharing {
  pageBytes: number;
  pages: number[];
  zeroPages: number[];
  /** Nonzero contents of each member, and of all together. */
  nonzeroContents: number[];
  nonzeroUnion: number;
  /** All pairs, or the largest, in the order of the members. */
  pairs: Pair[];
  /** Contents by holders and copies, the zero content among them, ascending. */
  copies: CopiesCount[];
}

/** Indexes a page size (by number) of a hashed world and counts what its members share. */
export async function countSharing(hashed: HashedWorld, size: number, crew: Crew, allPairs: boolean): Promise<Sharing> {
  const { counts, options } = hashed;
  const tally = new Tally(counts.length);
  await indexSize(hashed, size, crew, (chunk) => tally.add(chunk));
  const pages = counts.map((one) => one.pages[size]);
  const zeroPages = counts.map((one) => one.zeroPages[size]);
  const nonzeroCopies = tally.copies();
  return {
    pageBytes: options.pageSizes[size],
    pages,
    zeroPages,
    nonzeroContents: counts.map((_, member) => tally.contentsOf(member)),
    nonzeroUnion: nonzeroCopies.reduce((sum, { contents }) => sum + contents, 0),
    pairs: largestPairs(tally, zeroPages, allPairs || counts.length <= ALL_PAIRS_MEMBERS ? Infinity : MOST_PAIRS),
    copies: withZeroContent(nonzeroCopies, zeroPages),
  };
}

function withZeroContent(copies: CopiesCount[], zeroPages: number[]): CopiesCount[] {
  const members = zeroPages.filter((count) => count > 0).length;
  if (members === 0) return copies;
  const all = zeroPages.reduce((sum, count) => sum + count, 0);
  const same = copies.find((row) => row.members === members && row.copies === all);
  if (same) same.contents++;
  else copies.push({ members, copies: all, contents: 1 });
  return copies.sort(byHoldersAndCopies);
}

/** The pairs of members with the most contents in both, at most `most`; of equal ones the first. */
function largestPairs(tally: Tally, zeroPages: number[], most: number): Pair[] {
  const found: Pair[] = [];
  let least = -1;
  const keepLargest = () => {
    found.sort((x, y) => y.contents - x.contents || x.a - y.a || x.b - y.b);
    found.length = Math.min(found.length, most);
    if (found.length === most) least = found[most - 1].contents;
  };
  for (let a = 0; a < zeroPages.length; a++) {
    for (let b = a + 1; b < zeroPages.length; b++) {
      const nonzeroContents = tally.sharedBy(a, b);
      const contents = nonzeroContents + (zeroPages[a] > 0 && zeroPages[b] > 0 ? 1 : 0);
      // Pairs come in order: one that is only as large as the least kept would not be kept.
      if (contents > least) found.push({ a, b, contents, nonzeroContents });
      if (found.length >= 4 * most) keepLargest();
    }
  }
  if (found.length > most) keepLargest();
  return found.sort((x, y) => x.a - y.a || x.b - y.b);
}
