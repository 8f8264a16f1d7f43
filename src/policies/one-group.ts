import { groupBy } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";
import type { Grouped } from "./policy.js";

/** All members share with one another: today's KSM; NOGRP in GRP (2011), section 4. */
export function oneGroup({ members }: View): Grouped {
  return groupBy(members.map(() => "all"));
}
