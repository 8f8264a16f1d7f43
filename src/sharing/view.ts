// What policies see of a spectrum: its sets of holders, with or without the zero content.

import type { Vectors } from "../core/counts.js";
import { type Spectrum, type SpectrumMember, zeroVectors } from "../spectrum/spectrum.js";

/** Whether the zero content counts as one of the contents, or zero pages are left out altogether. */
export type ZeroPages = "counted" | "left-out";

/** One world at one page size. Arrays of members go by number. */
export interface View {
  timeS: number;
  pageBytes: number;
  zeroPages: ZeroPages;
  members: readonly SpectrumMember[];
  /** Pages of each member; without its zero pages where those are left out. */
  pages: readonly number[];
  /** Copies of the zero content of each member; 0 where zero pages are left out. */
  zeros: readonly number[];
  sets: HolderSets;
  /**
   * The copy vectors that the sets were made of, for what depends on the copies of each content: of the nonzero contents,
   * then of the zero content where it is counted.
   */
  vectors: readonly Vectors[];
}

/** Each set of members that hold some contents together. The sum of all `pages` is that of all members' pages. */
export interface HolderSets {
  /** Where each set's holders begin, and at the end where they end. */
  starts: Uint32Array;
  /** Numbers of members, ascending in each set. */
  holders: Uint32Array;
  /** Pages that the holder has of the set's contents. */
  pages: Float64Array;
  /** By set: contents that exactly these members hold. */
  contents: Float64Array;
}

export function viewOf({ timeS, pageBytes, members, pages, zeroPages, vectors }: Spectrum, mode: ZeroPages): View {
  const counted = mode === "counted";
  const zeros = counted ? [...zeroPages] : zeroPages.map(() => 0);
  const parts = counted ? [vectors, zeroVectors(zeroPages)] : [vectors];
  const own = counted ? [...pages] : pages.map((count, member) => count - zeroPages[member]);
  return { timeS, pageBytes, zeroPages: mode, members, pages: own, zeros, sets: setsOf(parts), vectors: parts };
}

/** Vectors of the same holders as one set. In sorted vectors those stand side by side. */
function setsOf(parts: readonly Vectors[]): HolderSets {
  const entries = parts.reduce((sum, { holders }) => sum + holders.length, 0);
  const vectors = parts.reduce((sum, { contents }) => sum + contents.length, 0);
  const starts = new Uint32Array(vectors + 1);
  const holders = new Uint32Array(entries);
  const pages = new Float64Array(entries);
  const contents = new Float64Array(vectors);
  let sets = 0;
  for (const part of parts) {
    for (let vector = 0; vector < part.contents.length; vector++) {
      const [from, to] = [part.starts[vector], part.starts[vector + 1]];
      const isNew = sets === 0 || !isSame(holders, starts[sets - 1], starts[sets], part.holders, from, to);
      if (isNew) {
        holders.set(part.holders.subarray(from, to), starts[sets]);
        starts[sets + 1] = starts[sets] + to - from;
        sets++;
      }
      const first = starts[sets - 1];
      for (let at = from; at < to; at++) pages[first + at - from] += part.copies[at] * part.contents[vector];
      contents[sets - 1] += part.contents[vector];
    }
  }
  const end = starts[sets];
  return {
    starts: starts.slice(0, sets + 1),
    holders: holders.slice(0, end),
    pages: pages.slice(0, end),
    contents: contents.slice(0, sets),
  };
}

function isSame(a: Uint32Array, fromA: number, toA: number, b: Uint32Array, fromB: number, toB: number): boolean {
  if (toA - fromA !== toB - fromB) return false;
  for (let i = 0; i < toA - fromA; i++) if (a[fromA + i] !== b[fromB + i]) return false;
  return true;
}

/** The view of some of the members alone (numbers, ascending), which are numbered anew. */
export function restrict(view: View, members: readonly number[]): View {
  const partOf = new Int32Array(view.members.length).fill(-1);
  for (const member of members) partOf[member] = 0;
  return split(view, partOf, 1)[0];
}

/** The views of several parts of the members, each by itself, in one pass. partOf: by member its part, below 0 for none. */
export function split(view: View, partOf: Int32Array, parts: number): View[] {
  const members: number[][] = Array.from({ length: parts }, () => []);
  const number = partOf.map((part, member) => (part < 0 ? -1 : members[part].push(member) - 1));
  const lists = members.map(() => ({
    starts: [0],
    holders: [] as number[],
    pages: [] as number[],
    contents: [] as number[],
  }));
  const { starts, holders, pages, contents } = view.sets;
  for (let set = 0; set < contents.length; set++) {
    for (let at = starts[set]; at < starts[set + 1]; at++) {
      const part = partOf[holders[at]];
      if (part < 0) continue;
      lists[part].holders.push(number[holders[at]]);
      lists[part].pages.push(pages[at]);
    }
    for (let at = starts[set]; at < starts[set + 1]; at++) {
      const part = partOf[holders[at]];
      if (part < 0) continue;
      const list = lists[part];
      if (list.holders.length === list.starts[list.starts.length - 1]) continue;
      list.starts.push(list.holders.length);
      list.contents.push(contents[set]);
    }
  }
  return lists.map((sets, part) => {
    const pick = <T>(values: readonly T[]) => members[part].map((member) => values[member]);
    return {
      ...view,
      members: pick(view.members),
      pages: pick(view.pages),
      zeros: pick(view.zeros),
      sets: {
        starts: Uint32Array.from(sets.starts),
        holders: Uint32Array.from(sets.holders),
        pages: Float64Array.from(sets.pages),
        contents: Float64Array.from(sets.contents),
      },
      vectors: [],
    };
  });
}
