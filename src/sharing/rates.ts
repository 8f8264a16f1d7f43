// Self-sharing, inter-VM sharing and total saving of one world at one page size. Source: SEMMA (2013), section III;
// definitions in docs/definitions.md.

import type { PairCount } from "../core/counts.js";
import type { Sharing } from "./sharing.js";

/** part / whole; 0 / 0 is 0. */
export function rate(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

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
  const nonzero = sharing.nonzeroContents[member];
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
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const pages = sum(sharing.pages);
  const zeroPages = sum(sharing.zeroPages);
  const zeroHolders = sharing.zeroPages.filter((count) => count > 0).length;
  const nonzeroSum = sum(sharing.nonzeroContents);
  const contentsSum = nonzeroSum + zeroHolders;
  const contentsUnion = sharing.nonzeroUnion + (zeroHolders > 0 ? 1 : 0);
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
    nonzeroInterRate: rate(nonzeroSum - sharing.nonzeroUnion, pages - zeroPages),
    selfShareOfSaving: rate(selfSaved, selfSaved + interSaved),
  };
}

/** Inter-VM sharing rate of a pair: contents in both / pages of both. */
export function pairRate(sharing: Sharing, { a, b, contents }: PairCount): number {
  return rate(contents, sharing.pages[a] + sharing.pages[b]);
}

/** Contents of a pair without the zero content. */
export function nonzeroContents(sharing: Sharing, { a, b, contents }: PairCount): number {
  return contents - (sharing.zeroPages[a] > 0 && sharing.zeroPages[b] > 0 ? 1 : 0);
}
