// Where the spectra of `compare` come from: dumps and traces, or a spectrum that an earlier run saved.

import { existsSync } from "node:fs";
import { PagekinError } from "../errors.js";
import { Crew } from "../fingerprints/crew.js";
import { indexWorlds } from "../fingerprints/world-index.js";
import type { ManifestSource } from "../report/manifest.js";
import { Progress } from "../report/progress.js";
import { Labels } from "../sources/labels.js";
import { parseSource } from "../sources/names.js";
import { displayName, notesOf, type Opened, openSource } from "../sources/open.js";
import type { SavedSpectrum } from "../spectrum/read.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import { planResources, type Resources } from "../worlds/resources.js";
import { choosePageSizes, notesOfMembers, openSources, sourcesOf } from "../worlds/worlds.js";
import { type DumpArguments, parseDumps, parsePageSizes, parseResources } from "./options.js";

const NORMAL_PAGE_BYTES = 4096;

export interface SpectraArguments extends DumpArguments {
  sources: string[];
  inventory?: string | undefined;
  pageSize?: string | undefined;
  workers?: string | undefined;
  maxMemory?: string | undefined;
  progress: boolean;
  quiet: boolean;
}

export interface Spectra {
  opened: Opened[];
  /** As the manifest names them. */
  sources: ManifestSource[];
  /** Names of the labels, in the order of their columns. */
  labelNames: string[];
  memberNames: Set<string>;
  /** What is to be known of members: by their files, once these were read; and by their names, as a spectrum keeps it. */
  notes(): string[];
  memberNotes: string[];
  /** Whether all members have a value of a label. */
  isLabelled(label: string): boolean;
  pageSizes: number[];
  resources: Resources | undefined;
  /** In the order of their times and page sizes. */
  each(): AsyncGenerator<Spectrum>;
}

export async function openSpectra(args: SpectraArguments): Promise<Spectra> {
  const only = args.sources.length === 1 ? parseSource(args.sources[0], existsSync) : undefined;
  if (!only) return fromSources(args);
  const opened = await openSource(only, parseDumps(args));
  if (opened.format !== "parquet") return fromSources(args, opened);
  const { readSpectrum } = await import("../spectrum/read.js");
  const saved = await readSpectrum(opened);
  if (!saved) return fromSources(args, opened);
  if (only.member !== undefined) {
    throw new PagekinError("a saved spectrum holds members with names of their own", {
      file: displayName(only),
      hint: "name its path alone",
    });
  }
  return fromSaved(opened, saved, args);
}

/** opened: the only source, where it was looked at. */
async function fromSources(args: SpectraArguments, opened?: Opened): Promise<Spectra> {
  const { worlds, labelNames } = await openSources(args.sources, args.inventory, { opened, dumps: parseDumps(args) });
  const snapshots = worlds.flatMap((world) => world.snapshots);
  const asked = parsePageSizes(args.pageSize);
  const pageSizes = asked ? choosePageSizes(worlds, asked) : normalOf(choosePageSizes(worlds, undefined));
  const resources = planResources(parseResources(args), worlds);
  async function* each(): AsyncGenerator<Spectrum> {
    const crew = await Crew.start(resources.workers, resources.bucketLimit);
    const progress = Progress.ofSources(worlds, () => crew.bytesDone, args.progress && !args.quiet);
    const settings = { pageSizes, verify: false, tableLimit: resources.tableLimit };
    for await (const { spectra } of indexWorlds(worlds, crew, settings)) yield* spectra;
    crew.close();
    progress.stop();
  }
  const memberNames = new Set(snapshots.map(({ member }) => member));
  const isLabelled = (label: string) => snapshots.every(({ labels }) => labels[label]);
  return {
    opened: sourcesOf(worlds),
    sources: snapshots,
    labelNames,
    memberNames,
    notes: () => notesOf(sourcesOf(worlds)),
    memberNotes: notesOfMembers(worlds),
    isLabelled,
    pageSizes,
    resources,
    each,
  };
}

/** 4 KiB alone where that is among them. */
function normalOf(pageSizes: number[]): number[] {
  return pageSizes.includes(NORMAL_PAGE_BYTES) ? [NORMAL_PAGE_BYTES] : pageSizes;
}

async function fromSaved(opened: Opened, saved: SavedSpectrum, args: SpectraArguments): Promise<Spectra> {
  parseResources(args);
  const { labelNames, spectra } = await relabelled(saved, args.inventory);
  const held = [...new Set(spectra.map(({ pageBytes }) => pageBytes))].sort((a, b) => a - b);
  const asked = parsePageSizes(args.pageSize);
  const pageSizes = asked ? [...new Set(asked)].sort((a, b) => a - b) : normalOf(held);
  const missing = pageSizes.filter((size) => !held.includes(size));
  if (missing.length > 0) {
    throw new PagekinError(`the spectrum has no pages of ${missing.join(", ")} bytes`, {
      file: displayName(opened.name),
      hint: `it has ${held.join(", ")}: choose of these with --page-size`,
    });
  }
  async function* each(): AsyncGenerator<Spectrum> {
    yield* spectra.filter(({ pageBytes }) => pageSizes.includes(pageBytes));
  }
  const memberNames = new Set(spectra.flatMap(({ members }) => members.map(({ member }) => member)));
  const isLabelled = (label: string) => spectra.every(({ members }) => members.every(({ labels }) => labels[label]));
  const notes = () => saved.notes.map((note) => `${displayName(opened.name)}: ${note}`);
  const common = { labelNames, memberNames, notes, memberNotes: saved.notes, isLabelled, pageSizes, each };
  return { opened: [opened], sources: [{ opened }], resources: undefined, ...common };
}

/** The labels of an inventory stand for those that were saved. */
async function relabelled(saved: SavedSpectrum, inventoryFile: string | undefined): Promise<SavedSpectrum> {
  if (inventoryFile === undefined) return saved;
  const { readInventory } = await import("../sources/inventory.js");
  const inventory = await readInventory(inventoryFile);
  const labels = new Labels(inventory);
  return {
    notes: saved.notes,
    labelNames: [...new Set([...saved.labelNames, ...inventory.labelNames])],
    spectra: saved.spectra.map((spectrum) => ({
      ...spectrum,
      members: spectrum.members.map((one) => ({
        member: one.member,
        labels: { ...one.labels, ...labels.of(one.member, spectrum.timeS, undefined) },
      })),
    })),
  };
}
