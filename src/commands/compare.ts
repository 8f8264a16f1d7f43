import { PagekinError, quoted } from "../errors.js";
import { knownLabel } from "../policies/argument.js";
import { type Comparison, comparePolicies } from "../policies/comparison.js";
import { HOST_LABEL, type HostSettings } from "../policies/hosts.js";
import { type Policy, type PolicyContext, TENANT_LABEL } from "../policies/policy.js";
import { LIMITED_POLICIES, POLICY_FORMS, parsePolicies } from "../policies/registry.js";
import { writeManifest } from "../report/manifest.js";
import { Output } from "../report/output.js";
import { printPolicies } from "../report/policy-summary.js";
import { comparisonTables } from "../report/policy-tables.js";
import type { KernelSettings } from "../sharing/kernel.js";
import { SpectrumWriter } from "../spectrum/write.js";
import { breathe } from "../system/pace.js";
import { didYouMean } from "../text/nearest.js";
import { parseCells } from "../text/parse-csv.js";
import { readRows } from "../text/read-csv.js";
import { VERSION } from "../version.js";
import { choice, count, flag, list, option, size, text } from "./option-kinds.js";
import { type Arguments, type Command, dumpOptions, inventory, pageSize, runOptionsOf } from "./options.js";
import { openSpectra, type Spectra } from "./spectra.js";

const KERNEL_DEFAULT_SHARING = 256;

const options = [
  list(
    text("policy", {
      describe: `who may share with whom (repeatable): ${POLICY_FORMS} [default: one-group, per-member, zero-only, and by:tenant where all members have that label]`,
    }),
  ),
  inventory,
  {
    ...pageSize,
    describe:
      "page sizes, comma-separated powers of two from 1k to 2m [default: 4k if the sources hold it, else all they hold]",
  },
  choice("entitlement", ["shapley", "proportional"], {
    default: "shapley",
    describe: "how savings are divided among members",
  }),
  text("tenant-label", {
    describe:
      "label holding each member's tenant [default: tenant if there is one; else each member is its own tenant]",
  }),
  members("together", `members (a,b) to keep in one group, for ${LIMITED_POLICIES}`),
  members("apart", `members (a,b) to keep in different groups, for ${LIMITED_POLICIES}`),
  count("max-group", { least: 1, describe: `maximum members in a group, for ${LIMITED_POLICIES} [default: no limit]` }),
  list(
    text("add", { describe: "price a member: the frames it would cost in each group, in marginal.csv (repeatable)" }),
  ),
  size("host-memory", {
    check: (bytes) => {
      if (bytes === 0)
        throw new PagekinError("--host-memory is 0", { hint: "give the memory of a host, such as 256g" });
    },
    describe:
      "memory of each host, to say how many more members fit; hosts come from the label host, else all members are on one [default: not computed]",
  }),
  count("max-page-sharing", {
    least: 2,
    describe:
      "model ksmd in its steady state with this max_page_sharing (2 or more) [default: off; 256 with --use-zero-pages]",
  }),
  flag("use-zero-pages", {
    describe: "model ksmd in its steady state with use_zero_pages: zero pages map to the kernel's zero page",
  }),
  ...dumpOptions,
  ...runOptionsOf("compare"),
] as const;

/** An option that names two members or more, and may be given several times. */
function members<N extends string>(name: N, describe: string) {
  return list(
    option(name, { describe }, (given) => {
      const named = parseCells(given);
      if (named && named.length > 1) return named;
      throw new PagekinError(`--${name} ${quoted(given)} names one member`, {
        hint: 'name two or more, comma-separated; a name with a comma is written "a,b"',
      });
    }),
  );
}

export const command: Command<typeof options> = {
  options,
  about:
    "Instead of dumps, SOURCE may be a spectrum.parquet written by analyze or compare, or the folder that holds it.",
  example: [
    "pagekin compare --inventory traces/busybox.csv --policy one-group --policy by:tenant",
    "the cost of keeping tenants apart",
  ],
  run: compare,
};

