// Where the spectra of `compare` come from: dumps and traces, or a spectrum that an earlier run saved.

import { existsSync } from "node:fs";
import path from "node:path";
import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import { indexWorlds, notedIn } from "../fingerprints/world-index.js";
import { Progress } from "../report/progress.js";
import type { ReadSource } from "../report/read-sources.js";
import { Labels } from "../sources/labels.js";
import { displayName, type LabelValues, parseSource } from "../sources/names.js";
import type { DumpSettings } from "../sources/open-dump.js";
import { isTrace, lookAt, placeOf, type Source, spoolTrace } from "../sources/source.js";
import type { SavedSpectrum } from "../spectrum/read.js";
import { labelOf, type Spectrum } from "../spectrum/spectrum.js";
import { Inputs } from "../system/inputs.js";
import { choosePageSizes } from "../worlds/page-sizes.js";
import { planResources, type Resources } from "../worlds/resources.js";
import { type Noted, notesByFile, notesByMember, readOf } from "../worlds/world.js";
import { openSources } from "../worlds/worlds.js";
import { startCrew } from "./crew.js";

export interface SpectraArguments extends DumpSettings {
  sources: string[];
  inventory: string | undefined;
  /** Bytes. */
  pageSize: number[] | undefined;
  workers: number | undefined;
  maxMemory: number | undefined;
  progress: boolean;
  quiet: boolean;
}

export interface Spectra {
  sources: { source: Source }[];
  /** All files that the run reads. */
  inputs: Inputs;
  /** Names of the labels, in the order of their columns. */
  labelNames: readonly string[];
  memberNames: Set<string>;
  /** Whether all members have a value of a label. */
  isLabelled(label: string): boolean;
  pageSizes: number[];
  resources: Resources | undefined;
  /** In the order of their times and page sizes. */
  each(): AsyncGenerator<Spectrum>;
  /** What was found besides, when all spectra have come. */
  found(): SpectraFound;
}

export interface SpectraFound {
  /** As the manifest names them. */
  sources: ReadSource[];
  /** What a person should know: with the names of files, and with those of members, as a spectrum keeps it. */
  notes: readonly string[];
  memberNotes: readonly string[];
}

export async function openSpectra(args: SpectraArguments): Promise<Spectra> {
  const inputs = new Inputs();
  const only = args.sources.length === 1 ? parseSource(inResults(args.sources[0]), existsSync) : undefined;
  if (!only) return fromSources(args, inputs);
  const looked = await lookAt(only, inputs, args.format);
  // A saved spectrum looks like a trace.
  if (!isTrace(looked)) return fromSources(args, inputs, looked);
  const source = await spoolTrace(looked);
  const { readSpectrum } = await import("../spectrum/read.js");
  const saved = await readSpectrum(placeOf(source));
  if (!saved) return fromSources(args, inputs, source);
  if (only.member !== undefined) {
    throw new PagekinError("a saved spectrum holds members with names of their own", {
      file: displayName(only),
      hint: "name its path alone",
    });
  }
  return fromSaved(source, saved, args, inputs);
}

/** The spectrum in a folder of results. */
function inResults(source: string): string {
  const file = path.join(source, "spectrum.parquet");
  return existsSync(file) ? file : source;
}

/** looked: the only source, where it was looked at. */
async function fromSources(args: SpectraArguments, inputs: Inputs, looked?: Source): Promise<Spectra> {
  const sources = await openSources(args.sources, args.inventory, { looked, inputs, dumps: args });
  const { worlds, labelNames } = sources;
  const snapshots = worlds.flatMap((world) => world.snapshots);
  const asked = args.pageSize;
  const pageSizes = asked ? choosePageSizes(worlds, asked) : normalOf(choosePageSizes(worlds, undefined));
  const resources = planResources(args, worlds);
  const noted: Noted[] = [];
  async function* each(): AsyncGenerator<Spectrum> {
    const crew = await startCrew(resources.workers, resources.bucketLimit);
    const progress = Progress.ofSources(snapshots, () => crew.bytesDone, args.progress && !args.quiet);
    const settings = { pageSizes, verify: false, tableLimit: resources.tableLimit };
    for await (const indexed of indexWorlds(sources, crew, settings)) {
      for (const one of notedIn([indexed])) noted.push(one);
      yield* indexed.spectra;
    }
    await sources.finish();
    crew.close();
    progress.stop();
  }
  return {
    sources: snapshots,
    inputs,
    labelNames,
    memberNames: new Set(snapshots.map(({ member }) => member)),
    isLabelled: (label) => snapshots.every((one) => labelOf(one, label) !== ""),
    pageSizes,
    resources,
    each,
    found: () => ({
      sources: noted.map(readOf),
      notes: notesByFile(noted),
      memberNotes: notesByMember(noted),
    }),
  };
}

/** 4 KiB alone where that is among them. */
function normalOf(pageSizes: number[]): number[] {
  return pageSizes.includes(BASE_PAGE_BYTES) ? [BASE_PAGE_BYTES] : pageSizes;
}

async function fromSaved(
  source: Source,
  saved: SavedSpectrum,
  args: SpectraArguments,
  inputs: Inputs,
): Promise<Spectra> {
  const { labelNames, spectra } = await relabelled(saved, args.inventory, inputs);
  const held = [...new Set(spectra.map(({ pageBytes }) => pageBytes))].sort((a, b) => a - b);
  const asked = args.pageSize;
  const pageSizes = asked ? [...new Set(asked)].sort((a, b) => a - b) : normalOf(held);
  const missing = pageSizes.filter((size) => !held.includes(size));
  if (missing.length > 0) {
    throw new PagekinError(`the spectrum has no pages of ${missing.join(", ")} bytes`, {
      file: displayName(source.name),
      hint: `it has ${held.join(", ")}: choose from these with --page-size`,
    });
  }
  async function* each(): AsyncGenerator<Spectrum> {
    await inputs.refuseChanged();
    yield* spectra.filter(({ pageBytes }) => pageSizes.includes(pageBytes));
  }
  const file = displayName(source.name);
  return {
    sources: [{ source }],
    inputs,
    labelNames,
    memberNames: new Set(spectra.flatMap(({ members }) => members.map(({ member }) => member))),
    isLabelled: (label) => spectra.every(({ members }) => members.every((one) => labelOf(one, label) !== "")),
    pageSizes,
    resources: undefined,
    each,
    found: () => ({
      sources: [{ source, notes: saved.notes }],
      notes: saved.notes.map((note) => `${file}: ${note}`),
      memberNotes: saved.notes,
    }),
  };
}

/** The labels that an inventory gives to members stand for those that were saved of them. */
async function relabelled(
  saved: SavedSpectrum,
  inventoryFile: string | undefined,
  inputs: Inputs,
): Promise<SavedSpectrum> {
  if (inventoryFile === undefined) return saved;
  const { readInventory } = await import("../sources/inventory.js");
  const inventory = await readInventory(inventoryFile, inputs);
  const labels = new Labels(inventory);
  const labelNames = [...new Set([...saved.labelNames, ...inventory.labelNames])];
  return {
    notes: saved.notes,
    labelNames,
    spectra: saved.spectra.map((spectrum) => ({
      ...spectrum,
      members: spectrum.members.map((one) => ({
        member: one.member,
        // What the inventory does not say of a member stays as it was.
        labels: inOrder({ ...one.labels, ...labels.known(one.member, spectrum.timeS) }, labelNames),
      })),
    })),
  };
}

const inOrder = (labels: LabelValues, names: readonly string[]): LabelValues =>
  Object.fromEntries(names.map((name) => [name, labelOf({ labels }, name)]));
