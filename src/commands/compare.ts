import { PagekinError } from "../errors.js";
import { type Comparison, comparePolicies } from "../policies/compare.js";
import { type Policy, type PolicyContext, TENANT_LABEL } from "../policies/policy.js";
import { knownLabel, POLICY_FORMS, parsePolicies } from "../policies/registry.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { printPolicies } from "../report/policy-summary.js";
import * as tables from "../report/policy-tables.js";
import type { KernelSettings } from "../sharing/kernel.js";
import { SpectrumWriter } from "../spectrum/write.js";
import { breathe } from "../system/pace.js";
import { readRows } from "../text/read-csv.js";
import { VERSION } from "../version.js";
import { type Arguments, type Command, dumpOptions, parseCount, runOptions, sourceOptions } from "./options.js";
import { openSpectra, type Spectra } from "./spectra.js";

const KERNEL_DEFAULT_SHARING = 256;

const options = {
  policy: {
    type: "string",
    array: true,
    describe: `who may share with whom; may be given several times: ${POLICY_FORMS} [default: one-group, per-member, zero-only, and by the tenant label where all have one]`,
  },
  inventory: sourceOptions.inventory,
  "page-size": {
    type: "string",
    describe: "page sizes, powers of two from 1k to 2m, by commas [default: 4k; where that is missing all there are]",
  },
  entitlement: {
    type: "string",
    choices: ["shapley", "proportional"],
    default: "shapley",
    describe: "what part of a saving is a member's",
  },
  "tenant-label": {
    type: "string",
    describe: "label that names a member's tenant [default: tenant, where there is one; else each member is its own]",
  },
  together: { type: "string", array: true, describe: "members (a,b) that similar and best keep in one group" },
  apart: { type: "string", array: true, describe: "members (a,b) that similar and best keep in different groups" },
  "max-group": { type: "string", describe: "most members of a group, for similar and best [default: no limit]" },
  add: {
    type: "string",
    array: true,
    describe: "member to add: the frames that it costs in each group go to marginal.csv",
  },
  "max-page-sharing": {
    type: "string",
    describe:
      "what ksmd would hold at rest, with at most so many pages a frame, from 2 [default: not computed; with --use-zero-pages alone 256]",
  },
  "use-zero-pages": {
    type: "boolean",
    default: false,
    describe: "what ksmd would hold at rest with zero pages mapped to the kernel's own zero page",
  },
  ...dumpOptions,
  ...runOptions,
} as const;

export const command: Command<typeof options> = {
  options,
  about: "Or the only source is a spectrum.parquet that analyze or compare wrote.",
  example: [
    "pagekin compare --inventory traces/guests.csv --policy one-group --policy by:tenant --policy best:2",
    "what keeping tenants apart costs",
  ],
  run: compare,
};

/** Sources → spectra → policies scored → tables and summary. */
async function compare(args: Arguments<typeof options>): Promise<void> {
  const spectra = await openSpectra(args);
  const tenantLabel = tenantLabelOf(args.tenantLabel, spectra);
  const added = args.add ?? [];
  for (const member of added) refuseUnknown("add", member, spectra);
  refuseTwice("add", added);
  const settings = {
    policies: await parsePolicies(policiesOf(args.policy, tenantLabel, spectra), contextOf(args, tenantLabel, spectra)),
    entitlement: args.entitlement as "shapley" | "proportional",
    tenantLabel,
    kernel: kernelOf(args),
    add: added,
  };
  refuseIdleLimits(args, settings.policies);
  const output = Output.open(args.out, args.force, spectra.opened);
  const { labelNames, memberNotes } = spectra;
  const spectrumFile = SpectrumWriter.create(output.place("spectrum.parquet"), VERSION, labelNames, memberNotes);

  const began = performance.now();
  const comparisons: Comparison[] = [];
  for await (const spectrum of spectra.each()) {
    spectrumFile.add(spectrum);
    comparisons.push(...(await comparePolicies(spectrum, settings, breathe)));
  }
  spectrumFile.finish();
  const seconds = (performance.now() - began) / 1000;

  await output.writeTables([
    tables.policiesTable(comparisons),
    tables.groupsTable(comparisons, settings.kernel !== undefined),
    tables.membersTable(comparisons, spectra.labelNames),
    tables.mergesTable(comparisons),
    ...(settings.add.length > 0 ? [tables.marginalTable(comparisons)] : []),
  ]);
  const { sources, pageSizes, resources } = spectra;
  const files = await writeManifest(output, { args, sources, pageSizes, resources, seconds });
  if (!args.quiet)
    await printPolicies(comparisons, {
      folder: args.out,
      files,
      seconds,
      json: args.json,
      notes: spectra.notes(),
    });
}

