import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** Whether a program is installed. */
export function has(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

export const HAS_ZSTD = has("zstd");
export const HAS_GCORE = has("gcore");
export const HAS_XXHSUM = has("xxhsum");
export const IS_LINUX = process.platform === "linux";
export const IS_ROOT = process.getuid?.() === 0;

/** Runs a program that must succeed. */
export function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: "ignore" });
}

/** For the name of a test: why it is skipped, if it is. */
export const because = (there: boolean, why: string) => (there ? "" : ` [skipped: ${why}]`);

/** What zstd makes of bytes, with options of its own. */
export function zstd(bytes: Uint8Array, ...options: string[]): Buffer {
  return execFileSync("zstd", ["-q", "-c", ...options], { input: bytes, maxBuffer: 2 ** 30 });
}

/** Dumps a process with gcore; the answer is whether it could. The file's name is the prefix, a dot and the number. */
export function gcore(pid: number, prefix: string): boolean {
  return (
    spawnSync("sh", ["-c", 'exec gcore -o "$1" "$2"', "sh", prefix, String(pid)], { stdio: "ignore" }).status === 0
  );
}

/** Whether others may read a file by its path. */
export function canNobodyRead(file: string): boolean {
  accessSync(file, constants.R_OK);
  for (let at = path.dirname(file); at !== path.dirname(at); at = path.dirname(at))
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
  return true;
}
