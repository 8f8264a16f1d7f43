// Files that appear in a folder whole or not at all, whatever becomes of the run that writes them.

import { existsSync, readdirSync, renameSync } from "node:fs";
import path from "node:path";
import { fromSystem, PagekinError, quoted } from "../errors.js";
import { onExit } from "./cleanup.js";
import { makeFolders, removeEmpty, removeFolder } from "./folders.js";
import { apply, type Changes, hasRecord, readRecord, record, undo } from "./journal.js";
import { enterAlone, type FoundFolder, foldersOfRuns, OwnFolder } from "./own-folder.js";
import { forUse } from "./owner.js";
import { syncFiles, syncFolder } from "./sync.js";

/** How long a run waits while another one moves its results to the same folder, which takes moments. */
const PATIENCE_MS = 60_000;

/** Cleans up what dead runs left in a folder and beside it, and finishes what they had begun to change there. */
export async function tidy(target: string): Promise<void> {
  sweep(path.dirname(path.resolve(target)));
  if (!sweep(target).some(({ use }) => use === "commit")) return;
  const own = OwnFolder.make(target, 0o700);
  const forget = onExit(() => own.remove());
  try {
    await enterCommit(own, target);
  } finally {
    own.remove();
    forget();
  }
}

/** Removes the unfinished files of dead runs; gives the folders of runs that were there. */
function sweep(folder: string): FoundFolder[] {
  let found: FoundFolder[];
  try {
    found = foldersOfRuns(folder);
  } catch {
    // There is no such folder, or it may not be read: whoever needs it will say so.
    return [];
  }
  const leftovers = found.filter(({ use, isAlive, isOwn }) => use !== "commit" && !isAlive && isOwn);
  for (const { path } of leftovers) {
    try {
      removeFolder(path);
    } catch {
      // Another run may be at it, and it stands in nobody's way.
    }
  }
  return found;
}

/** Waits until no other run changes a folder, and finishes the changes of those that died over it. */
async function enterCommit(own: OwnFolder, target: string): Promise<void> {
  const dead = await enterAlone(own, target, "commit", PATIENCE_MS);
  if (!dead) {
    const hint = "wait until it ends, or choose another --out";
    throw new PagekinError("another run is moving its results there", { file: target, hint });
  }
  for (const folder of dead) await finish(folder, target);
}

async function finish({ path: journal, isOwn }: FoundFolder, target: string): Promise<void> {
  if (!isOwn) {
    if (!hasRecord(journal)) return;
    const hint = `let that user run any command with this --out, or remove ${path.basename(journal)} there`;
    throw new PagekinError("a run of another user was killed while it moved its results there", { file: target, hint });
  }
  const changes = readRecord(journal);
  try {
    if (changes) await apply(journal, target, changes);
  } catch (error) {
    if (changes) undo(journal, target, changes);
    const why = (fromSystem(error) as Error).message;
    const hint = `clear that up, or remove ${path.basename(journal)} there to give them up`;
    throw new PagekinError(`the results of a run that was killed cannot be moved there: ${quoted(why)}`, {
      file: target,
      hint,
    });
  }
  // Nobody must find a journal of which a part is removed.
  const leftover = forUse(journal, undefined);
  renameSync(journal, leftover);
  removeFolder(leftover);
}

/** A hidden folder for files that are not complete: in the folder they are for, or beside it where that is not there yet. */
export class Staging {
  private readonly forget: () => void;
  /** What is being changed in the folder. */
  private changes: Changes | undefined;

  private constructor(
    private readonly target: string,
    private readonly own: OwnFolder,
    /** The first folder above it that was made for it. */
    private readonly made: string | undefined,
  ) {
    this.forget = onExit(() => this.remove());
  }

  static open(target: string, mode = 0o777): Staging {
    const parent = existsSync(target) ? path.resolve(target) : path.dirname(path.resolve(target));
    const made = makeFolders(parent);
    try {
      return new Staging(target, OwnFolder.make(parent, mode), made);
    } catch (error) {
      removeEmpty(parent, made);
      throw error;
    }
  }

  get folder(): string {
    return this.own.path;
  }

  /** Where to write a file, and how errors call it. */
  place(file: string): { path: string; shownAs: string } {
    return { path: path.join(this.folder, file), shownAs: path.join(this.target, file) };
  }

  /**
   * Moves all files to their folder. plan: asked once no other run changes that folder, if it is there: which of the files,
   * and what of the folder's they replace.
   */
  async commit(plan: () => Changes): Promise<void> {
    await syncFiles(this.folder, readdirSync(this.folder));
    if (!existsSync(this.target) && (await this.becomeTarget())) return;
    await enterCommit(this.own, this.target);
    const changes = plan();
    await record(this.folder, this.target, changes);
    this.changes = changes;
    await apply(this.folder, this.target, changes);
    this.changes = undefined;
    try {
      this.remove();
    } catch {
      // The results are in place, and the next run cleans up.
    }
  }

  /** All at once, unless something has come to be there. */
  private async becomeTarget(): Promise<boolean> {
    const parent = path.dirname(this.folder);
    await syncFolder(this.folder);
    try {
      this.own.become(path.resolve(this.target));
    } catch (error) {
      if (existsSync(this.target)) return false;
      throw error;
    }
    this.forget();
    const top = this.made === undefined ? parent : path.dirname(this.made);
    for (let at = parent; at !== top; at = path.dirname(at)) await syncFolder(at);
    await syncFolder(top);
    return true;
  }

  /** Removes what is there of it; what it has changed in the folder is as before. */
  remove(): void {
    this.forget();
    if (this.changes) undo(this.folder, this.target, this.changes);
    this.changes = undefined;
    const parent = path.dirname(this.folder);
    this.own.moveTo(parent);
    this.own.remove();
    removeEmpty(parent, this.made);
  }
}
