// What arguments of several policies mean.

import { PagekinError } from "../errors.js";
import type { PolicyContext } from "./policy.js";

/** A label, which must be one that members have. */
export function knownLabel(label: string, { labelNames }: Pick<PolicyContext, "labelNames">): string {
  if (labelNames.includes(label)) return label;
  const known = labelNames.length > 0 ? `there are ${labelNames.join(", ")}` : "an --inventory gives members labels";
  throw new PagekinError(`no member has a label ${label}`, { hint: known });
}

/** The K of `NAME:K`, from 1. */
export function groupCount(policy: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new PagekinError(`${policy}:${text} has no number of groups`, {
    hint: `write ${policy}:K, such as ${policy}:2`,
  });
}
