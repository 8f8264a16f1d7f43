// Memory that members have over time: what they were promised, and what a redistributor gives them of what was reclaimed.

import type { MemberMemory, Shareout } from "./course.js";
import { memoryOf, type RunningMachine } from "./machine.js";
import { none } from "./redistributors/none.js";
import { redistributorNamed } from "./redistributors/registry.js";
import { reclaimedOf } from "./sample.js";
import type { Scenario } from "./scenario/schema.js";
import { NANOSECONDS } from "./time.js";

/** What a member got; undefined: it was not there. */
export function memoryIn({ members }: Shareout, member: number): MemberMemory | undefined {
  let low = 0;
  for (let high = members.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (members[middle].member < member) low = middle + 1;
    else high = middle;
  }
  return members[low]?.member === member ? members[low] : undefined;
}

/** How memory is given out; where workloads want to know their memory, and nothing is said, it stays as it is. */
export function redistributionOf({ redistribute, members }: Scenario): Scenario["redistribute"] {
  const isAsked = [...members.values()].some(({ workload }) => workload);
  return redistribute ?? (isAsked ? { kind: none.name, every: NANOSECONDS } : undefined);
}

/** Gives out what is reclaimed now. */
export function shareOut(machine: RunningMachine, scenario: Scenario, kind: string): Shareout {
  const { scanned, groups, pageBytes } = machine;
  const here = scanned.membersHere();
  const reclaimed = groups.names.map((_, group) => reclaimedOf(scanned.counters(group)));
  const sharers = here.map((member) => ({
    group: scanned.groupOf(member),
    entitlement: () => scanned.entitlement(member),
  }));
  const given = redistributorNamed(kind).share(sharers, reclaimed);
  return {
    ns: machine.ns,
    reclaimedBytes: reclaimed.reduce((a, b) => a + b, 0) * pageBytes,
    members: here.map((member, i) => ({
      member,
      group: sharers[i].group,
      memoryBytes: memoryOf(scanned.members[member], scenario) + given[i] * pageBytes,
      reclaimedBytes: reclaimed[sharers[i].group] * pageBytes,
    })),
  };
}
