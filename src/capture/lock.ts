// One capture at a time writes to a folder: two would take each other's snapshots for their own.

import path from "node:path";
import { fromSystem, PagekinError } from "../errors.js";
import { onExit } from "../system/cleanup.js";
import { makeFolders, removeEmpty } from "../system/folders.js";
import { enterAlone, OwnFolder } from "../system/own-folder.js";

/** Of two that start at the same moment, one goes on. */
const PATIENCE_MS = 500;

/** Makes a folder, if it is not there, and holds it until this process ends, however it does. */
export async function holdFolder(folder: string): Promise<void> {
  try {
    const made = makeFolders(folder, 0o700);
    onExit(() => removeEmpty(path.resolve(folder), made));
    const own = OwnFolder.make(folder, 0o700);
    onExit(() => own.remove());
    if (await enterAlone(own, folder, "capture", PATIENCE_MS)) return;
  } catch (error) {
    throw fromSystem(error, folder);
  }
  const hint = "wait until it ends, or name another folder with --out";
  throw new PagekinError("another pagekin capture writes to this folder", { file: folder, hint });
}
