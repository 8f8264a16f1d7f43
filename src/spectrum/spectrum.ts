import type { Vectors } from "../core/counts.js";

/** For each copy vector of one world at one page size the contents that have exactly it. Arrays of members go by number. */
export interface Spectrum {
  timeS: number;
  pageBytes: number;
  members: readonly SpectrumMember[];
  /** Pages of each member, and how many of them are zero. */
  pages: readonly number[];
  zeroPages: readonly number[];
  /** Of the nonzero contents. */
  vectors: Vectors;
}

export interface SpectrumMember {
  member: string;
  labels: Readonly<Record<string, string>>;
}

/** A member's value of a label; "" where it has none. */
export const labelOf = ({ labels }: Pick<SpectrumMember, "labels">, label: string): string =>
  Object.hasOwn(labels, label) ? labels[label] : "";

/** A spectrum's zero content as vectors: one, or none where no member has zero pages. */
export function zeroVectors(zeroPages: readonly number[]): Vectors {
  const holders = zeroPages.flatMap((pages, member) => (pages > 0 ? [member] : []));
  const contents = holders.length > 0 ? [1] : [];
  return {
    starts: Uint32Array.from(contents.length > 0 ? [0, holders.length] : [0]),
    holders: Uint32Array.from(holders),
    copies: Uint32Array.from(holders, (member) => zeroPages[member]),
    contents: Float64Array.from(contents),
  };
}

/** What the footer of spectrum.parquet tells under `pagekin.worlds`, for each world. */
export interface FooterWorld {
  time_s: number;
  members: { member: string; labels: Readonly<Record<string, string>> }[];
  sizes: { page_bytes: number; pages: number[]; zero_pages: number[] }[];
}
