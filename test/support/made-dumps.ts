// traces/make-dumps.mjs with types.

interface MemberCount {
  pages: number;
  zero_pages: number;
  contents: number;
}

interface PairCount {
  shared_contents: number;
  nonzero_shared_contents: number;
}

/** What a plan shares at one page size. */
export interface PlanCount {
  members: Record<string, MemberCount>;
  pairs: Record<string, PairCount>;
  set: { pages: number; contents_sum: number; contents_union: number };
}

type Plan = Record<string, [number, number, number, number][]>;

interface MakeDumps {
  planSemma(): Plan;
  planWorld(): Plan;
  expected(plan: Plan): Record<string, PlanCount>;
  writeSemma(dir: string): void;
  writeWorld(dir: string): void;
  bytes(pages: Plan[string]): Buffer;
}

export const madeDumps = (await import(new URL("../../traces/make-dumps.mjs", import.meta.url).href)) as MakeDumps;
