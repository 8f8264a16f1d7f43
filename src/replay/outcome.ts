// What a run came to, and what isolation cost it over time, beside a run of one group.

import { reclaimedOf, type Sample, sumOf } from "./sample.js";
import { NANOSECONDS } from "./time.js";

/** Of the final saving, that a run should reach soon. */
const MOST_OF_IT = 0.9;

export interface Outcome {
  endNs: number;
  /** At the end, as the counters have it. */
  savedPages: number;
  /** Saved pages times the seconds that they were saved: each sample's until the next. */
  savedPageSeconds: number;
  /** Seconds until nine tenths of the final saving were first reached; undefined: nothing was saved in the end. */
  secondsToMost: number | undefined;
  cpuSeconds: number;
  cowBreaks: number;
  metadataBytes: number;
}

export function outcomeOf(samples: readonly Sample[]): Outcome {
  const last = samples[samples.length - 1];
  const { cpuSeconds, cowBreaks, metadataBytes, ...counters } = sumOf(last.groups);
  const savedPages = pagesSaved(last);
  const most = samples.find((sample) => pagesSaved(sample) >= MOST_OF_IT * savedPages);
  return {
    endNs: last.ns,
    savedPages: counters.pagesSharing + counters.zeroPages,
    savedPageSeconds: pageSeconds(samples, last.ns),
    secondsToMost: savedPages > 0 && most ? most.ns / NANOSECONDS : undefined,
    cpuSeconds,
    cowBreaks,
    metadataBytes,
  };
}

/** Page-seconds that a run saved less than another, until the later of the two ends; each keeps what it has at its end. */
export function lostPageSeconds(samples: readonly Sample[], reference: readonly Sample[]): number {
  const end = Math.max(samples[samples.length - 1].ns, reference[reference.length - 1].ns);
  return pageSeconds(reference, end) - pageSeconds(samples, end);
}

const pagesSaved = ({ groups }: Sample): number => groups.reduce((sum, group) => sum + reclaimedOf(group), 0);

function pageSeconds(samples: readonly Sample[], endNs: number): number {
  return samples.reduce((sum, sample, i) => {
    const until = samples[i + 1]?.ns ?? endNs;
    return sum + (pagesSaved(sample) * (until - sample.ns)) / NANOSECONDS;
  }, 0);
}
