import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { dumpOf, TINY } from "./pieces.js";

/** Two small raw dumps that share a page; gives their paths. */
export function makeTwo(folder: string): string[] {
  return [TINY, TINY + 4].map((first, i) => {
    const file = path.join(folder, `vm${i + 1}.raw`);
    const page = (piece: number) => dumpOf([piece, piece + 1, piece + 2, piece + 3]);
    writeFileSync(file, Buffer.concat([page(first), page(TINY + 8)]));
    return file;
  });
}

/** What this process has open that is a file, a deleted one or a pipe by name: paths, sorted. Linux only. */
export function openFiles(folder: string): string[] {
  return readdirSync("/proc/self/fd")
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return []; // that of the listing itself
      }
    })
    .filter((target) => target.startsWith(folder) || /\/pagekin-[^/]*\/spool/.test(target))
    .sort();
}
