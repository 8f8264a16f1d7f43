import type { Grouping } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";
import type { SpectrumMember } from "../spectrum/spectrum.js";
import type { Pause } from "../system/pace.js";

/** A rule for who may share with whom, and the text that it was made from. */
export type Policy = { text: string } & MadePolicy;

/** `zero-only` makes no groups: all members share the zero content and nothing else. */
export type MadePolicy = (GroupingPolicy | { kind: "zero-only" }) & {
  /** It keeps to --together, --apart and --max-group. */
  limited?: boolean;
};

export interface GroupingPolicy {
  kind: "grouping";
  group: Grouper;
  /** Members that it needs at least. */
  least?: number;
  /** Members that share nothing, not even with themselves: each page is a frame. They are a group of their own. */
  excludes?: (member: SpectrumMember) => boolean;
}

/** Makes the groups of a world. `pause` is awaited now and then in long work. */
export type Grouper = (view: View, pause: Pause) => Grouped | Promise<Grouped>;

/** A grouping, and where the policy looked for the one that saves most what no grouping of its kind exceeds. */
export interface Grouped extends Grouping {
  mostSaved?: number;
}

/** What `--policy` and scenarios may name. Each is defined in a file of its own; registry.ts lists them. */
export interface PolicyEntry {
  /** What the text begins with, up to a colon. */
  name: string;
  /** How it is written, for help and errors: `NAME` without an argument, `NAME:WHAT` with one. */
  forms: readonly string[];
  /** All that it makes keep to the limits. */
  limited?: boolean;
  /** argument: what follows the colon, "" without one. An argument that makes no sense is a PagekinError. */
  make(argument: string, context: MakeContext): MadePolicy | Promise<MadePolicy>;
}

/** What an entry makes a policy from, besides its argument. */
export interface MakeContext extends PolicyContext {
  /** Another policy, from its text. */
  parse(text: string): Promise<Policy>;
}

/** The label that names a member's tenant, unless another is asked for. */
export const TENANT_LABEL = "tenant";

/** What policies are made from, besides their text. */
export interface PolicyContext {
  /** Names of the inventory's labels. */
  labelNames: readonly string[];
  /** The label that names the tenant, if there is one. */
  tenantLabel: string | undefined;
  limits: Limits;
  /** Reads a CSV file's rows, by column; an error names what is wrong with it. */
  readRows(file: string, columns: readonly string[]): Promise<Record<string, string>[]>;
}

/** What policies that are `limited` keep to. */
export interface Limits {
  /** Lists of members that must be in one group. */
  together: readonly (readonly string[])[];
  /** Lists of members of which no two may be in one group. */
  apart: readonly (readonly string[])[];
  /** Most members of a group. */
  maxGroup: number;
}
