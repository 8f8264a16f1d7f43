import { PagekinError, quoted } from "../errors.js";
import { groupBy } from "../sharing/grouping.js";
import { namedTwice } from "./argument.js";
import type { Grouper, PolicyContext, PolicyEntry } from "./policy.js";

/**
 * Groups that a CSV file names, with the columns member and group. It may name members that are not there; a member that it
 * does not name is an error.
 */
export const groupsFile: PolicyEntry = {
  name: "groups",
  forms: ["groups:FILE"],
  make: async (file, context) => ({ kind: "grouping", group: await groupByFile(file, context) }),
};

async function groupByFile(file: string, { readRows }: PolicyContext): Promise<Grouper> {
  const groups = new Map<string, string>();
  for (const row of await readRows(file, ["member", "group"])) {
    const { member, group } = row;
    if (groups.has(member)) throw namedTwice(row, file, "a member is in one group");
    groups.set(member, group);
  }
  return ({ members }) =>
    groupBy(
      members.map(({ member }) => {
        const group = groups.get(member);
        if (group !== undefined) return group;
        throw new PagekinError(`names no group for member ${quoted(member)}`, { file, hint: "add a row for it" });
      }),
    );
}
