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
   * of the sources may be there, since earlier results are replaced. Those of another command are not.
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
      refuseOtherCommand(folder, command);
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
    const { path: file, shownAs } = this.place(MANIFEST);
    const { files } = this;
    try {
      writeFileSync(file, `${JSON.stringify({ ...manifest, files }, null, 2)}\n`, { flag: "wx" });
    } catch (error) {
      throw fromSystem(error, shownAs);
    }
    try {
      await this.staging.commit(() => ({ files, replaced: this.replaced() }));
    } catch (error) {
      throw fromSystem(error, this.folder);
    }
    return files;
  }

  /** The files of an earlier run, the manifest before all others. Read late: another run may have written there meanwhile. */
  private replaced(): string[] {
    refuseOtherCommand(this.folder, this.command);
    const earlier = filesOfManifest(this.folder);
    const known = new Set(earlier);
    const foreign = this.files.find((file) => isThere(path.join(this.folder, file)) && !known.has(file));
    if (foreign) {
      const hint = "choose another --out; --force replaces nothing that is not pagekin's";
      throw new PagekinError(`${quoted(foreign)} is there already`, { file: this.folder, hint });
    }
    return earlier;
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
  const earlier = new Set(filesOfManifest(folder));
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

function refuseOtherCommand(folder: string, command: string): void {
  const [, other = command] = manifestIn(folder)?.command ?? [];
  if (other === command) return;
  throw new PagekinError(`--out holds results of ${quoted(other)}`, {
    file: folder,
    hint: "choose another folder, or delete this one",
  });
}

interface EarlierManifest {
  files: string[];
  /** As it was typed. */
  command: string[];
}

/** What an earlier run says of its files; undefined: there is no such manifest. */
function manifestIn(folder: string): EarlierManifest | undefined {
  try {
    const text = readPlainFile(path.join(folder, MANIFEST), MOST_MANIFEST_BYTES) ?? "";
    const { pagekin, files, command } = JSON.parse(text);
    return typeof pagekin === "string" && Array.isArray(files)
      ? { files, command: Array.isArray(command) ? command : [] }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The files that an earlier run wrote to a folder, those that are there still: the manifest, then those that it names. */
function filesOfManifest(folder: string): string[] {
  const manifest = manifestIn(folder);
  if (!manifest) return [];
  const there = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const plain = new Set(there.map(({ name }) => name));
  return [...new Set([MANIFEST, ...manifest.files])].filter((name) => isResultName(name) && plain.has(name));
}
