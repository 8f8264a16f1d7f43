import { PagekinError } from "../errors.js";
import type { View } from "../sharing/view.js";
import { groupCount } from "./argument.js";
import { bestOfAll, EXACT_UNITS } from "./best-exact.js";
import { improve, leastCost } from "./best-search.js";
import { noGrouping } from "./fit.js";
import type { Grouper, Limits, PolicyEntry } from "./policy.js";
import { agglomerate, joinInto } from "./similar.js";
import { groupingOf, savedPages, type Units, unitsFor, unitsOf } from "./units.js";

/**
 * The grouping into exactly K groups, or into any number of at most --max-group members each, that saves most. Exact up to 14
 * members, by dynamic programming over sets of members. Beyond that a heuristic: groups are joined as in `similar`, then single
 * members move as long as that saves more; `mostSaved` is a bound on what any such grouping saves.
 */
export const best: PolicyEntry = {
  name: "best",
  forms: ["best:K", "best"],
  limited: true,
  make(text, { limits }) {
    if (text !== "") {
      const count = groupCount("best", text);
      return { kind: "grouping", group: groupBest(count, limits), least: count };
    }
    if (limits.maxGroup < Infinity) return { kind: "grouping", group: groupBest(undefined, limits) };
    throw new PagekinError("best needs a number of groups, or a limit of their size", {
      hint: "write best:K, or add --max-group N",
    });
  },
};

/** count: of the groups; undefined: any number. */
function groupBest(count: number | undefined, limits: Limits): Grouper {
  return async (view, pause) => {
    const units = count === undefined ? unitsOf(view, limits) : unitsFor(view, limits, count);
    if (units.count <= EXACT_UNITS) {
      const groups = bestOfAll(units, count);
      if (!groups) throw noGrouping(count);
      return { ...groupingOf(units, groups), mostSaved: savedPages(view, units, groups) };
    }
    const joined = async () => (await agglomerate(units, undefined, pause)).groupOf;
    const first = count === undefined ? await joined() : await joinInto(units, count, pause);
    const groups = await improve(units, first, count !== undefined, pause);
    return { ...groupingOf(units, groups), mostSaved: mostSaved(view, units, count) };
  };
}

function mostSaved(view: View, units: Units, count: number | undefined): number {
  return savedPages(view, units, new Uint32Array(units.count)) - leastCost(units, count);
}
