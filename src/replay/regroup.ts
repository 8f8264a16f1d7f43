// Groups that change with what members hold (GRP, section 5.2).

import type { GroupingPolicy } from "../policies/policy.js";
import { viewOf } from "../sharing/view.js";
import type { Pause } from "../system/pace.js";
import { spectrumOf } from "./contents-now.js";
import type { RunningMachine } from "./machine.js";
import type { ScannedGroups } from "./scanned-groups.js";
import { NANOSECONDS } from "./time.js";

/** Groups members anew, by what they hold now. Only those whose group changes are moved. */
export async function regroup(machine: RunningMachine, policy: GroupingPolicy, pause: Pause): Promise<void> {
  const { scanned, groups } = machine;
  const now = await scanned.contentsNow(pause);
  if (now.length < (policy.least ?? 1)) return; // too few are there
  const spectrum = await spectrumOf(now, machine.pageBytes, machine.ns / NANOSECONDS, pause);
  const made = await policy.group(viewOf(spectrum, "counted"), pause);
  const old = now.map(({ member }) => scanned.groupOf(member));
  const numbers = keepNames(made.of, made.groups, old, groups);
  for (const [i, { member }] of now.entries()) await scanned.move(member, numbers[made.of[i]], pause);
}

/**
 * By new group its number: that of the old group with which it has most members in common, no number twice; of those that
 * have none a group that is nobody's, by the new name or else by a number.
 */
function keepNames(of: Uint32Array, names: readonly string[], old: readonly number[], known: ScannedGroups): number[] {
  const common = new Map<string, { made: number; before: number; members: number }>();
  old.forEach((before, member) => {
    const key = `${of[member]} ${before}`;
    const pair = common.get(key) ?? { made: of[member], before, members: 0 };
    pair.members++;
    common.set(key, pair);
  });
  const pairs = [...common.values()].sort((a, b) => b.members - a.members || a.made - b.made || a.before - b.before);
  const numbers: (number | undefined)[] = names.map(() => undefined);
  const used = new Set<number>();
  for (const { made, before } of pairs) {
    if (numbers[made] !== undefined || used.has(before)) continue;
    numbers[made] = before;
    used.add(before);
  }
  const isFree = (name: string) => !used.has(known.find(name) ?? -1);
  // What is taken stays so: the next free one is sought from the last on.
  let next = 1;
  return numbers.map((number, made) => {
    let name = names[made];
    for (; number === undefined && !isFree(name); next++) name = String(next);
    const chosen = number ?? known.number(name);
    used.add(chosen);
    return chosen;
  });
}
