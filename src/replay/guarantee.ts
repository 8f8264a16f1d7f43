// What a member can count on (GRP, section 5.2): how its memory was spread over time, and what the host would need at once
// if all sharing broke.

import type { Shareout } from "./course.js";

export const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/** Bytes. */
export interface Spread {
  least: number;
  most: number;
  /** In the order of QUANTILES, weighted by time. */
  quantiles: number[];
}

/** An amount, and how long it lasted. */
export interface Amount {
  bytes: number;
  weight: number;
}

/** How amounts were spread over time. */
export function spreadOf(amounts: readonly Amount[]): Spread {
  const sorted = [...amounts].sort((a, b) => a.bytes - b.bytes);
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

/** Amounts that hold from one time at which memory is given out to the next, the last one until endNs; undefined: none. */
export function amountsOver(
  shareouts: readonly Shareout[],
  endNs: number,
  bytesOf: (shareout: Shareout) => number | undefined,
): Amount[] {
  return shareouts.flatMap((shareout, i) => {
    const bytes = bytesOf(shareout);
    return bytes === undefined ? [] : [{ bytes, weight: (shareouts[i + 1]?.ns ?? endNs) - shareout.ns }];
  });
}

/** Bytes that all frames would take that are shared, at the worst time. */
export function breakAllBytes(shareouts: readonly Shareout[]): number {
  return shareouts.reduce((most, { reclaimedBytes }) => Math.max(most, reclaimedBytes), 0);
}
