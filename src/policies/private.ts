import { PagekinError, quoted } from "../errors.js";
import { namedTwice } from "./argument.js";
import type { PolicyContext, PolicyEntry } from "./policy.js";
import { setApart } from "./set-apart.js";

const NAME = "private";

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
    if (rest.kind !== "grouping" || /^(private|excluded):/.test(rest.text)) {
      throw new PagekinError(`${quoted(rest.text)} cannot stand behind a private group`, {
        hint: rest.text.startsWith("excluded:")
          ? "write excluded:LABEL,private:FILE,POLICY"
          : "name a grouping such as one-group",
      });
    }
    const named = await membersIn(argument.slice(0, comma), context);
    const { limited = false } = rest;
    return { kind: "grouping", group: setApart(NAME, ({ member }) => named.has(member), rest), limited };
  },
};

async function membersIn(file: string, { readRows }: PolicyContext): Promise<Set<string>> {
  const named = new Set<string>();
  for (const row of await readRows(file, ["member"])) {
    if (named.has(row.member)) throw namedTwice(row, file, "name each member of the private group once");
    named.add(row.member);
  }
  return named;
}
