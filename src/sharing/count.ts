// Worlds → what their members share: counts from copy vectors and zero pages, at each page size.

import type { PairCount } from "../core/pairs.js";
import type { Crew } from "../fingerprints/crew.js";
import type { SourceCounts } from "../fingerprints/hash.js";
import { closeCopies, type HashedWorld, hashWorld, indexSize, type WorldOptions } from "../fingerprints/world-index.js";
import type { World } from "../fingerprints/worlds.js";
import { byHoldersAndCopies, type CopiesCount, Tally } from "./tally.js";

/** Up to so many members all pairs are kept; above, the largest. */
const ALL_PAIRS_MEMBERS = 64;
const MOST_PAIRS = 1000;

/** The numbers of one world at one page size. Arrays go by member. */
export interface Sharing {
  pageBytes: number;
  pages: number[];
  zeroPages: number[];
  /** Nonzero contents of each member, and of all together. */
  nonzeroContents: number[];
  nonzeroUnion: number;
  /** All pairs and the contents in both, or the largest, in the order of the members. */
  pairs: PairCount[];
  /** Contents by holders and copies, the zero content among them, ascending. */
  copies: CopiesCount[];
}

/** A world and what was found in it, at each page size (ascending). */
export interface WorldResult {
  world: World;
  counts: SourceCounts[];
  sharing: Sharing[];
}

/** Hashes and indexes one world after the other and counts what the members of each share. */
export async function* analyzeWorlds(
  worlds: readonly World[],
  crew: Crew,
  options: WorldOptions & { allPairs: boolean },
): AsyncGenerator<WorldResult> {
  for (const world of worlds) {
    const hashed = await hashWorld(world, crew, options);
    const tally = new Tally(crew.module, hashed.counts.length);
    const sharing: Sharing[] = [];
    for (const size of options.pageSizes.keys()) {
      tally.clear();
      await indexSize(hashed, size, crew, (chunk) => tally.add(chunk));
      sharing.push(countSharing(hashed, size, tally, options.allPairs));
    }
    closeCopies(hashed);
    yield { world, counts: hashed.counts, sharing };
  }
}

function countSharing({ counts, options }: HashedWorld, size: number, tally: Tally, allPairs: boolean): Sharing {
  const pages = counts.map((one) => one.pages[size]);
  const zeroPages = counts.map((one) => one.zeroPages[size]);
  const nonzeroCopies = tally.copies();
  return {
    pageBytes: options.pageSizes[size],
    pages,
    zeroPages,
    nonzeroContents: counts.map((_, member) => tally.contentsOf(member)),
    nonzeroUnion: nonzeroCopies.reduce((sum, { contents }) => sum + contents, 0),
    pairs: tally.largestPairs(zeroPages, allPairs || counts.length <= ALL_PAIRS_MEMBERS ? Infinity : MOST_PAIRS),
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
