import { groupBy } from "../sharing/grouping.js";
import type { PolicyEntry } from "./policy.js";

/** Each member shares with itself alone: what VMware does by default since 2014 (KB 2080735). */
export const perMember: PolicyEntry = {
  name: "per-member",
  forms: ["per-member"],
  make: () => ({ kind: "grouping", group: ({ members }) => groupBy(members.map(({ member }) => member)) }),
};
