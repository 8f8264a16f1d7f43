import { groupBy } from "../sharing/grouping.js";
import { restrict } from "../sharing/view.js";
import type { Group, Grouped, GroupingPolicy, PolicyContext } from "./policy.js";

const NAME = "private";
const NOBODY: Grouped = { groups: [], of: new Uint32Array() };

/**
 * The members that a CSV file names (column member) share with one another; the others are grouped by another policy, as if
 * the first were not there. Source: SEMMA (2013), section IV: the private group of selected processes.
 */
export async function privateGroup(file: string, rest: GroupingPolicy, { readRows }: PolicyContext): Promise<Group> {
  const named = new Set((await readRows(file, ["member"])).map(({ member }) => member));
  return async (view, pause) => {
    const others = [...view.members.keys()].filter((member) => !named.has(view.members[member].member));
    const grouped = others.length > 0 ? await rest.group(restrict(view, others), pause) : NOBODY;
    const keys = view.members.map(() => NAME);
    others.forEach((member, i) => {
      keys[member] = `rest ${grouped.of[i]}`;
    });
    return groupBy(keys, (key) => (key === NAME ? NAME : grouped.groups[Number(key.slice("rest ".length))]));
  };
}
