// Where a fingerprint goes in tables: by multiplication with odd numbers that are drawn anew for each instance, since who
// chooses pages, or fingerprints in traces, could fill one place of a fixed choice. Of any two fingerprints, few multipliers
// bring both to one place. Source: Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem" (1997).

export let lowSeed: u64 = 1;
export let highSeed: u64 = 1;
export let lowPartSeed: u64 = 1;
export let highPartSeed: u64 = 1;

/** Odd numbers: of slots, and of the parts that a bucket is divided into. No result depends on them. */
export function setSeeds(low: u64, high: u64, lowPart: u64, highPart: u64): void {
  lowSeed = low;
  highSeed = high;
  lowPartSeed = lowPart;
  highPartSeed = highPart;
}
