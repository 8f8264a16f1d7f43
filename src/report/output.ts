// The result folder: which files are pagekin's there, and which are not to be touched.

import { existsSync, lstatSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromSystem, PagekinError, quoted, quotedList } from "../errors.js";
import { displayName } from "../sources/names.js";
import { identityOf, type Source } from "../sources/source.js";
import { isResultName } from "../system/journal.js";
import { OWN_PREFIX } from "../system/owner.js";
import { isThere, readPlainFile } from "../system/plain-file.js";
import { Staging, tidy } from "../system/staging.js";
import { type Table, writeTable } from "../text/write-csv.js";

const MANIFEST = "manifest.json";
const MOST_MANIFEST_BYTES = 2 ** 28;

export class Output {
  private readonly files: string[] = [];

  private constructor(
    /** The folder that the results will be in. */
    private readonly folder: string,
    private readonly command: string,
    private readonly staging: Staging,
  ) {}

  /**
   * Makes sure that results can be written to a folder: files there that no earlier manifest names need `force`, and none
   * of the sources may be there, since earlier results are replaced. Those of another command stay.
   */
  static async open(
    { out: folder, force }: { out: string; force: boolean },
    command: string,
    sources: readonly { source: Source }[],
  ): Promise<Output> {
    try {
      checkIsFolder(folder);
      refuseSourcesIn(folder, sources);
      await tidy(folder);
      if (!force && otherFiles(folder).length > 0) {
        // Another run may have begun to move its results there.
        await tidy(folder);
        refuseOtherFiles(folder);
      }
      return new Output(folder, command, Staging.open(folder));
    } catch (error) {
      throw fromSystem(error, folder);
    }
  }

  /** Notes a file, and tells where to write it until all are complete, and how errors call it. */
  place(file: string): { path: string; shownAs: string } {
    this.files.push(file);
    return this.staging.place(file);
  }

  /** An interrupt that came while there was no time for it counts: nothing is written then. */
  async writeTables(tables: readonly Table[]): Promise<void> {
    await new Promise(setImmediate);
    for (const table of tables) {
      const place = this.place(table.file);
      try {
        await writeTable(place.path, table);
      } catch (error) {
        throw fromSystem(error, place.shownAs);
      }
    }
  }

  /** Moves everything to its place, with a manifest that names the files; gives their names. */
  async commit(manifest: Record<string, unknown>): Promise<string[]> {
    const place = this.place(MANIFEST);
    const { files } = this;
    const { kept } = this.earlier();
    const text = JSON.stringify({ ...manifest, files, ...(kept.length > 0 ? { kept } : {}) }, null, 2);
    writeManifest(place, `${text}\n`);
    try {
      await this.staging.commit(() => {
        const now = this.earlier();
        if (now.kept.join() === kept.join()) return { files, replaced: now.replaced };
        const hint = "give each command a folder of its own with --out";
        throw new PagekinError("another command wrote there meanwhile", { file: this.folder, hint });
      });
    } catch (error) {
      throw fromSystem(error, this.folder);
    }
    return files;
  }

  /**
   * The files of earlier runs: those that this run replaces, the manifest before all others, and those of other commands.
   * Looked at late: another run may have written there meanwhile.
   */
  private earlier(): { replaced: string[]; kept: string[] } {
    const { folder, command, files } = this;
    const earlier = manifestIn(folder);
    const known = new Set([...earlier.files, ...earlier.kept]);
    const foreign = files.find((file) => isThere(path.join(folder, file)) && !known.has(file));
    if (foreign) {
      const hint = "choose another --out; --force replaces nothing that is not pagekin's";
      throw new PagekinError(`${quoted(foreign)} is there already`, { file: folder, hint });
    }
    const isReplaced = (file: string) =>
      files.includes(file) || (earlier.command === command && earlier.files.includes(file));
    const all = [...known];
    return { replaced: all.filter(isReplaced), kept: all.filter((file) => !isReplaced(file)) };
  }
}

function checkIsFolder(folder: string): void {
  if (!isThere(folder)) return;
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return;
  const what = stat ? "--out is a file" : "--out is a link to nothing";
  throw new PagekinError(what, { file: folder, hint: "name a folder" });
}

function refuseSourcesIn(folder: string, sources: readonly { source: Source }[]): void {
  if (!existsSync(folder)) return;
  const there = new Set(
    readdirSync(folder).map((file) => {
      // What another run has there may go at any moment.
      const stat = lstatSync(path.join(folder, file), { bigint: true, throwIfNoEntry: false });
      return stat && identityOf(stat);
    }),
  );
  const files = sources.flatMap(({ source }) => source.parts ?? [source]);
  const inside = files.find(({ identity }) => identity !== undefined && there.has(identity));
  if (!inside) return;
  throw new PagekinError("a source lies in the folder for the results", {
    file: displayName(inside.name),
    hint: "name another folder with --out, such as --out other",
  });
}

/** Files that no earlier manifest names. */
function otherFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const { files, kept } = manifestIn(folder);
  const earlier = new Set([...files, ...kept]);
  return readdirSync(folder).filter((file) => !earlier.has(file) && !file.startsWith(OWN_PREFIX));
}

function refuseOtherFiles(folder: string): void {
  const others = otherFiles(folder);
  if (others.length === 0) return;
  throw new PagekinError(`--out holds files that are not pagekin's (${quotedList(others)})`, {
    file: folder,
    hint: "choose another folder, or --force to write beside them",
  });
}

interface EarlierManifest {
  /** The files that a run wrote, those that are there still: the manifest, then those that it names. */
  files: string[];
  /** Those of other commands before it. */
  kept: string[];
  /** The first word of its command. */
  command: string | undefined;
}

/** What an earlier run says of a folder's files; nothing if there is no manifest of pagekin's. */
function manifestIn(folder: string): EarlierManifest {
  const none = { files: [], kept: [], command: undefined };
  try {
    const text = readPlainFile(path.join(folder, MANIFEST), MOST_MANIFEST_BYTES) ?? "";
    const { pagekin, files, kept = [], command } = JSON.parse(text);
    if (typeof pagekin !== "string" || !Array.isArray(files) || !Array.isArray(kept)) return none;
    const there = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const plain = new Set(there.map(({ name }) => name));
    const known = (names: readonly unknown[]) =>
      [...new Set(names)].filter((name): name is string => isResultName(name) && plain.has(name));
    return { files: known([MANIFEST, ...files]), kept: known(kept), command: command?.[1] };
  } catch {
    return none;
  }
}

function writeManifest({ path: file, shownAs }: { path: string; shownAs: string }, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    throw fromSystem(error, shownAs);
  }
}
