// Every policy by its name; a new one is a file beside this one and a line here.

import { PagekinError } from "../errors.js";
import { best } from "./best.js";
import { byLabel } from "./by-label.js";
import { esxSalting, type SaltingMode } from "./esx-salting.js";
import { groupsFile } from "./groups-file.js";
import { oneGroup } from "./one-group.js";
import { optIn } from "./opt-in.js";
import { perMember } from "./per-member.js";
import type { Group, GroupingPolicy, Policy, PolicyContext } from "./policy.js";
import { privateGroup } from "./private.js";
import { similar } from "./similar.js";

type Made = Group | Omit<GroupingPolicy, "kind">;
type Make = (argument: string, context: PolicyContext) => Made | Promise<Made>;

/** What may follow `--policy`, for help and errors. */
export const POLICY_FORMS =
  "one-group, per-member, zero-only, by:LABEL, groups:FILE, esx-salting:0|1|2, opt-in:LABEL, similar:K, best:K, best, private:FILE,POLICY";

const PLAIN: Record<string, Group> = { "one-group": oneGroup, "per-member": perMember };

const WITH_ARGUMENT: Record<string, Make> = {
  by: (label, context) => byLabel(knownLabel(label, context)),
  groups: groupsFile,
  "esx-salting": (mode) => {
    if (!/^[012]$/.test(mode))
      throw new PagekinError("esx-salting has the modes 0, 1 and 2", { hint: "give one of them" });
    return esxSalting(Number(mode) as SaltingMode);
  },
  "opt-in": (label, context) => optIn(knownLabel(label, context), context.tenantLabel),
  similar: (text, { limits }) => {
    const count = parseCount("similar", text);
    return { group: similar(count, limits), least: count, limited: true };
  },
  best: (text, { limits }) => {
    const count = parseCount("best", text);
    return { group: best(count, limits), least: count, limited: true };
  },
  private: async (argument, context) => {
    const comma = argument.indexOf(",");
    if (comma < 1) throw new PagekinError("private needs a file and a policy", { hint: "write private:FILE,POLICY" });
    const rest = await parsePolicy(argument.slice(comma + 1), context);
    if (rest.kind !== "grouping" || rest.text.startsWith("private:")) {
      throw new PagekinError(`${rest.text} cannot stand behind a private group`, {
        hint: "name a grouping such as one-group",
      });
    }
    const { limited = false } = rest;
    return { group: await privateGroup(argument.slice(0, comma), rest, context), limited };
  },
};

/** The policies of several texts, each of which may be there once. */
export async function parsePolicies(texts: readonly string[], context: PolicyContext): Promise<Policy[]> {
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) throw new PagekinError(`--policy ${twice} is given twice`, { hint: "give it once" });
  const policies: Policy[] = [];
  for (const text of texts) policies.push(await parsePolicy(text, context));
  return policies;
}

/** A policy from the text behind `--policy`. */
async function parsePolicy(text: string, context: PolicyContext): Promise<Policy> {
  if (text === "zero-only") return { text, kind: "zero-only" };
  if (text === "best") {
    if (context.limits.maxGroup < Infinity) {
      return { text, kind: "grouping", group: best(undefined, context.limits), limited: true };
    }
    throw new PagekinError("best needs a number of groups, or a limit of their size", {
      hint: "write best:K, or add --max-group N",
    });
  }
  if (Object.hasOwn(PLAIN, text)) return { text, kind: "grouping", group: PLAIN[text] };
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0));
  const argument = text.slice(colon + 1);
  if (!Object.hasOwn(WITH_ARGUMENT, name) || argument === "") {
    throw new PagekinError(`there is no policy ${text}`, { hint: `there are ${POLICY_FORMS}` });
  }
  const made = await WITH_ARGUMENT[name](argument, context);
  return { text, kind: "grouping", ...(typeof made === "function" ? { group: made } : made) };
}

/** The label, which must be one that members have. */
export function knownLabel(label: string, { labelNames }: Pick<PolicyContext, "labelNames">): string {
  if (labelNames.includes(label)) return label;
  const known = labelNames.length > 0 ? `there are ${labelNames.join(", ")}` : "an --inventory gives members labels";
  throw new PagekinError(`no member has a label ${label}`, { hint: known });
}

function parseCount(policy: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new PagekinError(`${policy}:${text} has no number of groups`, {
    hint: `write ${policy}:K, such as ${policy}:2`,
  });
}
