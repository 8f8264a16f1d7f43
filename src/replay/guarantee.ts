// What a member can count on (GRP, section 5.2): how its memory was spread over time, and what the host would need at once
// if all sharing broke.

import type { Shareout } from "./memory.js";

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/** Bytes. */
export interface Spread {
  least: number;
  most: number;
  /** In the order of QUANTILES, weighted by time. */
  quantiles: number[];
}

/** Amounts from one time to the next. */
export interface Amount {
  ns: number;
  bytes: number;
}

/** How amounts were spread from the first to endNs. */
export function spreadOf(amounts: readonly Amount[], endNs: number): Spread {
  const lasting = amounts.map(({ ns, bytes }, i) => ({ bytes, weight: (amounts[i + 1]?.ns ?? endNs) - ns }));
  const sorted = lasting.sort((a, b) => a.bytes - b.bytes);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const quantiles = QUANTILES.map((quantile) => {
    let passed = 0;
    const reached = sorted.find(({ weight }) => {
      passed += weight;
      return passed >= quantile * total;
    });
    return (reached ?? sorted[sorted.length - 1]).bytes;
  });
  return { least: sorted[0].bytes, most: sorted[sorted.length - 1].bytes, quantiles };
}

/** A member's memory over time. */
export function memoryOver(member: number, shareouts: readonly Shareout[]): Amount[] {
  return shareouts.flatMap(({ ns, members }) => {
    const own = members.find((one) => one.member === member);
    return own ? [{ ns, bytes: own.memoryBytes }] : [];
  });
}

/** Bytes that all frames would take that are shared, at the worst time. */
export function breakAllBytes(shareouts: readonly Shareout[]): number {
  return shareouts.reduce((most, { reclaimedBytes }) => Math.max(most, reclaimedBytes), 0);
}
