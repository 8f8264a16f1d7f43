// Every policy. A new one is a file beside this one and an entry in this list, from which help and errors follow.

import { PagekinError, quoted } from "../errors.js";
import { listed } from "../text/list.js";
import { nearest } from "../text/nearest.js";
import { best } from "./best.js";
import { byLabel } from "./by-label.js";
import { esxSalting } from "./esx-salting.js";
import { excluded } from "./excluded.js";
import { groupsFile } from "./groups-file.js";
import { oneGroup } from "./one-group.js";
import { optIn } from "./opt-in.js";
import { perMember } from "./per-member.js";
import type { Policy, PolicyContext, PolicyEntry } from "./policy.js";
import { privateGroup } from "./private.js";
import { similar } from "./similar.js";
import { zeroOnly } from "./zero-only.js";

const POLICIES: readonly PolicyEntry[] = [
  oneGroup,
  perMember,
  zeroOnly,
  byLabel,
  groupsFile,
  esxSalting,
  optIn,
  similar,
  best,
  privateGroup,
  excluded,
];

/** What may follow `--policy`, for help and errors. */
export const POLICY_FORMS = POLICIES.flatMap(({ forms }) => forms).join(", ");

/** The policies that keep to limits, for help and errors. */
export const LIMITED_POLICIES = listed(
  POLICIES.filter(({ limited }) => limited).map(({ name }) => name),
  "and",
);

/** The policies of several texts, each of which may be there once. */
export async function parsePolicies(texts: readonly string[], context: PolicyContext): Promise<Policy[]> {
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) throw new PagekinError(`--policy ${quoted(twice)} is given twice`, { hint: "give it once" });
  const policies: Policy[] = [];
  for (const text of texts) policies.push(await parsePolicy(text, context));
  return policies;
}

/** A hint: the policy that is likely meant. A label alone is one of `by`. */
function meant(name: string, argument: string, { labelNames }: PolicyContext): string {
  const label = argument === "" ? nearest(name, labelNames) : undefined;
  if (label !== undefined) return `did you mean by:${label}?`;
  const policy = nearest(
    name,
    POLICIES.map((one) => one.name),
  );
  const forms = POLICIES.find((one) => one.name === policy)?.forms;
  return forms ? `did you mean ${listed(forms, "or")}?` : `policies are ${POLICY_FORMS}`;
}

/** A policy from the text behind `--policy`. */
async function parsePolicy(text: string, context: PolicyContext): Promise<Policy> {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const argument = colon < 0 ? "" : text.slice(colon + 1);
  const isForm = (form: string) => (argument === "" ? form === text : form.startsWith(`${name}:`));
  const entry = POLICIES.find((one) => one.name === name && one.forms.some(isForm));
  if (!entry) throw new PagekinError(`unknown policy ${quoted(text)}`, { hint: meant(name, argument, context) });
  const made = await entry.make(argument, { ...context, parse: (other) => parsePolicy(other, context) });
  return { text, limited: entry.limited ?? false, ...made };
}
