import { groupBy } from "../sharing/grouping.js";
import { restrict } from "../sharing/view.js";
import type { SpectrumMember } from "../spectrum/spectrum.js";
import type { Grouped, Grouper, GroupingPolicy } from "./policy.js";

const NOBODY: Grouped = { groups: [], of: new Uint32Array() };

/** Puts some members into a group of that name; the others are grouped by a policy, as if the first were not there. */
export function setApart(name: string, isApart: (member: SpectrumMember) => boolean, rest: GroupingPolicy): Grouper {
  return async (view, pause) => {
    const others = [...view.members.keys()].filter((member) => !isApart(view.members[member]));
    const grouped = others.length > 0 ? await rest.group(restrict(view, others), pause) : NOBODY;
    const keys = view.members.map(() => name);
    others.forEach((member, i) => {
      keys[member] = `rest ${grouped.of[i]}`;
    });
    return groupBy(keys, (key) => (key === name ? name : grouped.groups[Number(key.slice("rest ".length))]));
  };
}
