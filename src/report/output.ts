// The result folder: files are written to a folder beside it and renamed at the end, so they appear whole or not at all.

import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fromSystem, PagekinError } from "../errors.js";
import { displayName } from "../sources/names.js";
import { identityOf, type Source } from "../sources/source.js";
import { onExit } from "../system/cleanup.js";
import { makeFolders } from "../system/folders.js";
import type { Table } from "../text/write-csv.js";

const MANIFEST = "manifest.json";
const STAGING = ".pagekin-";

export class Output {
  private readonly files: string[] = [];

  private constructor(
    /** The folder that the results will be in. */
    readonly folder: string,
    /** The folder where they are written. */
    readonly staging: string,
    private readonly forget: () => void,
  ) {}

  /**
   * Makes sure that results can be written to a folder: files there that no earlier manifest names need `force`, and none
   * of the sources may be there, since earlier results are replaced.
   */
  static open(folder: string, force: boolean, sources: readonly { source: Source }[]): Output {
    refuseSourcesIn(folder, sources);
    checkFolder(folder, force);
    // In a folder that is there already, since what is beside it may be another file system.
    const place = path.resolve(folder);
    const parent = existsSync(folder) ? place : path.dirname(place);
    let made: string | undefined;
    try {
      made = makeFolders(parent);
      const staging = mkdtempSync(path.join(parent, STAGING));
      // mkdtemp makes it for its owner alone.
      chmodSync(staging, 0o777 & ~process.umask());
      const forget = onExit(() => {
        rmSync(staging, { recursive: true, force: true });
        removeEmpty(parent, made);
      });
      return new Output(folder, staging, forget);
    } catch (error) {
      removeEmpty(parent, made);
      throw fromSystem(error, folder);
    }
  }

  /** Notes a file, and tells where to write it: to the staging folder, and how errors call it. */
  place(file: string): { path: string; shownAs: string } {
    this.files.push(file);
    return { path: path.join(this.staging, file), shownAs: path.join(this.folder, file) };
  }

  /** An interrupt that came while there was no time for it counts: nothing is written then. */
  async writeTables(tables: readonly Table[]): Promise<void> {
    await new Promise(setImmediate);
    for (const { file, pieces } of tables) {
      const place = this.place(file);
      const fd = openSync(place.path, "wx");
      try {
        for (const piece of pieces) writeFileSync(fd, piece);
      } catch (error) {
        throw fromSystem(error, place.shownAs);
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Moves everything to its place, with a manifest that names the files; gives their names. */
  commit(manifest: Record<string, unknown>): string[] {
    const files = [...this.files, MANIFEST];
    // Read again: another run may have written there in the meantime.
    const earlier = filesOfManifest(path.join(this.folder, MANIFEST));
    const foreign = files.find((file) => existsSync(path.join(this.folder, file)) && !earlier.includes(file));
    if (foreign) {
      const hint = "choose another --out; --force replaces nothing that is not pagekin's";
      throw new PagekinError(`${foreign} is there already`, { file: this.folder, hint });
    }
    try {
      writeFileSync(path.join(this.staging, MANIFEST), `${JSON.stringify({ ...manifest, files }, null, 2)}\n`);
      if (!existsSync(this.folder)) {
        renameSync(this.staging, this.folder);
      } else {
        for (const file of files) renameSync(path.join(this.staging, file), path.join(this.folder, file));
        for (const file of earlier) if (!files.includes(file)) rmSync(path.join(this.folder, file), { force: true });
        rmdirSync(this.staging);
      }
      this.forget();
      return files;
    } catch (error) {
      throw fromSystem(error, this.folder);
    }
  }
}

function refuseSourcesIn(folder: string, sources: readonly { source: Source }[]): void {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return;
  const there = new Set(readdirSync(folder).map((file) => identityOf(lstatSync(path.join(folder, file)))));
  const files = sources.flatMap(({ source }) => source.parts ?? [source]);
  const inside = files.find(({ identity }) => identity !== undefined && there.has(identity));
  if (!inside) return;
  throw new PagekinError("a source lies in the folder for the results", {
    file: displayName(inside.name),
    hint: "name another folder with --out, such as --out other",
  });
}

/** Files that no earlier manifest names are an error if they are not forced. */
function checkFolder(folder: string, force: boolean): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) {
    throw new PagekinError("--out is a file", { file: folder, hint: "name a folder" });
  }
  const earlier = filesOfManifest(path.join(folder, MANIFEST));
  const others = readdirSync(folder).filter((file) => !earlier.includes(file) && !file.startsWith(STAGING));
  if (others.length > 0 && !force) {
    throw new PagekinError(`--out holds files that are not pagekin's (${others.slice(0, 3).join(", ")})`, {
      file: folder,
      hint: "choose another folder, or --force to write beside them",
    });
  }
}

/** The files that an earlier run wrote to a folder. */
function filesOfManifest(file: string): string[] {
  try {
    const { pagekin, files } = JSON.parse(readFileSync(file, "utf8"));
    return typeof pagekin === "string" && Array.isArray(files)
      ? files.filter((name) => typeof name === "string" && path.basename(name) === name)
      : [];
  } catch {
    return [];
  }
}

/** Removes folders from `folder` up to `top`, if that was made, as long as they are empty. */
function removeEmpty(folder: string, top: string | undefined): void {
  if (top === undefined) return;
  try {
    for (let at = folder; at.startsWith(top); at = path.dirname(at)) rmdirSync(at);
  } catch {
    // Somebody else put something there.
  }
}
