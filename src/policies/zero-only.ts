import type { PolicyEntry } from "./policy.js";

/** All members share the zero content, and nothing else is shared: proposed for KubeVirt, enhancement 381. */
export const zeroOnly: PolicyEntry = {
  name: "zero-only",
  forms: ["zero-only"],
  make: () => ({ kind: "zero-only" }),
};
