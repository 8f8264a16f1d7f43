// What is left to share where some members share nothing: each of their pages is a content of its own.

import type { Vectors } from "../core/counts.js";
import type { HolderSets, View } from "./view.js";

/** isOut: by member. */
type Out = readonly boolean[];

/** The view of a scanner to which some members were never shown: nobody holds their pages. */
export function withoutPages(view: View, isOut: Out): View {
  return {
    ...view,
    pages: view.pages.map((pages, member) => (isOut[member] ? 0 : pages)),
    zeros: view.zeros.map((zeros, member) => (isOut[member] ? 0 : zeros)),
    sets: setsWithout(view.sets, isOut),
    vectors: view.vectors.map((vectors) => vectorsWithout(vectors, isOut)),
  };
}

/** The view in which each page of these members is a content that nobody else holds, so that frames and rates count it. */
export function withPagesApart(view: View, isOut: Out): View {
  const { sets, vectors, zeros } = withoutPages(view, isOut);
  const out = view.members.flatMap((_, member) => (isOut[member] && view.pages[member] > 0 ? [member] : []));
  const pages = Float64Array.from(out, (member) => view.pages[member]);
  // One more list each: a set, and a vector of single copies.
  const holders = Uint32Array.from([...out]);
  const starts = (before: Uint32Array) =>
    joined(
      Uint32Array,
      before,
      Uint32Array.from(out, (_, i) => before[before.length - 1] + i + 1),
    );
  const [first, ...rest] = vectors;
  return {
    ...view,
    zeros,
    sets: {
      starts: starts(sets.starts),
      holders: joined(Uint32Array, sets.holders, holders),
      pages: joined(Float64Array, sets.pages, pages),
      contents: joined(Float64Array, sets.contents, pages),
    },
    // The parts keep their places: nonzero contents, then the zero content. A restricted view has none.
    vectors: first
      ? [
          {
            starts: starts(first.starts),
            holders: joined(Uint32Array, first.holders, holders),
            copies: joined(
              Uint32Array,
              first.copies,
              holders.map(() => 1),
            ),
            contents: joined(Float64Array, first.contents, pages),
          },
          ...rest,
        ]
      : [],
  };
}

const setsWithout = (sets: HolderSets, isOut: Out): HolderSets => {
  const { kept, lists, starts } = keptOf(sets, isOut);
  return {
    starts,
    holders: kept.map((at) => sets.holders[at]),
    pages: Float64Array.from(kept, (at) => sets.pages[at]),
    contents: Float64Array.from(lists, (list) => sets.contents[list]),
  };
};

const vectorsWithout = (vectors: Vectors, isOut: Out): Vectors => {
  const { kept, lists, starts } = keptOf(vectors, isOut);
  return {
    starts,
    holders: kept.map((at) => vectors.holders[at]),
    copies: kept.map((at) => vectors.copies[at]),
    contents: Float64Array.from(lists, (list) => vectors.contents[list]),
  };
};

/** Where the entries that are kept stand, which lists still have some, and where these begin now. */
function keptOf(
  { starts, holders, contents }: Pick<Vectors, "starts" | "holders" | "contents">,
  isOut: Out,
): { kept: Uint32Array; lists: Uint32Array; starts: Uint32Array } {
  const kept = new Uint32Array(holders.length);
  const lists = new Uint32Array(contents.length);
  const begin = new Uint32Array(contents.length + 1);
  let entries = 0;
  let count = 0;
  for (let list = 0; list < contents.length; list++) {
    for (let at = starts[list]; at < starts[list + 1]; at++) {
      kept[entries] = at;
      entries += isOut[holders[at]] ? 0 : 1;
    }
    if (entries === begin[count]) continue;
    lists[count++] = list;
    begin[count] = entries;
  }
  return { kept: kept.subarray(0, entries), lists: lists.subarray(0, count), starts: begin.subarray(0, count + 1) };
}

function joined<T extends Uint32Array | Float64Array>(kind: new (length: number) => T, a: T, b: T): T {
  const all = new kind(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
