import { PagekinError, quoted } from "../errors.js";
import { groupBy } from "../sharing/grouping.js";
import { labelOf } from "../spectrum/spectrum.js";
import { knownLabel } from "./argument.js";
import type { Grouper, PolicyEntry } from "./policy.js";

/**
 * Members with the same value of a label share: tenant, customer, operating system, appliance, NUMA node. Source: GRP (2011),
 * section 5.2; SEMMA (2013), section IV; merge_across_nodes=0 of ksm. A member without a value is an error.
 */
export const byLabel: PolicyEntry = {
  name: "by",
  forms: ["by:LABEL"],
  make: (label, context) => ({ kind: "grouping", group: groupByLabel(knownLabel(label, context)) }),
};

function groupByLabel(label: string): Grouper {
  return ({ members }) =>
    groupBy(
      members.map((one) => {
        const value = labelOf(one, label);
        if (value !== "") return value;
        throw new PagekinError(`member ${quoted(one.member)} has no label ${quoted(label)}`, {
          hint: "give it one in the inventory",
        });
      }),
    );
}
