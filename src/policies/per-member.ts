import { groupBy } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";
import type { Grouped } from "./policy.js";

/** Each member shares with itself alone: what VMware does by default since 2014 (KB 2080735). */
export function perMember({ members }: View): Grouped {
  return groupBy(members.map(({ member }) => member));
}
