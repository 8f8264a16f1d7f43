import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base } from "vitest";

/** Makes a temporary folder; who makes it removes it. */
export function makeFolder(): string {
  return mkdtempSync(path.join(tmpdir(), "pagekin-test-"));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A test with a temporary folder of its own. */
export const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the fixtures in use from the pattern
  folder: async ({}, use) => {
    const folder = makeFolder();
    await use(folder);
    removeFolder(folder);
  },
});

/** Runs something in a temporary folder, for what happens many times in one test. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeFolder();
  try {
    return await use(folder);
  } finally {
    removeFolder(folder);
  }
}

/** Does something with a folder as that of this process, for relative paths: in one folder at a time. */
export async function inside<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await work();
  } finally {
    process.chdir(before);
  }
}

/** The files of a folder and their text; a folder in it is an error. */
export function textsIn(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(folder, name), "utf8")]));
}

/** The text of all result tables that depend on names and contents alone; spectrum.parquet must be there, and is no text. */
export function tablesIn(folder: string): Record<string, string> {
  const {
    "ledger.csv": _ledger,
    "manifest.json": _manifest,
    "spectrum.parquet": spectrum,
    ...tables
  } = textsIn(folder);
  if (spectrum === undefined) throw new Error(`there is no spectrum.parquet in ${folder}`);
  return tables;
}
