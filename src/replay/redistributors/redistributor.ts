// What a redistributor is: a rule by which reclaimed memory goes back to members.

/** What `redistribute` of a scenario may name. Each is defined in a file of its own; registry.ts lists them. */
export interface Redistributor {
  /** Its `kind`. */
  name: string;
  /** Whole pages for each member, of what each group has reclaimed (pages, by group). */
  share(members: readonly Sharer[], reclaimed: readonly number[]): number[];
}

/** A member that is there, and what its group has reclaimed. */
export interface Sharer {
  group: number;
  /** Its proportional part of what its group has reclaimed, in pages: (k - 1) / k for each page that shares its frame with k - 1. */
  entitlement(): number;
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** The parts in whole pages; what is left of the total goes to the first. */
export function wholePages(total: number, parts: readonly number[]): number[] {
  // A part that is whole but for the error of its sum is whole.
  const whole = parts.map((part) => Math.floor(part + 1e-6));
  const rest = total - sum(whole);
  return whole.map((part, i) => (i === 0 ? part + rest : part));
}
