import { groupBy } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";
import type { Grouped, PolicyEntry } from "./policy.js";

/** All members share with one another: today's KSM; NOGRP in GRP (2011), section 4. */
export const oneGroup: PolicyEntry = {
  name: "one-group",
  forms: ["one-group"],
  make: () => ({ kind: "grouping", group: inOneGroup }),
};

export function inOneGroup({ members }: View): Grouped {
  return groupBy(members.map(() => "all"));
}
