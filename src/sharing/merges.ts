// Which groups belong together: what the union of two would recover, and what a member would cost a group.

import { PagekinError } from "../errors.js";
import type { Pause } from "../system/pace.js";
import type { Grouping } from "./grouping.js";
import type { View } from "./view.js";

const MOST_PAIRED = 16_384;
/** Sets between two pauses; one may have all groups. */
const SETS_A_TURN = 16;

/** Two groups (a < b) and the pages that their union would save beyond what they save apart. */
export interface Merge {
  a: number;
  b: number;
  recovered: number;
}

/** The pairs of groups that recover most, at most `most`, of equal ones the first; in the order of the groups. */
export async function bestMerges(view: View, grouping: Grouping, most: number, pause: Pause): Promise<Merge[]> {
  const { groups } = grouping;
  const recovered = await recoveredByPair(view, grouping, pause);
  // The best so far, best first; most pairs recover less than the last of them.
  const best: Merge[] = [];
  for (let a = 0, at = 0; a < groups.length; a++) {
    for (let b = a + 1; b < groups.length; b++, at++) {
      if (best.length === most && recovered[at] <= best[most - 1].recovered) continue;
      let place = best.length;
      while (place > 0 && best[place - 1].recovered < recovered[at]) place--;
      best.splice(place, 0, { a, b, recovered: recovered[at] });
      if (best.length > most) best.pop();
    }
    const turn = pause();
    if (turn) await turn;
  }
  return best.sort((x, y) => x.a - y.a || x.b - y.b);
}

/** Contents that two groups both hold, for all pairs, row after row. */
async function recoveredByPair({ sets }: View, { groups, of }: Grouping, pause: Pause): Promise<Float64Array> {
  const count = groups.length;
  const recovered = pairTable(count);
  const { starts, holders, contents } = sets;
  const seen = new Int32Array(count).fill(-1);
  for (let set = 0; set < contents.length; set++) {
    const present: number[] = [];
    for (let at = starts[set]; at < starts[set + 1]; at++) {
      const group = of[holders[at]];
      if (seen[group] === set) continue;
      seen[group] = set;
      present.push(group);
    }
    for (let i = 0; i < present.length; i++) {
      for (let j = i + 1; j < present.length; j++) {
        const [a, b] = present[i] < present[j] ? [present[i], present[j]] : [present[j], present[i]];
        recovered[pairNumber(a, b, count)] += contents[set];
      }
    }
    const turn = set % SETS_A_TURN === 0 ? pause() : undefined;
    if (turn) await turn;
  }
  return recovered;
}

/** A number for each pair: 8 bytes, 1 GiB in all at most. */
export function pairTable(count: number): Float64Array {
  if (count <= MOST_PAIRED) return new Float64Array((count * (count - 1)) / 2);
  throw new PagekinError(`${count} groups are too many to compare each with all others; the most are ${MOST_PAIRED}`, {
    hint: "compare fewer members, or with fewer groups",
  });
}

/** Where the pair a < b of `count` stands. */
export function pairNumber(a: number, b: number, count: number): number {
  return (a * (2 * count - a - 1)) / 2 + b - a - 1;
}

/**
 * Frames that a member would add to each of `groups` groups: its contents that nobody there holds. groupOf: by member; of
 * the member itself -1.
 */
export function addedFrames({ sets }: View, groupOf: Int32Array, groups: number, member: number): Float64Array {
  const { starts, holders, contents } = sets;
  const added = new Float64Array(groups);
  const seen = new Int32Array(groups).fill(-1);
  for (let set = 0; set < contents.length; set++) {
    const here = holders.subarray(starts[set], starts[set + 1]);
    if (!here.includes(member)) continue;
    for (const one of here) if (groupOf[one] >= 0) seen[groupOf[one]] = set;
    for (let group = 0; group < groups; group++) if (seen[group] !== set) added[group] += contents[set];
  }
  return added;
}
