import type { Grouping } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";

/** A rule that makes groups of all members of a world. `zero-only` is no grouping: all members share the zero content alone. */
export type Policy = { text: string } & (GroupingPolicy | { kind: "zero-only" });

export interface GroupingPolicy {
  kind: "grouping";
  group: Group;
  /** Members that it needs at least. */
  least?: number;
  /** It keeps to the limits. */
  limited?: boolean;
}

/** Makes the groups of a world. `pause` is awaited now and then in long work. */
export type Group = (view: View, pause: Pause) => Grouped | Promise<Grouped>;

/** Lets others have their turn, where it is time for that. */
export type Pause = () => Promise<void> | undefined;

/** A grouping, and where the policy looked for the one that saves most what no grouping of its kind exceeds. */
export interface Grouped extends Grouping {
  mostSaved?: number;
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

/** What `similar` and `best` must keep to. */
export interface Limits {
  /** Lists of members that must be in one group. */
  together: readonly (readonly string[])[];
  /** Lists of members of which no two may be in one group. */
  apart: readonly (readonly string[])[];
  /** Most members of a group. */
  maxGroup: number;
}
