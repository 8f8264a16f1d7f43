// The groups that a replay starts with: a policy of `compare`, applied to the members' first snapshots.

import { PagekinError, quoted } from "../errors.js";
import type { GroupingPolicy, Policy } from "../policies/policy.js";
import type { Grouping } from "../sharing/grouping.js";
import { viewOf } from "../sharing/view.js";
import type { Pause } from "../system/pace.js";
import { spectrumOf } from "./contents-now.js";
import type { ReplayMember } from "./members.js";

export async function groupMembers(
  members: readonly ReplayMember[],
  policy: Policy,
  pageBytes: number,
  pause: Pause,
): Promise<Grouping> {
  const first = members.map(({ name, labels, snapshots }) => ({ name, labels, contents: snapshots[0].contents }));
  const spectrum = await spectrumOf(first, pageBytes, 0, pause);
  return groupingPolicy(policy).group(viewOf(spectrum, "counted"), pause);
}

export function groupingPolicy(policy: Policy): GroupingPolicy {
  if (policy.kind === "grouping" && policy.excludes) {
    throw new PagekinError(`policy ${quoted(policy.text)} cannot be replayed`, {
      hint: "make the excluded members a group (groups:FILE, by:LABEL) and give it pages_to_scan: 0 under groups",
    });
  }
  if (policy.kind === "grouping") return policy;
  throw new PagekinError("zero-only is not a grouping", {
    hint: "use one-group, with scanner: {use_zero_pages: true}",
  });
}

/** Members may come and go; there must be enough of them at some time. */
export function checkEnough({ least = 1 }: GroupingPolicy, members: readonly ReplayMember[]): void {
  if (members.length >= least) return;
  throw new PagekinError(`there are ${members.length} members, too few for ${least} groups`, {
    hint: "ask for fewer groups",
  });
}
