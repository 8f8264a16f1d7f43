// How frames grow with the number of members in one group, over all subsets of the members that are there. Source: sampling
// without replacement; a content that h of n members hold is missing from k of them with probability C(n-h,k) / C(n,k).

import type { Pause } from "../system/pace.js";
import { framesOfSubsets, maskOf } from "./subsets.js";
import type { View } from "./view.js";

/** Up to so many members all subsets are looked at: 65,536. */
const MOST_EXHAUSTED = 16;

/** For k = 1 to n members; k stands at k - 1. */
export interface Growth {
  /** Mean frames of k members, and the mean frames that the k-th adds to the k - 1 before it. */
  expected: Float64Array;
  further: Float64Array;
  /** Least and most of both. NaN where they are not known: beyond 16 members for all k but 1, n - 1 and n. */
  extremes: Extremes;
}

export interface Extremes {
  leastFrames: Float64Array;
  mostFrames: Float64Array;
  /** NaN also for n - 1 beyond 16 members. */
  leastFurther: Float64Array;
  mostFurther: Float64Array;
}

export async function growthOf(view: View, pause: Pause): Promise<Growth> {
  const { expected, further } = await means(view, pause);
  const extremes = view.members.length <= MOST_EXHAUSTED ? byExhaustion(view) : atTheEnds(view);
  return { expected, further, extremes };
}

/** Time: members times the different numbers of holders. */
async function means({ members, sets }: View, pause: Pause): Promise<Pick<Growth, "expected" | "further">> {
  const count = members.length;
  const contentsByHolders = new Float64Array(count + 1);
  for (let set = 0; set < sets.contents.length; set++) {
    contentsByHolders[sets.starts[set + 1] - sets.starts[set]] += sets.contents[set];
  }
  const holders = Float64Array.from([...contentsByHolders.keys()].filter((held) => contentsByHolders[held] > 0));
  const contents = holders.map((held) => contentsByHolders[held]);
  const union = contents.reduce((sum, one) => sum + one, 0);
  // Contents still expected to be missing, by number of holders: a product of factors from 0 to 1, so nothing overflows or
  // cancels, and it becomes exactly 0 when the members left over are fewer than the holders.
  const missing = contents.slice();
  const expected = new Float64Array(count);
  const further = new Float64Array(count);
  for (let k = 1; k <= count; k++) {
    const left = count - k + 1;
    let added = 0;
    let absent = 0;
    for (let i = 0; i < missing.length; i++) {
      added += missing[i] * (holders[i] / left);
      missing[i] *= Math.max(0, left - holders[i]) / left;
      absent += missing[i];
    }
    expected[k - 1] = union - absent;
    further[k - 1] = added;
    const turn = pause();
    if (turn) await turn;
  }
  return { expected, further };
}

function unknown(count: number): Extremes {
  const empty = () => new Float64Array(count).fill(Number.NaN);
  return { leastFrames: empty(), mostFrames: empty(), leastFurther: empty(), mostFurther: empty() };
}

function byExhaustion({ members, sets }: View): Extremes {
  const count = members.length;
  const { starts, holders, contents } = sets;
  const masks = Uint32Array.from(contents, (_, set) => maskOf(holders.subarray(starts[set], starts[set + 1])));
  const frames = framesOfSubsets(count, masks, contents);
  const extremes = unknown(count);
  for (let mask = 1; mask < frames.length; mask++) {
    let size = 0;
    for (let rest = mask; rest > 0; rest &= rest - 1) size++;
    note(extremes.leastFrames, extremes.mostFrames, size, frames[mask]);
    for (let rest = mask; rest > 0; rest &= rest - 1) {
      note(extremes.leastFurther, extremes.mostFurther, size, frames[mask] - frames[mask ^ (rest & -rest)]);
    }
  }
  return extremes;
}

/** What one member has, and what all have but one. */
function atTheEnds({ members, sets }: View): Extremes {
  const count = members.length;
  const { starts, holders, contents } = sets;
  const own = new Float64Array(count);
  const alone = new Float64Array(count);
  let union = 0;
  for (let set = 0; set < contents.length; set++) {
    union += contents[set];
    for (let at = starts[set]; at < starts[set + 1]; at++) own[holders[at]] += contents[set];
    if (starts[set + 1] - starts[set] === 1) alone[holders[starts[set]]] += contents[set];
  }
  const extremes = unknown(count);
  const { leastFrames, mostFrames, leastFurther, mostFurther } = extremes;
  for (let member = 0; member < count; member++) {
    note(leastFrames, mostFrames, 1, own[member]);
    note(leastFurther, mostFurther, 1, own[member]);
    note(leastFrames, mostFrames, count - 1, union - alone[member]);
    note(leastFurther, mostFurther, count, alone[member]);
  }
  note(leastFrames, mostFrames, count, union);
  return extremes;
}

function note(least: Float64Array, most: Float64Array, size: number, value: number): void {
  // Not a number is neither more nor less.
  if (!(least[size - 1] <= value)) least[size - 1] = value;
  if (!(most[size - 1] >= value)) most[size - 1] = value;
}
