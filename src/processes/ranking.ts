// Processes by footprint, and which of them are worth a private group. Source: SEMMA (2013), section IV.A and IV.B.

import type { ContentSample } from "./content-sample.js";
import { estimateGroup, estimateMembers, type MemberEstimate, type SavedPages } from "./estimate.js";

export interface Process {
  /** Its name as a member. */
  member: string;
  pid: number | undefined;
  name: string;
  /** Of a live process: pages that it shares with others since a fork, and what the kernel says of its merging. */
  forkSharedPages?: number;
  ksm?: Record<string, number> | undefined;
}

export interface Thresholds {
  minResidentPages: number;
  /** From 0 to 1, of the sum of both rates. */
  minSharing: number;
}

export interface RankedProcess extends Process, MemberEstimate {
  selected: boolean;
}

export interface Ranking {
  /** Part of the contents that is in the sample. */
  fraction: number;
  /** Largest first. */
  processes: RankedProcess[];
  /** What all of them save together, and the selected ones. */
  all: SavedPages;
  group: SavedPages;
}

/** processes: by member of the sample. */
export function rankProcesses(processes: readonly Process[], sample: ContentSample, thresholds: Thresholds): Ranking {
  const { minResidentPages, minSharing } = thresholds;
  const ranked = estimateMembers(sample).map((estimate, i): RankedProcess => {
    const isLarge = estimate.pages >= minResidentPages;
    return { ...processes[i], ...estimate, selected: isLarge && estimate.bothRate >= minSharing };
  });
  const members = [...ranked.keys()];
  return {
    fraction: sample.fraction,
    processes: [...ranked].sort((a, b) => b.pages - a.pages),
    all: estimateGroup(sample, members),
    group: estimateGroup(
      sample,
      members.filter((member) => ranked[member].selected),
    ),
  };
}
