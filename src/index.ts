// The library: what a script may import. docs/library.md explains it.

export type { PairCount } from "./core/counts.js";
export { EXIT, PagekinError } from "./errors.js";
export { type AnalyzeOptions, analyze, type SourceOptions, spectra } from "./library/analyze.js";
export type { CallOptions, OnProgress } from "./library/call.js";
export { fingerprintPages, type PageFingerprint } from "./library/fingerprint-pages.js";
export { type CompareOptions, comparePolicies, type PolicyOptions, parsePolicies } from "./library/policies.js";
export { readSpectra } from "./library/read-spectra.js";
export { type ReplayOptions, replay } from "./library/replay.js";
export type { Found, ReplayedRun, Snapshot, SourceFile, World, WorldResult } from "./library/results.js";
export type { CompareSettings, Comparison, PolicyResult } from "./policies/comparison.js";
export type { Capacity, HostResult, HostSettings } from "./policies/hosts.js";
export type { Grouped, Limits, Policy, PolicyContext } from "./policies/policy.js";
export { type AdvisorSettings, type AdvisorState, advise, startOfAdvisor } from "./replay/advise.js";
export type { Shareout, TimedDecision } from "./replay/course.js";
export type { GroupSample, Sample } from "./replay/sample.js";
export { type Grouping, groupBy } from "./sharing/grouping.js";
export type { Extremes, Growth } from "./sharing/growth.js";
export { type Score, score, type Tenants } from "./sharing/isolation.js";
export {
  type InterSharing,
  interSharing,
  nonzeroContents,
  pairRate,
  type SelfSharing,
  selfSharing,
} from "./sharing/rates.js";
export type { CopiesCount, Sharing } from "./sharing/sharing.js";
export { type View, viewOf } from "./sharing/view.js";
export type { Spectrum, SpectrumMember } from "./spectrum/spectrum.js";
export { VERSION } from "./version.js";
