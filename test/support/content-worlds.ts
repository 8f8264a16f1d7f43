// Worlds as lists of contents with their copies, whose sharing is known, and samples of them.

import { countPopular, noCounts } from "../../src/fingerprints/popular.js";
import { type ContentSample, sampleOf } from "../../src/processes/content-sample.js";
import { fillRandom } from "./random.js";

export const ALL_BUCKETS = 256;

/** Zero pages by member, and the copies of each nonzero content by member. */
export interface ContentWorld {
  zeroPages: number[];
  contents: number[][];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

const pagesOf = ({ zeroPages, contents }: ContentWorld) =>
  zeroPages.map((zero, member) => contents.reduce((pages, copies) => pages + copies[member], zero));

/** Pages that a member saves by itself, and beyond that with all others. */
export function savedBy(
  { zeroPages, contents }: ContentWorld,
  member: number,
): { pages: number; self: number; inter: number } {
  const all = [zeroPages, ...contents];
  const own = all.filter((copies) => copies[member] > 0);
  const shared = own.filter((copies) => copies.some((count, other) => other !== member && count > 0));
  const pages = sum(own.map((copies) => copies[member]));
  return { pages, self: pages - own.length, inter: shared.length };
}

/** Pages that some members save together. */
export function savedTogether({ zeroPages, contents }: ContentWorld, members: readonly number[]): number {
  const own = [zeroPages, ...contents].map((copies) => sum(members.map((member) => copies[member])));
  return sum(own.map((pages) => Math.max(0, pages - 1)));
}

/** The sample that some buckets hold when the contents have fingerprints by a seed. */
export function sampled(world: ContentWorld, buckets: number, seed: number): ContentSample {
  const { zeroPages, contents } = world;
  const words = new Int32Array(4 * contents.length);
  fillRandom(words, seed);
  const bytes = new Uint8Array(words.buffer);
  const isSampled = contents.map((_, i) => bytes[16 * i + 15] < buckets);
  const pages = pagesOf(world);
  const popular = zeroPages.map((_, member) => {
    const counts = noCounts();
    const entries = new Uint8Array(16 * pages[member]);
    let end = 0;
    contents.forEach((copies, i) => {
      if (isSampled[i]) return;
      for (let copy = 0; copy < copies[member]; copy++, end += 16)
        entries.set(bytes.subarray(16 * i, 16 * i + 16), end);
    });
    countPopular(counts, entries.subarray(0, end), seed);
    return counts;
  });
  const vectors = { starts: [0], holders: [] as number[], copies: [] as number[], contents: [] as number[] };
  contents.forEach((copies, i) => {
    if (!isSampled[i]) return;
    copies.forEach((count, member) => {
      if (count === 0) return;
      vectors.holders.push(member);
      vectors.copies.push(count);
    });
    vectors.starts.push(vectors.holders.length);
    vectors.contents.push(1);
  });
  const typed = {
    starts: Uint32Array.from(vectors.starts),
    holders: Uint32Array.from(vectors.holders),
    copies: Uint32Array.from(vectors.copies),
    contents: Float64Array.from(vectors.contents),
  };
  return sampleOf({ pages, zeroPages, vectors: typed }, buckets, popular);
}
