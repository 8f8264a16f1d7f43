// Sources → snapshots with member and time → worlds: all snapshots of one time.

import { existsSync } from "node:fs";
import path from "node:path";
import { PagekinError, quoted } from "../errors.js";
import type { Inventory } from "../sources/inventory.js";
import { Labels } from "../sources/labels.js";
import { displayName, inFolder, isNamed, parseSource, type SourceName } from "../sources/names.js";
import { type DumpSettings, openSettings, USUAL_DUMPS } from "../sources/open-dump.js";
import { lookAt, type Source } from "../sources/source.js";
import { Inputs } from "../system/inputs.js";
import { breathe } from "../system/pace.js";
import { didYouMean } from "../text/nearest.js";
import { OWN_ALGORITHM } from "../traces/rows.js";
import { Sources } from "./sources.js";
import type { Snapshot } from "./world.js";

interface SourceSettings {
  /** Where relative paths begin, if not in the current folder. */
  folder?: string;
  /** The first of the sources, if it was looked at before: a pipe can be only once. */
  looked?: Source | undefined;
  /** Files that the run has read before. */
  inputs?: Inputs;
  dumps?: DumpSettings;
}

/**
 * Looks at what the command line and the inventory name, and sorts it into worlds by time. The headers of plain dumps are
 * checked before hours of work; compressed ones are unpacked when their turn comes. Who calls it closes the answer.
 */
export async function openSources(
  args: readonly string[],
  inventoryFile: string | undefined,
  { folder, looked, inputs = new Inputs(), dumps = USUAL_DUMPS }: SourceSettings = {},
): Promise<Sources> {
  const inventory = inventoryFile === undefined ? undefined : await loadInventory(inventoryFile, inputs);
  const named = args.map((text) => sourceIn(text, folder));
  const names: SourceName[] = [...named, ...(inventory?.sources ?? [])];
  if (names.filter((name) => name.path === "-").length > 1) {
    throw new PagekinError("standard input is named twice", { hint: "write one of the dumps to a file" });
  }
  if (names.length === 0) {
    throw new PagekinError("no input given", { hint: "name a dump or trace, NAME=PATH, or --inventory FILE.csv" });
  }
  const labels = new Labels(inventory);
  const sources = new Sources(inputs, openSettings(dumps, inputs), inventory?.labelNames ?? []);
  try {
    for (const [i, name] of names.entries()) {
      await sources.add((i === 0 && looked) || (await lookAt(name, inputs, dumps.format)), labels);
      const turn = breathe();
      if (turn) await turn;
    }
    checkDistinct(sources.snapshots);
    checkFiles(sources.snapshots);
    checkMaps(
      sources.snapshots.map(({ member, timeS, trace }) => ({ member, timeS, isTrace: trace !== undefined })),
      dumps,
    );
    checkAlgorithms(sources.snapshots);
    await sources.checkHeaders();
    return sources;
  } catch (error) {
    sources.close();
    throw error;
  }
}

function sourceIn(text: string, folder: string | undefined): SourceName {
  if (folder === undefined) return parseSource(text, existsSync);
  return inFolder(
    parseSource(text, (file) => existsSync(path.resolve(folder, file))),
    folder,
  );
}

// What reads inventories is loaded where there is one.
async function loadInventory(file: string, inputs: Inputs): Promise<Inventory> {
  const { readInventory } = await import("../sources/inventory.js");
  return readInventory(file, inputs);
}

function checkDistinct(snapshots: readonly Snapshot[]): void {
  const seen = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    const key = JSON.stringify([snapshot.member, snapshot.timeS]);
    const other = seen.get(key);
    if (other) {
      throw new PagekinError(
        `member ${quoted(snapshot.member)} appears twice at time ${snapshot.timeS} (also ${quoted(displayName(other.source.name))})`,
        { file: displayName(snapshot.source.name), hint: "give it a name or time of its own: NAME@SECONDS=PATH" },
      );
    }
    seen.set(key, snapshot);
  }
}

/**
 * A file that is named twice, by links too, would share all of its pages with itself. Whoever gives it a second name has
 * asked for that, and is told.
 */
function checkFiles(snapshots: readonly Snapshot[]): void {
  const seen = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    for (const { identity } of snapshot.source.parts ?? [snapshot.source]) {
      if (identity === undefined) continue;
      const other = seen.get(identity);
      if (other) noteSameFile(snapshot, other);
      seen.set(identity, snapshot);
    }
  }
}

function noteSameFile(snapshot: Snapshot, other: Snapshot): void {
  const isNamed = [snapshot, other].some(({ source }) => source.name.member !== undefined);
  const file = quoted(displayName(other.source.name));
  if (isNamed && snapshot !== other) {
    snapshot.fileNotes = [`The same file as ${file}, member ${quoted(other.member)}: they share all of it`];
    return;
  }
  throw new PagekinError(`is the same file as ${file}`, {
    file: displayName(snapshot.source.name),
    hint: "name it once; to have it as two members, give it a name of its own: NAME=PATH",
  });
}

/** Maps of resident pages must be for dumps that are there, and each for one. */
export function checkMaps(
  dumps: readonly { member: string; timeS: number; isTrace: boolean }[],
  { resident }: DumpSettings,
): void {
  for (const [name, map] of resident) {
    const [dump, ...more] = name === "" ? dumps : dumps.filter((one) => isNamed(name, one));
    if (!dump) {
      throw new PagekinError(`--resident names ${quoted(name)}, which has no source`, {
        hint: didYouMean(
          name,
          dumps.map(({ member }) => member),
        ),
      });
    }
    if (more.length > 0 && name === "") {
      throw new PagekinError("--resident MAP is for one dump", { hint: "write NAME=MAP for each dump" });
    }
    if (more.length > 0) {
      const what = `--resident names ${quoted(name)}, of which there are ${1 + more.length} dumps`;
      throw new PagekinError(what, { hint: "write NAME@SECONDS=MAP for each of them" });
    }
    if (dump.isTrace)
      throw new PagekinError("a trace has no pages to leave out", { file: map, hint: "give the dump itself" });
  }
}

function checkAlgorithms(snapshots: readonly Snapshot[]): void {
  const kindOf = ({ trace }: Snapshot) =>
    trace ? `${trace.algorithm}${trace.keyId ? `, key ${trace.keyId}` : ""}` : OWN_ALGORITHM;
  const first = snapshots[0];
  const other = snapshots.find((snapshot) => kindOf(snapshot) !== kindOf(first));
  if (!other) return;
  throw new PagekinError(
    `its fingerprints (${quoted(kindOf(other), 60)}) do not mix with those of ${quoted(displayName(first.source.name))} (${quoted(kindOf(first), 60)})`,
    { file: displayName(other.source.name), hint: "analyze them apart" },
  );
}
