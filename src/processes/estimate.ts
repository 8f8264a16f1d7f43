// What members share, estimated from a sample of contents. Every content is in the sample with the same probability, with all
// of its copies, or not at all; so a content is the unit of sampling. docs/processes.md has the formulas.

import type { ContentSample } from "./content-sample.js";

/** Pages that are saved, and an interval of 95 % for them. */
export interface SavedPages {
  saved: number;
  low: number;
  high: number;
}

/** What a member saves by itself, and beyond that with the others. Rates are of its pages. */
export interface MemberEstimate {
  pages: number;
  /** Whose contents were in the sample, and zero pages. */
  sampledPages: number;
  selfRate: number;
  interRate: number;
  /** Their sum: what part of its pages it saves. */
  bothRate: number;
  low: number;
  high: number;
}

/** Quantile of the normal distribution for 95 %. */
const Z = 1.959964;
/** Agresti and Coull: the interval is that of a sample with so many more contents that are saved, and as many that are not. */
const PSEUDO = Z ** 2 / 2;

/**
 * Contents in the sample as points (n, y): n pages of which y are saved. Of a popular content, whose self-sharing is known,
 * n is the one page that is left, and y whether others save that.
 */
class Points {
  private count = 0;
  private n = 0;
  private y = 0;
  private nn = 0;
  private ny = 0;
  private yy = 0;

  add(n: number, y: number, times: number): void {
    this.count += times;
    this.n += times * n;
    this.y += times * y;
    this.nn += times * n * n;
    this.ny += times * n * y;
    this.yy += times * y * y;
  }

  /** y for each n. */
  get ratio(): number {
    return this.n === 0 ? 0 : this.y / this.n;
  }

  /** The interval of the ratio: linearized, with the correction for a finite population, which at fraction 1 leaves a point. */
  interval(fraction: number): [low: number, high: number] {
    const more = PSEUDO * (1 - fraction);
    const [count, n, y] = [this.count + 2 * more, this.n + 2 * more, this.y + more];
    if (n === 0) return [0, 0];
    const ratio = y / n;
    const squares = this.yy + more - 2 * ratio * (this.ny + more) + ratio ** 2 * (this.nn + 2 * more);
    const bessel = count > 1 ? count / (count - 1) : 1;
    const half = (Z * Math.sqrt(Math.max(0, (1 - fraction) * squares * bessel))) / n;
    return [ratio - half, ratio + half];
  }
}

/** What is summed over the sample, for one member or for a group. */
interface Sums {
  self: Points;
  inter: Points;
  both: Points;
  /** Pages of the sample, those saved among them, and those that popular contents save by self-sharing. */
  pages: number;
  saved: number;
  popularSaved: number;
}

function noSums(): Sums {
  return { self: new Points(), inter: new Points(), both: new Points(), pages: 0, saved: 0, popularSaved: 0 };
}

/** Pages of a content: all, those that self-sharing saves, those of a popular content among these, those that others save. */
interface Part {
  pages: number;
  self: number;
  popular: number;
  inter: number;
}

function addContents(sums: Sums, times: number, { pages, self, popular, inter }: Part): void {
  sums.self.add(pages - popular, self - popular, times);
  sums.inter.add(pages - popular, inter, times);
  sums.both.add(pages - popular, self + inter - popular, times);
  sums.pages += times * pages;
  sums.saved += times * (self + inter);
  sums.popularSaved += times * popular;
}

/** Each member by itself and with all others. */
export function estimateMembers(sample: ContentSample): MemberEstimate[] {
  const { pages, zeroPages, vectors, popular } = sample;
  const { starts, holders, copies, contents } = vectors;
  const sums = pages.map(noSums);
  for (let vector = 0; vector < contents.length; vector++) {
    const [from, to] = [starts[vector], starts[vector + 1]];
    for (let at = from; at < to; at++) {
      const member = holders[at];
      const self = copies[at] - 1;
      const known = copies[at] >= popular[member].from ? self : 0;
      const part = { pages: copies[at], self, popular: known, inter: to - from > 1 ? 1 : 0 };
      addContents(sums[member], contents[vector], part);
    }
  }
  const zeroHolders = zeroPages.filter((count) => count > 0).length;
  return sums.map((own, member) => {
    const zero = zeroPages[member];
    const zeroInter = zero > 0 && zeroHolders > 1 ? 1 : 0;
    const { self, inter, low, high } = estimate(sample, [member], own, zeroInter);
    const all = pages[member];
    const rate = (saved: number) => (all === 0 ? 0 : saved / all);
    const sampledPages = own.pages + zero;
    return {
      pages: all,
      sampledPages,
      selfRate: rate(self),
      interRate: rate(inter),
      bothRate: rate(self + inter),
      low: rate(low),
      high: rate(high),
    };
  });
}

/** What some members save that share with one another alone. */
export function estimateGroup(sample: ContentSample, members: readonly number[]): SavedPages {
  const { zeroPages, vectors, popular } = sample;
  const { starts, holders, copies, contents } = vectors;
  const isMember = new Uint8Array(sample.pages.length);
  for (const member of members) isMember[member] = 1;
  const sums = noSums();
  for (let vector = 0; vector < contents.length; vector++) {
    const part = { pages: 0, self: 0, popular: 0, inter: -1 };
    for (let at = starts[vector]; at < starts[vector + 1]; at++) {
      if (!isMember[holders[at]]) continue;
      part.pages += copies[at];
      part.self += copies[at] - 1;
      if (copies[at] >= popular[holders[at]].from) part.popular += copies[at] - 1;
      part.inter++;
    }
    if (part.pages > 0) addContents(sums, contents[vector], part);
  }
  const zeroHolders = members.filter((member) => zeroPages[member] > 0).length;
  const { self, inter, low, high } = estimate(sample, members, sums, Math.max(0, zeroHolders - 1));
  return { saved: self + inter, low, high };
}

/** From the sums over the sample to all pages of some members. zeroInter: what they save of the zero content with others. */
function estimate(
  { fraction, pages, zeroPages, popular }: ContentSample,
  members: readonly number[],
  sums: Sums,
  zeroInter: number,
): { self: number; inter: number; low: number; high: number } {
  const over = (of: (member: number) => number) => members.reduce((sum, member) => sum + of(member), 0);
  const zeroSelf = over((member) => Math.max(0, zeroPages[member] - 1));
  const unsampled = over((member) => popular[member].saved);
  const known = zeroSelf + sums.popularSaved + unsampled;
  const nonzero = over((member) => pages[member] - zeroPages[member]);
  // Those whose saving the sample stands for.
  const rest = nonzero - sums.popularSaved - unsampled;
  const self = known + rest * sums.self.ratio;
  const inter = zeroInter + rest * sums.inter.ratio;
  const [low, high] = sums.both.interval(fraction).map((ratio) => known + zeroInter + rest * ratio);
  // Whatever the rest is like: what the sample saves is saved, and what it keeps is kept.
  const least = zeroSelf + zeroInter + sums.saved + unsampled;
  const most = zeroSelf + zeroInter + nonzero - (sums.pages - sums.saved);
  const both = self + inter;
  return { self, inter, low: Math.min(both, Math.max(low, least)), high: Math.max(both, Math.min(high, most)) };
}
