import { PagekinError, quoted } from "../errors.js";
import type { SpectrumMember } from "../spectrum/spectrum.js";
import { knownLabel, saysYes } from "./argument.js";
import type { PolicyEntry } from "./policy.js";
import { setApart } from "./set-apart.js";

const NAME = "excluded";

/**
 * Members whose label says yes share nothing, not even inside themselves: KSM never sees them. They stand in the group
 * `excluded`; the others are grouped by another policy, as if the first were not there. Source: QEMU's mem-merge=off, which
 * libvirt (and KubeVirt by it) writes as nosharepages and Proxmox VE as allow-ksm: 0.
 */
export const excluded: PolicyEntry = {
  name: NAME,
  forms: ["excluded:LABEL[,POLICY]"],
  async make(argument, context) {
    const [label, ...policy] = argument.split(",");
    const rest = await context.parse(policy.length > 0 ? policy.join() : "one-group");
    if (rest.kind !== "grouping" || rest.excludes) {
      throw new PagekinError(`${quoted(rest.text)} cannot stand behind excluded`, {
        hint: "name a grouping such as one-group",
      });
    }
    const known = knownLabel(label, context);
    const excludes = (member: SpectrumMember) => saysYes(member, known);
    const { limited = false } = rest;
    return { kind: "grouping", group: setApart(NAME, excludes, rest), excludes, limited };
  },
};
