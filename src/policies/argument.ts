// What arguments of several policies mean.

import { PagekinError, quoted } from "../errors.js";
import { labelOf, type SpectrumMember } from "../spectrum/spectrum.js";
import { didYouMean } from "../text/nearest.js";
import { type CsvRow, lineOf } from "../text/read-csv.js";
import type { PolicyContext } from "./policy.js";

/** A label, which must be one that members have. */
export function knownLabel(label: string, { labelNames }: Pick<PolicyContext, "labelNames">): string {
  if (labelNames.includes(label)) return label;
  const hint = labelNames.length > 0 ? didYouMean(label, labelNames) : "labels come from an --inventory";
  throw new PagekinError(`no member has a label ${quoted(label)}`, { hint });
}

const YES = /^(yes|y|true|1|on)$/i;
const NO = /^(no|n|false|0|off|)$/i;

/** Whether a label says yes: as Proxmox (1, on, yes, true) and Kubernetes (true) write booleans. No value is a no. */
export function saysYes(one: SpectrumMember, label: string): boolean {
  const value = labelOf(one, label);
  if (YES.test(value)) return true;
  if (NO.test(value)) return false;
  throw new PagekinError(`member ${quoted(one.member)} has ${quoted(value)} as label ${quoted(label)}`, {
    hint: "it must be yes or no (also y, true, 1, on; n, false, 0, off, or empty)",
  });
}

/** The K of `NAME:K`, from 1. */
export function groupCount(policy: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new PagekinError(`${quoted(`${policy}:${text}`)} has no number of groups`, {
    hint: `write ${policy}:K, such as ${policy}:2`,
  });
}

/** A member is named in two rows of a policy's file. */
export function namedTwice(row: CsvRow, file: string, hint: string): PagekinError {
  return new PagekinError(`member ${quoted(row.member)} is named twice`, { file, line: lineOf(row), hint });
}
