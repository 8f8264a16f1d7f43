// What part of a saving each member has contributed, content by content. Both rules sum exactly to the saved pages.

import type { Grouping } from "./grouping.js";
import type { View } from "./view.js";

/** `shapley`: copies - 1 / holders in the group. `proportional` (Satori): copies * (k - 1) / k, for k copies in the group. */
export type EntitlementRule = "shapley" | "proportional";

/** Pages by member. */
export function entitlements(view: View, grouping: Grouping, rule: EntitlementRule): Float64Array {
  return rule === "shapley" ? shapley(view, grouping) : proportional(view, grouping);
}

function shapley({ sets, pages }: View, { groups, of }: Grouping): Float64Array {
  const { starts, holders, contents } = sets;
  // By member: what it keeps of the contents that it holds.
  const kept = new Float64Array(pages.length);
  const holding = new Float64Array(groups.length);
  for (let set = 0; set < contents.length; set++) {
    for (let at = starts[set]; at < starts[set + 1]; at++) holding[of[holders[at]]]++;
    for (let at = starts[set]; at < starts[set + 1]; at++)
      kept[holders[at]] += contents[set] / holding[of[holders[at]]];
    for (let at = starts[set]; at < starts[set + 1]; at++) holding[of[holders[at]]] = 0;
  }
  return kept.map((frames, member) => pages[member] - frames);
}

function proportional({ vectors, pages }: View, { groups, of }: Grouping): Float64Array {
  const kept = new Float64Array(pages.length);
  const together = new Float64Array(groups.length);
  for (const { starts, holders, copies, contents } of vectors) {
    for (let vector = 0; vector < contents.length; vector++) {
      const [from, to] = [starts[vector], starts[vector + 1]];
      for (let at = from; at < to; at++) together[of[holders[at]]] += copies[at];
      for (let at = from; at < to; at++) {
        kept[holders[at]] += (contents[vector] * copies[at]) / together[of[holders[at]]];
      }
      for (let at = from; at < to; at++) together[of[holders[at]]] = 0;
    }
  }
  return kept.map((frames, member) => pages[member] - frames);
}

/** The same where only the zero content is shared. */
export function zeroEntitlements({ zeros }: View, rule: EntitlementRule): Float64Array {
  const holders = zeros.filter((count) => count > 0).length;
  const all = zeros.reduce((sum, count) => sum + count, 0);
  return Float64Array.from(zeros, (count) => {
    if (count === 0) return 0;
    return rule === "shapley" ? count - 1 / holders : (count * (all - 1)) / all;
  });
}
