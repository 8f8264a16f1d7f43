// One capture at a time writes to a folder: two would remove each other's unfinished files.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { PagekinError } from "../errors.js";

/** Holds a folder, which need not be there yet, until this process ends, however it does. */
export async function holdFolder(folder: string): Promise<void> {
  const name = createHash("sha256")
    .update(realPathOf(path.resolve(folder)))
    .digest("hex");
  // A name that is in no file system and goes with its process (unix(7): abstract).
  const server = createServer().unref().listen(`\0pagekin-capture-${name}`);
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    const hint = "wait until it ends, or name another folder with --out";
    throw new PagekinError("another pagekin capture writes to this folder", { file: folder, hint });
  }
}

function realPathOf(file: string): string {
  return existsSync(file) ? realpathSync(file) : path.join(realPathOf(path.dirname(file)), path.basename(file));
}