function policiesOf(
  asked: readonly string[] | undefined,
  tenantLabel: string | undefined,
  { isLabelled }: Spectra,
): readonly string[] {
  if (asked && asked.length > 0) return asked;
  const byTenant = tenantLabel !== undefined && isLabelled(tenantLabel) ? [`by:${tenantLabel}`] : [];
  return ["one-group", "per-member", "zero-only", ...byTenant];
}

function tenantLabelOf(asked: string | undefined, spectra: Spectra): string | undefined {
  if (asked !== undefined) return knownLabel(asked, spectra);
  return spectra.labelNames.includes(TENANT_LABEL) ? TENANT_LABEL : undefined;
}

function contextOf(
  { together, apart, maxGroup }: Arguments<typeof options>,
  tenantLabel: string | undefined,
  spectra: Spectra,
): PolicyContext {
  const listsOf = (option: string, texts: readonly string[] | undefined) =>
    (texts ?? []).map((text) => {
      const members = text.split(",");
      if (members.length < 2) {
        throw new PagekinError(`--${option} ${text} names one member`, { hint: "name two or more, by commas" });
      }
      for (const member of members) refuseUnknown(option, member, spectra);
      refuseTwice(option, members);
      return members;
    });
  return {
    labelNames: spectra.labelNames,
    tenantLabel,
    limits: {
      together: listsOf("together", together),
      apart: listsOf("apart", apart),
      maxGroup: maxGroup === undefined ? Infinity : parseCount(maxGroup, "max-group", 1),
    },
    readRows,
  };
}

function refuseUnknown(option: string, member: string, { memberNames }: Spectra): void {
  if (memberNames.has(member)) return;
  const names = [...memberNames];
  const some = `${names.slice(0, 8).join(", ")}${names.length > 8 ? ", ..." : ""}`;
  throw new PagekinError(`--${option} ${member}: there is no such member`, { hint: `there are ${some}` });
}

function refuseTwice(option: string, members: readonly string[]): void {
  const twice = members.find((member, i) => members.indexOf(member) !== i);
  if (twice !== undefined) throw new PagekinError(`--${option} names ${twice} twice`, { hint: "name it once" });
}

/** Limits that no policy keeps to would be believed to hold. */
function refuseIdleLimits(args: Arguments<typeof options>, policies: readonly Policy[]): void {
  if (policies.some((policy) => policy.kind === "grouping" && policy.limited)) return;
  const idle = (["together", "apart", "max-group"] as const).find((option) => [args[option] ?? []].flat().length > 0);
  if (idle)
    throw new PagekinError(`--${idle} binds similar and best alone`, { hint: "add such a --policy, or leave it out" });
}

function kernelOf({ maxPageSharing, useZeroPages }: Arguments<typeof options>): KernelSettings | undefined {
  if (maxPageSharing === undefined && !useZeroPages) return undefined;
  return {
    maxPageSharing:
      maxPageSharing === undefined ? KERNEL_DEFAULT_SHARING : parseCount(maxPageSharing, "max-page-sharing", 2),
    useZeroPages,
  };
}
