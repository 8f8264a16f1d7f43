import { groupBy } from "../sharing/grouping.js";
import { restrict, type View } from "../sharing/view.js";
import type { Grouped, Policy, PolicyContext } from "./policy.js";

const NAME = "private";

/**
 * The members that a CSV file names (column member) share with one another; the others are grouped by another policy, as if
 * the first were not there. Source: SEMMA (2013), section IV: the private group of selected processes.
 */
export async function privateGroup(
  file: string,
  rest: Extract<Policy, { kind: "grouping" }>,
  { readRows }: PolicyContext,
): Promise<(view: View) => Grouped> {
  const named = new Set((await readRows(file, ["member"])).map(({ member }) => member));
  return (view) => {
    const others = [...view.members.keys()].filter((member) => !named.has(view.members[member].member));
    const grouped = others.length > 0 ? rest.group(restrict(view, others)) : { groups: [], of: new Uint32Array() };
    const keys = view.members.map(() => NAME);
    others.forEach((member, i) => {
      keys[member] = `rest ${grouped.of[i]}`;
    });
    return groupBy(keys, (key) => (key === NAME ? NAME : grouped.groups[Number(key.slice("rest ".length))]));
  };
}
