import { groupBy } from "../sharing/grouping.js";
import { labelOf } from "../spectrum/spectrum.js";
import { knownLabel, saysYes } from "./argument.js";
import type { Grouper, PolicyEntry } from "./policy.js";

/**
 * Tenants that agree share with each other, the rest stay alone: GRP's symbiotic option (2011, section 5.2). The label says
 * yes or no; without it a member has not agreed. Those who agree are one group, named by the value of the first; the others
 * share with those of their own tenant that have not agreed either.
 */
export const optIn: PolicyEntry = {
  name: "opt-in",
  forms: ["opt-in:LABEL"],
  make: (label, context) => ({ kind: "grouping", group: groupAgreed(knownLabel(label, context), context.tenantLabel) }),
};

function groupAgreed(label: string, tenantLabel: string | undefined): Grouper {
  return ({ members }) => {
    const keys = members.map((one) => {
      if (saysYes(one, label)) return "agreed";
      const tenant = tenantLabel && labelOf(one, tenantLabel);
      return tenant ? `tenant ${tenant}` : `member ${one.member}`;
    });
    const first = members[keys.indexOf("agreed")];
    return groupBy(keys, (key) => (key === "agreed" ? labelOf(first, label) : key.slice(key.indexOf(" ") + 1)));
  };
}
