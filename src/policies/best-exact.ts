// The grouping that saves most, of all there are: dynamic programming over sets of units (bit masks). Time: 3^units times
// the number of groups; memory: 2^units times that.

import { framesOfSubsets, maskOf } from "../sharing/subsets.js";
import type { Units } from "./units.js";

/** Up to so many units all groupings are looked at. */
export const EXACT_UNITS = 14;

/** The group of each unit; undefined: no grouping keeps to the limits. count: groups, undefined for any number. */
export function bestOfAll(units: Units, count: number | undefined): Uint32Array | undefined {
  const all = 2 ** units.count - 1;
  const frames = framesOfSubsets(units.count, units.sets.units.map(maskOf), units.sets.contents);
  const isAllowed = allowedGroups(units);
  // Least frames of the units of a mask in `layer` groups; and the group of the mask's lowest unit in that grouping.
  const layers = count ?? 1;
  const least = Array.from({ length: layers + 1 }, () => new Float64Array(all + 1).fill(Infinity));
  const chosen = Array.from({ length: layers + 1 }, () => new Uint32Array(all + 1));
  least[0][0] = 0;
  if (count === undefined) least[1][0] = 0;
  for (let layer = 1; layer <= layers; layer++) {
    const before = count === undefined ? least[1] : least[layer - 1];
    for (let mask = 1; mask <= all; mask++) {
      const lowest = mask & -mask;
      const rest = mask ^ lowest;
      for (let others = rest; ; others = (others - 1) & rest) {
        const group = others | lowest;
        const total = isAllowed[group] ? before[mask ^ group] + frames[group] : Infinity;
        if (total < least[layer][mask]) {
          least[layer][mask] = total;
          chosen[layer][mask] = group;
        }
        if (others === 0) break;
      }
    }
  }
  if (least[layers][all] === Infinity) return undefined;
  const groupOf = new Uint32Array(units.count);
  for (let mask = all, layer = layers, number = 0; mask > 0; number++) {
    const group = chosen[layer][mask];
    for (let unit = 0; unit < units.count; unit++) if (group & (1 << unit)) groupOf[unit] = number;
    mask ^= group;
    if (count !== undefined) layer--;
  }
  return groupOf;
}

function allowedGroups({ count, sizes, apart, maxGroup }: Units): Uint8Array {
  const apartMask = apart.map((others) => [...others].reduce((mask, unit) => mask | (1 << unit), 0));
  return Uint8Array.from({ length: 2 ** count }, (_, mask) => {
    let members = 0;
    for (let unit = 0; unit < count; unit++) {
      if (!(mask & (1 << unit))) continue;
      if (mask & apartMask[unit]) return 0;
      members += sizes[unit];
    }
    return members <= maxGroup ? 1 : 0;
  });
}
