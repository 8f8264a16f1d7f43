import { PagekinError, quoted } from "../errors.js";
import { groupBy } from "../sharing/grouping.js";
import { restrict } from "../sharing/view.js";
import { namedTwice } from "./argument.js";
import type { Grouped, Grouper, GroupingPolicy, PolicyContext, PolicyEntry } from "./policy.js";

const NAME = "private";
const NOBODY: Grouped = { groups: [], of: new Uint32Array() };

/**
 * The members that a CSV file names (column member) share with one another; the others are grouped by another policy, as if
 * the first were not there. Source: SEMMA (2013), section IV: the private group of selected processes.
 */
export const privateGroup: PolicyEntry = {
  name: NAME,
  forms: ["private:FILE,POLICY"],
  async make(argument, context) {
    const comma = argument.indexOf(",");
    if (comma < 1) throw new PagekinError("private needs a file and a policy", { hint: "write private:FILE,POLICY" });
    const rest = await context.parse(argument.slice(comma + 1));
    if (rest.kind !== "grouping" || rest.text.startsWith("private:")) {
      throw new PagekinError(`${quoted(rest.text)} cannot stand behind a private group`, {
        hint: "name a grouping such as one-group",
      });
    }
    const { limited = false } = rest;
    return { kind: "grouping", group: await groupPrivate(argument.slice(0, comma), rest, context), limited };
  },
};

async function groupPrivate(file: string, rest: GroupingPolicy, { readRows }: PolicyContext): Promise<Grouper> {
  const named = new Set<string>();
  for (const row of await readRows(file, ["member"])) {
    if (named.has(row.member)) throw namedTwice(row, file, "name each member of the private group once");
    named.add(row.member);
  }
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
