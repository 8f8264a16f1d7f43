// What a run came to, and what isolation cost it over time, beside a run of one group.

import { sumOf } from "./sample.js";
import { lastOf, type Samples, savedAt } from "./samples.js";
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

export function outcomeOf(samples: Samples): Outcome {
  const { ns, groups } = lastOf(samples);
  const { cpuSeconds, cowBreaks, metadataBytes } = sumOf(groups);
  const { savedPages, savedPageSeconds } = savingOf(samples);
  return {
    endNs: ns,
    savedPages,
    savedPageSeconds,
    secondsToMost: savedPages > 0 ? secondsTo(samples, MOST_OF_IT * savedPages) : undefined,
    cpuSeconds,
    cowBreaks,
    metadataBytes,
  };
}

/** When so many pages were first saved. */
function secondsTo(samples: Samples, pages: number): number | undefined {
  for (let i = 0; i < samples.count; i++) if (savedAt(samples, i) >= pages) return samples.ns[i] / NANOSECONDS;
  return undefined;
}

/** As the outcome has them. */
export function savingOf(samples: Samples): Pick<Outcome, "savedPages" | "savedPageSeconds"> {
  return { savedPages: savedAtEnd(samples), savedPageSeconds: pageSeconds(samples, endOf(samples)) };
}

export const savedAtEnd = (samples: Samples): number => savedAt(samples, samples.count - 1);

const endOf = ({ ns, count }: Samples): number => ns[count - 1];

/** Page-seconds that a run saved less than another, until the later of the two ends; each keeps what it has at its end. */
export function lostPageSeconds(samples: Samples, reference: Samples): number {
  if (samples === reference) return 0;
  const end = Math.max(endOf(samples), endOf(reference));
  return pageSeconds(reference, end) - pageSeconds(samples, end);
}

function pageSeconds(samples: Samples, endNs: number): number {
  const { ns, count } = samples;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const until = i + 1 < count ? ns[i + 1] : endNs;
    sum += (savedAt(samples, i) * (until - ns[i])) / NANOSECONDS;
  }
  return sum;
}
