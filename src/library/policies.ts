// Policies as a script uses them: everything but the policies has a default.

import { type CompareSettings, type Comparison, comparePolicies as compareOn } from "../policies/comparison.js";
import type { Limits, Policy, PolicyContext } from "../policies/policy.js";
import { parsePolicies as parseIn } from "../policies/registry.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import { Inputs } from "../system/inputs.js";
import { breathe } from "../system/pace.js";
import { readRows } from "../text/read-csv.js";
import { type CallOptions, inCall } from "./call.js";
import {
  checkArgument,
  checkOptions,
  FUNCTION,
  type Kinds,
  LISTS,
  NUMBER,
  OBJECT,
  OBJECTS,
  oneOf,
  SIGNAL,
  TEXT,
  TEXTS,
} from "./check.js";

type Optional<Settings> = { [Name in keyof Settings]?: Settings[Name] | undefined };

/** entitlement: default `shapley`; tenantLabel: default none, each member is its own tenant; kernel, add and hosts: default none. */
export interface CompareOptions
  extends Pick<CompareSettings, "policies">,
    Optional<Omit<CompareSettings, "policies">>,
    CallOptions {}

/** labelNames, tenantLabel: default none; readRows: default from CSV files. */
export interface PolicyOptions extends Optional<Omit<PolicyContext, "limits">> {
  limits?: Optional<Limits> | undefined;
}

const COMPARE_KINDS: Kinds<CompareOptions> = {
  policies: OBJECTS,
  entitlement: oneOf(["shapley", "proportional"]),
  tenantLabel: TEXT,
  kernel: OBJECT,
  add: TEXTS,
  hosts: OBJECT,
  signal: SIGNAL,
};
const POLICY_KINDS: Kinds<PolicyOptions> = {
  labelNames: TEXTS,
  tenantLabel: TEXT,
  limits: OBJECT,
  readRows: FUNCTION,
};
const LIMIT_KINDS: Kinds<Limits> = {
  together: LISTS,
  apart: LISTS,
  maxGroup: NUMBER,
};

/** The policies of several texts, as `--policy` has them; each may be there once. */
export async function parsePolicies(texts: readonly string[], options: PolicyOptions = {}): Promise<Policy[]> {
  const what = 'an array of policies, such as ["by:tenant"]';
  checkArgument("parsePolicies", "the first argument", texts, { ...TEXTS, what });
  checkOptions("parsePolicies", options, POLICY_KINDS);
  checkOptions("parsePolicies", options.limits ?? {}, LIMIT_KINDS);
  const { labelNames = [], tenantLabel, limits: { together = [], apart = [], maxGroup = Infinity } = {} } = options;
  const readFile: PolicyContext["readRows"] = (file, columns) => readRows(file, new Inputs(), columns);
  const { readRows: read = readFile } = options;
  return parseIn(texts, { labelNames, tenantLabel, limits: { together, apart, maxGroup }, readRows: read });
}

/** Compares policies on a spectrum: with zero pages, and with those left out. */
export async function comparePolicies(spectrum: Spectrum, options: CompareOptions): Promise<Comparison[]> {
  checkArgument("comparePolicies", "the first argument", spectrum, { ...OBJECT, what: "a spectrum" });
  checkOptions("comparePolicies", options, COMPARE_KINDS);
  const { policies, entitlement = "shapley", tenantLabel, kernel, add = [], hosts } = options;
  checkArgument("comparePolicies", "policies", policies, OBJECTS);
  return inCall(options, () =>
    compareOn(spectrum, { policies, entitlement, tenantLabel, kernel, add, hosts }, breathe),
  );
}
