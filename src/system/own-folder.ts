// Hidden folders that runs make for themselves, and how one run comes to be alone where several want to.

import { lstatSync, mkdirSync, readdirSync, renameSync, utimesSync } from "node:fs";
import path from "node:path";
import { removeFolder } from "./folders.js";
import { BEAT_MS, forUse, newOwnName, OWN_PREFIX, readOwnName, type Use } from "./owner.js";

const LOOK_MS = 50;

/** A folder of this run. */
export class OwnFolder {
  private readonly beat: NodeJS.Timeout;

  private constructor(public path: string) {
    this.beat = setInterval(() => touch(this.path), BEAT_MS).unref();
  }

  static make(parent: string, mode: number): OwnFolder {
    const folder = path.join(path.resolve(parent), newOwnName());
    mkdirSync(folder, { mode });
    return new OwnFolder(folder);
  }

  /** Moves it to a folder on the same file system, under the name for a use. */
  moveTo(parent: string, use?: Use): void {
    const to = path.join(path.resolve(parent), path.basename(forUse(this.path, use)));
    if (to === this.path) return;
    renameSync(this.path, to);
    this.path = to;
  }

  /** Gives it another name for good: it is this run's no longer. */
  become(folder: string): void {
    renameSync(this.path, folder);
    clearInterval(this.beat);
  }

  /** Removes it with all that is in it. */
  remove(): void {
    clearInterval(this.beat);
    removeFolder(this.path);
  }
}

function touch(folder: string): void {
  try {
    const now = new Date();
    utimesSync(folder, now, now);
  } catch {
    // It is on its way to another name, or somebody has removed it: its user will say so.
  }
}

/** A folder of any run. */
export interface FoundFolder {
  path: string;
  use: Use | undefined;
  /** Whether its run still runs. */
  isAlive: boolean;
  /** Whether it belongs to this run's user. */
  isOwn: boolean;
}

/** The folders of runs in a folder. */
export function foldersOfRuns(folder: string): FoundFolder[] {
  return readdirSync(folder).flatMap((name) => {
    if (!name.startsWith(OWN_PREFIX)) return [];
    const file = path.join(path.resolve(folder), name);
    const stat = lstatSync(file, { throwIfNoEntry: false });
    const read = stat?.isDirectory() ? readOwnName(name, stat.mtimeMs) : undefined;
    if (!stat || !read) return [];
    return [{ path: file, ...read, isOwn: process.getuid === undefined || stat.uid === process.getuid() }];
  });
}

/**
 * Moves an own folder to a folder where no other run that is alive has one for the same use, and waits for that. Gives those
 * of dead runs; undefined where it waited in vain. Each run first shows itself and then looks whether it is alone, so of
 * two that come at once both may step back and try again, but never both stay.
 */
export async function enterAlone(
  own: OwnFolder,
  folder: string,
  use: Use,
  patienceMs: number,
): Promise<FoundFolder[] | undefined> {
  for (let looks = Math.ceil(patienceMs / LOOK_MS); ; looks--) {
    own.moveTo(folder, use);
    const others = foldersOfRuns(folder).filter((one) => one.use === use && one.path !== own.path);
    if (!others.some(({ isAlive }) => isAlive)) return others;
    own.moveTo(folder);
    if (looks <= 0) return undefined;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS * (0.5 + Math.random())));
  }
}
