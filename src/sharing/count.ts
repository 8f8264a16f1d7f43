// A spectrum → what its members share: contents of each member, pairs, copies.

import type { Vectors } from "../core/counts.js";
import type { PairCounter } from "../core/pairs.js";
import { type Spectrum, zeroVectors } from "../spectrum/spectrum.js";
import type { Pause } from "../system/pace.js";
import type { CopiesCount, Sharing } from "./sharing.js";

/** Up to so many members all pairs are kept; above, the largest. */
const ALL_PAIRS_MEMBERS = 64;
const MOST_PAIRS = 1000;
/** Contents with few copies are counted in an array, the others in a map. */
const FEW = 256;

/** allPairs: also where there are more than 64 members; counter: of as many members as the spectrum has. */
export async function countSharing(
  spectrum: Spectrum,
  counter: PairCounter,
  allPairs: boolean,
  pause: Pause,
): Promise<Sharing> {
  const { pageBytes, pages, zeroPages, vectors } = spectrum;
  const histogram = new CopiesHistogram(pages.length);
  counter.clear();
  await counter.add(vectors, (first, sums) => histogram.add(vectors, first, sums), pause);
  const nonzeroContents = counter.contents();
  const zero = zeroVectors(zeroPages);
  await counter.add(zero, (first, sums) => histogram.add(zero, first, sums), pause);
  return {
    pageBytes,
    pages,
    zeroPages,
    nonzeroContents,
    nonzeroUnion: vectors.contents.reduce((sum, contents) => sum + contents, 0),
    pairs: counter.largest(allPairs || pages.length <= ALL_PAIRS_MEMBERS ? Infinity : MOST_PAIRS),
    copies: histogram.counts(),
  };
}

class CopiesHistogram {
  /** Contents by holders * FEW + copies. */
  private readonly few: Float64Array;
  private readonly many = new Map<string, CopiesCount>();

  constructor(members: number) {
    this.few = new Float64Array(Math.min(members + 1, FEW) * FEW);
  }

  /** sums: the copies of the vectors from `first` on. */
  add({ starts, contents }: Vectors, first: number, sums: Float64Array): void {
    for (let i = 0; i < sums.length; i++) {
      const members = starts[first + i + 1] - starts[first + i];
      if (members < FEW && sums[i] < FEW) this.few[members * FEW + sums[i]] += contents[first + i];
      else this.addMany(members, sums[i], contents[first + i]);
    }
  }

  private addMany(members: number, copies: number, contents: number): void {
    const key = `${members} ${copies}`;
    const known = this.many.get(key);
    if (known) known.contents += contents;
    else this.many.set(key, { members, copies, contents });
  }

  counts(): CopiesCount[] {
    const counted = [...this.many.values()];
    for (let i = 0; i < this.few.length; i++) {
      if (this.few[i] > 0) counted.push({ members: Math.floor(i / FEW), copies: i % FEW, contents: this.few[i] });
    }
    return counted.sort((a, b) => a.members - b.members || a.copies - b.copies);
  }
}
