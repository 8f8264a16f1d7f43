import { mkdirSync } from "node:fs";
import path from "node:path";
import { makeFolder, removeFolder } from "./folder.js";
import { run } from "./tools.js";

const mount = (folder: string, size: string) => run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
const unmount = (folder: string) => run("umount", folder);

function tryToMount(): boolean {
  const folder = makeFolder();
  try {
    mount(folder, "64k");
    unmount(folder);
    return true;
  } catch {
    return false;
  } finally {
    removeFolder(folder);
  }
}

/** Whether this process may mount a file system. */
export const CAN_MOUNT = tryToMount();

/** Runs something with a file system of a size at `disk` in a folder. */
export async function withDisk(folder: string, size: string, use: (disk: string) => Promise<void>): Promise<void> {
  const disk = path.join(folder, "disk");
  mkdirSync(disk);
  mount(disk, size);
  try {
    await use(disk);
  } finally {
    unmount(disk);
  }
}
