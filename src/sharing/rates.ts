// Self-sharing, inter-VM sharing and total saving of one world at one page size. Source: SEMMA (2013), section III;
// definitions in docs/definitions.md.

import type { Sharing } from "./tally.js";

/** part / whole; 0 / 0 is 0. */
export function rate(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Self-sharing of one member. Counts are of pages. */
export interface SelfSharing {
  pages: number;
  zeroPages: number;
  contents: number;
  selfSaved: number;
  selfRate: number;
  zeroSaved: number;
  nonzeroSelfRate: number;
}

export function selfSharing(sharing: Sharing, member: number): SelfSharing {
  const pages = sharing.pages[member];
  const zeroPages = sharing.zeroPages[member];
  const nonzero = sharing.contents[member];
  const contents = nonzero + (zeroPages > 0 ? 1 : 0);
  return {
    pages,
    zeroPages,
    contents,
    selfSaved: pages - contents,
    selfRate: rate(pages - contents, pages),
    zeroSaved: Math.max(0, zeroPages - 1),
    nonzeroSelfRate: rate(pages - zeroPages - nonzero, pages - zeroPages),
  };
}

/** Sharing inside and between all members. Counts are of pages. */
export interface InterSharing {
  pages: number;
  contentsSum: number;
  contentsUnion: number;
  selfSaved: number;
  interSaved: number;
  selfRate: number;
  interRate: number;
  totalRate: number;
  nonzeroInterRate: number;
  selfShareOfSaving: number;
}

export function interSharing(sharing: Sharing): InterSharing {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const pages = sum(sharing.pages);
  const zeroPages = sum(sharing.zeroPages);
  const zeroHolders = sharing.zeroPages.filter((count) => count > 0).length;
  const nonzeroSum = sum(sharing.contents);
  const contentsSum = nonzeroSum + zeroHolders;
  const contentsUnion = sharing.union + (zeroHolders > 0 ? 1 : 0);
  const selfSaved = pages - contentsSum;
  const interSaved = contentsSum - contentsUnion;
  return {
    pages,
    contentsSum,
    contentsUnion,
    selfSaved,
    interSaved,
    selfRate: rate(selfSaved, pages),
    interRate: rate(interSaved, pages),
    totalRate: rate(selfSaved + interSaved, pages),
    nonzeroInterRate: rate(nonzeroSum - sharing.union, pages - zeroPages),
    selfShareOfSaving: rate(selfSaved, selfSaved + interSaved),
  };
}

/** Sharing between two members. */
export interface PairSharing {
  a: number;
  b: number;
  sharedContents: number;
  interRate: number;
  nonzeroSharedContents: number;
}

/** The pairs of members with the most shared contents, at most `most`, in the order of the members. */
export function pairSharing(sharing: Sharing, most: number): PairSharing[] {
  const members = sharing.pages.length;
  const found: { a: number; b: number; shared: number }[] = [];
  let least = -1;
  const keepMost = () => {
    found.sort((x, y) => y.shared - x.shared || x.a - y.a || x.b - y.b);
    found.length = Math.min(found.length, most);
    if (found.length === most) least = found[most - 1].shared;
  };
  for (let a = 0; a < members; a++) {
    for (let b = a + 1; b < members; b++) {
      const zero = sharing.zeroPages[a] > 0 && sharing.zeroPages[b] > 0 ? 1 : 0;
      const shared = sharing.sharedContents(a, b) + zero;
      // Pairs come in order, so one that is only as good as the least kept would not be kept.
      if (shared > least) found.push({ a, b, shared });
      if (found.length >= 4 * most && most !== Infinity) keepMost();
    }
  }
  keepMost();
  found.sort((x, y) => x.a - y.a || x.b - y.b);
  return found.map(({ a, b, shared }) => ({
    a,
    b,
    sharedContents: shared,
    interRate: rate(shared, sharing.pages[a] + sharing.pages[b]),
    nonzeroSharedContents: sharing.sharedContents(a, b),
  }));
}
