// The groups that a replay starts with: a policy of `compare`, applied to the members' first snapshots.

import { ABSENT } from "../core/scanner.js";
import { PagekinError } from "../errors.js";
import type { Policy } from "../policies/policy.js";
import type { Grouping } from "../sharing/grouping.js";
import { viewOf } from "../sharing/view.js";
import type { Spectrum } from "../tracefile/spectrum.js";
import type { Member } from "./members.js";

export async function groupMembers(members: readonly Member[], policy: Policy, pageBytes: number): Promise<Grouping> {
  if (policy.kind === "zero-only") {
    throw new PagekinError("zero-only is no grouping", { hint: "use one-group, with scanner: use_zero_pages: true" });
  }
  return policy.group(viewOf(spectrumOf(members, pageBytes), "counted"), () => undefined);
}

/** What the first snapshots share. Contents are numbers; 0 is the zero content. */
function spectrumOf(members: readonly Member[], pageBytes: number): Spectrum {
  const copies = new Map<number, Map<number, number>>();
  for (const [member, { snapshots }] of members.entries()) {
    for (const content of snapshots[0].contents) {
      if (content === ABSENT) continue;
      const holders = copies.get(content) ?? new Map<number, number>();
      holders.set(member, (holders.get(member) ?? 0) + 1);
      copies.set(content, holders);
    }
  }
  const zeros = copies.get(0);
  copies.delete(0);
  const vectors = new Map<string, { holders: [member: number, copies: number][]; contents: number }>();
  for (const holders of copies.values()) {
    const list = [...holders];
    const key = list.join();
    const known = vectors.get(key);
    if (known) known.contents++;
    else vectors.set(key, { holders: list, contents: 1 });
  }
  const sorted = [...vectors.values()].sort((a, b) => compareLists(a.holders, b.holders));
  const entries = sorted.flatMap(({ holders }) => holders);
  const starts = new Uint32Array(sorted.length + 1);
  sorted.forEach(({ holders }, i) => {
    starts[i + 1] = starts[i] + holders.length;
  });
  return {
    timeS: 0,
    pageBytes,
    members: members.map(({ name, labels }) => ({ member: name, labels })),
    pages: members.map(({ snapshots }) => snapshots[0].contents.filter((content) => content !== ABSENT).length),
    zeroPages: members.map((_, member) => zeros?.get(member) ?? 0),
    vectors: {
      starts,
      holders: Uint32Array.from(entries, ([member]) => member),
      copies: Uint32Array.from(entries, ([, count]) => count),
      contents: Float64Array.from(sorted, ({ contents }) => contents),
    },
  };
}

/** By members first: vectors of the same members stand side by side. */
function compareLists(a: readonly [number, number][], b: readonly [number, number][]): number {
  for (const part of [0, 1]) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      if (a[i][part] !== b[i][part]) return a[i][part] - b[i][part];
    }
    if (a.length !== b.length) return a.length - b.length;
  }
  return 0;
}