/** Sources → spectra → policies scored → tables and summary. */
async function compare(args: Arguments<typeof options>): Promise<void> {
  const spectra = await openSpectra(args);
  const tenantLabel = tenantLabelOf(args.tenantLabel, spectra);
  refuseUnknown("add", args.add, spectra);
  refuseTwice("add", args.add);
  const settings = {
    policies: await parsePolicies(policiesOf(args.policy, tenantLabel, spectra), contextOf(args, tenantLabel, spectra)),
    entitlement: args.entitlement,
    tenantLabel,
    kernel: kernelOf(args),
    add: args.add,
    hosts: hostsOf(args, spectra),
  };
  refuseIdleLimits(args, settings.policies);
  const output = await Output.open(args, "compare", spectra.sources);
  const spectrumFile = SpectrumWriter.create(output.place("spectrum.parquet"), VERSION, spectra.labelNames);

  const began = performance.now();
  const comparisons: Comparison[] = [];
  for await (const spectrum of spectra.each()) {
    await spectrumFile.add(spectrum);
    comparisons.push(...(await comparePolicies(spectrum, settings, breathe)));
  }
  const { sources, notes, memberNotes } = spectra.found();
  spectrumFile.finish(memberNotes);
  const seconds = (performance.now() - began) / 1000;

  const { pageSizes, resources, labelNames } = spectra;
  const asked = {
    labelNames,
    hasKernel: settings.kernel !== undefined,
    hasAdded: settings.add.length > 0,
    hasHosts: settings.hosts !== undefined,
  };
  await output.writeTables(comparisonTables(comparisons, asked));
  const files = await writeManifest(output, { args, sources, pageSizes, resources, seconds });
  if (!args.quiet)
    await printPolicies(comparisons, {
      folder: args.out,
      files,
      seconds,
      json: args.json,
      sources,
      notes: [...notes, ...new Set(comparisons.flatMap(({ notAdded, hostNotes }) => [...notAdded, ...hostNotes]))],
    });
}

function policiesOf(
  asked: readonly string[],
  tenantLabel: string | undefined,
  { isLabelled }: Spectra,
): readonly string[] {
  if (asked.length > 0) return asked;
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
  for (const [name, lists] of [
    ["together", together],
    ["apart", apart],
  ] as const) {
    for (const members of lists) {
      refuseUnknown(name, members, spectra);
      refuseTwice(name, members);
    }
  }
  return {
    labelNames: spectra.labelNames,
    tenantLabel,
    limits: { together, apart, maxGroup: maxGroup ?? Infinity },
    readRows: (file, columns) => readRows(file, spectra.inputs, columns),
  };
}

function refuseUnknown(option: string, members: readonly string[], { memberNames }: Spectra): void {
  const unknown = members.find((member) => !memberNames.has(member));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, [...memberNames]);
  throw new PagekinError(`--${option} names unknown member ${quoted(unknown)}`, { hint });
}

function refuseTwice(option: string, members: readonly string[]): void {
  const twice = members.find((member, i) => members.indexOf(member) !== i);
  if (twice !== undefined) throw new PagekinError(`--${option} names ${quoted(twice)} twice`, { hint: "name it once" });
}

/** Limits that no policy keeps to would be believed to hold. */
function refuseIdleLimits(args: Arguments<typeof options>, policies: readonly Policy[]): void {
  if (policies.some((policy) => policy.limited)) return;
  const idle = ["together", "apart", "max-group"].find((name) => [args.given[name] ?? []].flat().length > 0);
  if (idle)
    throw new PagekinError(`--${idle} binds ${LIMITED_POLICIES} alone`, {
      hint: "add such a --policy, or leave it out",
    });
}

function kernelOf({ maxPageSharing, useZeroPages }: Arguments<typeof options>): KernelSettings | undefined {
  if (maxPageSharing === undefined && !useZeroPages) return undefined;
  return { maxPageSharing: maxPageSharing ?? KERNEL_DEFAULT_SHARING, useZeroPages };
}

/** Members have hosts, or all are on one whose memory is known. */
function hostsOf({ hostMemory }: Arguments<typeof options>, { labelNames }: Spectra): HostSettings | undefined {
  const isLabelled = labelNames.includes(HOST_LABEL);
  return isLabelled || hostMemory !== undefined ? { isLabelled, memoryBytes: hostMemory } : undefined;
}
