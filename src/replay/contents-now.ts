// What members share at a moment, as a spectrum: what policies and scores go by.

import { ABSENT } from "../core/scanner.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import type { Pause } from "../system/pace.js";
import { sortInTurns } from "../system/turns.js";

/** A member, and the numbers of its pages' contents; 0 is the zero content. */
export interface MemberContents {
  name: string;
  labels: Readonly<Record<string, string>>;
  contents: Uint32Array;
}

/** Pages between two pauses. */
const STEP = 65536;

type Holder = readonly [member: number, copies: number];

interface Vector {
  holders: readonly Holder[];
  contents: number;
}

export async function spectrumOf(
  members: readonly MemberContents[],
  pageBytes: number,
  timeS: number,
  pause: Pause,
): Promise<Spectrum> {
  const keys = await sortedPages(members, pause);
  const vectors = [...(await vectorsOf(keys, members.length, pause))].sort((a, b) =>
    compareLists(a.holders, b.holders),
  );
  const entries = vectors.flatMap(({ holders }) => holders);
  const starts = new Uint32Array(vectors.length + 1);
  vectors.forEach(({ holders }, i) => {
    starts[i + 1] = starts[i] + holders.length;
  });
  return {
    timeS,
    pageBytes,
    members: members.map(({ name, labels }) => ({ member: name, labels })),
    pages: members.map(({ contents }) => count(contents, (content) => content !== ABSENT)),
    zeroPages: members.map(({ contents }) => count(contents, (content) => content === 0)),
    vectors: {
      starts,
      holders: Uint32Array.from(entries, ([member]) => member),
      copies: Uint32Array.from(entries, ([, copies]) => copies),
      contents: Float64Array.from(vectors, ({ contents }) => contents),
    },
  };
}

function count(contents: Uint32Array, suits: (content: number) => boolean): number {
  let found = 0;
  for (const content of contents) if (suits(content)) found++;
  return found;
}

/** Each copy vector of the nonzero contents once. keys: as sortedPages gives them. */
async function vectorsOf(keys: Float64Array, members: number, pause: Pause): Promise<Iterable<Vector>> {
  const vectors = new Map<string, Vector>();
  let paused = 0;
  for (let from = 0; from < keys.length; ) {
    const content = Math.floor(keys[from] / members);
    const holders: Holder[] = [];
    let to = from;
    while (to < keys.length && Math.floor(keys[to] / members) === content) {
      const first = to;
      while (keys[to] === keys[first]) to++;
      holders.push([keys[first] % members, to - first]);
    }
    const key = holders.join();
    const known = vectors.get(key);
    if (known) known.contents++;
    else vectors.set(key, { holders, contents: 1 });
    from = to;
    if (from - paused < STEP) continue;
    paused = from;
    const turn = pause();
    if (turn) await turn;
  }
  return vectors.values();
}

/** content * members + member of each page that is there and not zero, ascending. */
async function sortedPages(members: readonly MemberContents[], pause: Pause): Promise<Float64Array> {
  const keys = new Float64Array(members.reduce((sum, { contents }) => sum + contents.length, 0));
  let count = 0;
  for (const [member, { contents }] of members.entries()) {
    for (const content of contents) {
      if (content !== ABSENT && content !== 0) keys[count++] = content * members.length + member;
    }
  }
  const there = keys.subarray(0, count);
  await sortInTurns(there, undefined, pause);
  return there;
}

/** By members first: vectors of the same members stand side by side. */
function compareLists(a: readonly Holder[], b: readonly Holder[]): number {
  for (const part of [0, 1]) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      if (a[i][part] !== b[i][part]) return a[i][part] - b[i][part];
    }
    if (a.length !== b.length) return a.length - b.length;
  }
  return 0;
}
